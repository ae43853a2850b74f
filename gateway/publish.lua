-- Store a record, unless a newer one is there already.
--
-- KEYS[1]  the record
-- ARGV[1]  its revision
-- ARGV[2]  its body, empty for a deleted key
-- ARGV[3]  seconds to keep it; 0 for ever
-- ARGV[4]  deadline, milliseconds on this server's clock; 0 for none
--
-- Returns 1 when Redis has this record or a newer one now, 0 when the deadline has passed: a publication
-- that comes late could otherwise bring back what was dropped since. A token that stands in its place
-- (consume.lua) goes, and with it the right of those who read before this change to fill it in.

if ARGV[4] ~= '0' then
  local time = redis.call('TIME')
  if tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000 > tonumber(ARGV[4]) then
    return 0
  end
end

local record = redis.call('GET', KEYS[1])
local revision = record and tonumber(string.match(record, '^%d+'))
if revision and revision >= tonumber(ARGV[1]) then
  return 1
end
if ARGV[3] == '0' then
  redis.call('SET', KEYS[1], ARGV[1] .. ':' .. ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[1] .. ':' .. ARGV[2], 'EX', ARGV[3])
end
return 1
