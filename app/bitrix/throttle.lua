-- Take one place in a portal's leaky bucket, now or soon, or tell how long it stays full.
--
-- KEYS[1]  the bucket: when it will be empty, in milliseconds on this server's clock
--
-- ARGV, all in milliseconds:
-- [1]  in which one call leaks out         [2]  in which a full bucket leaks out
-- [3]  that the caller can wait            [4]  that any caller waits at most
-- [5]  until the bucket is empty as the caller knows it: this server may have forgotten it
--
-- Returns {1 or 0, milliseconds to wait, milliseconds until the bucket is empty}; 1 when a place was taken.
--
-- Places are given in the order in which they are asked for: who has to wait has taken a later one already.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local one, room, most = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[2] + ARGV[4]

local ahead = math.max(tonumber(redis.call('GET', KEYS[1]) or 0) - now, tonumber(ARGV[5]), 0)
if ahead > most then
  -- So much can't have been taken: the clock was set back.
  ahead = most
  redis.call('SET', KEYS[1], string.format('%.0f', now + ahead), 'PX', ahead)
end

local wait = math.max(0, ahead + one - room)
if wait > tonumber(ARGV[3]) then
  return {0, wait, ahead}
end
ahead = ahead + one
redis.call('SET', KEYS[1], string.format('%.0f', now + ahead), 'PX', ahead)
return {1, wait, ahead}
