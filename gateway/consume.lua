-- Confirm that two records are current, and count one request against all its limits or none.
--
-- KEYS[1]      the key's record           KEYS[2]  the account's record
-- KEYS[3..]    one counter for each limit, its window's start in its name
--
-- ARGV[1], [2] revisions of the records that the caller judged by
-- ARGV[3]      deadline, milliseconds on this server's clock; 0 for none
-- ARGV[4]      a new token, for a record that has to be filled
-- ARGV[5], [6] token and body to fill the key's record with, or empty
-- ARGV[7], [8] token and body to fill the account's record with, or empty
-- ARGV[9..]    for each limit: quota, floor, seconds to keep a new counter
--
-- Returns one of
--   {'counted', refusing limit or 0, counts…}      counts are those after this request
--   {'changed', key record, account record}        at least one is newer than the caller's
--   {'absent', key token or '', account token or ''}   to be read from the source, then filled
--   {'late'}
--
-- A record is "<revision>:<body>", its body empty once the key is deleted. A record that nobody may
-- believe before it was read anew is "?<token>": whoever got the token before reading the source may
-- fill it in, and publishing a change takes the token away. So nobody who read before a change can
-- overwrite it, also when Redis was emptied in between.
--
-- All state is text, and no global is set, so that every implementation of Redis scripts runs this.

if ARGV[3] ~= '0' then
  local time = redis.call('TIME')
  if tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000 > tonumber(ARGV[3]) then
    return {'late'}
  end
end

local state = redis.call('MGET', unpack(KEYS))
local tokens = {'', ''}
local newer = false
local absent = false

for i = 1, 2 do
  local record = state[i]
  local known = tonumber(ARGV[i])
  local token = ARGV[3 + 2 * i]
  local body = ARGV[4 + 2 * i]
  local revision = record and tonumber(string.match(record, '^%d+'))
  local fillable = body ~= '' and known > 0
  if revision then
    if revision > known then
      newer = true
    elseif revision < known then
      if fillable then
        state[i] = ARGV[i] .. ':' .. body
        redis.call('SET', KEYS[i], state[i])
      else
        absent = true
      end
    end
  elseif fillable and record == '?' .. token then
    state[i] = ARGV[i] .. ':' .. body
    redis.call('SET', KEYS[i], state[i])
  else
    if not record or string.sub(record, 1, 1) ~= '?' then
      record = '?' .. ARGV[4]
      redis.call('SET', KEYS[i], record)
    end
    tokens[i] = string.sub(record, 2)
    absent = true
  end
end

if absent then
  return {'absent', tokens[1], tokens[2]}
end
if newer then
  return {'changed', state[1], state[2]}
end

local counts = {}
local refusing = 0
for i = 3, #KEYS do
  local quota = tonumber(ARGV[3 * i])
  local floor = tonumber(ARGV[3 * i + 1])
  local count = math.max(tonumber(state[i] or 0), floor)
  counts[i - 2] = count
  if refusing == 0 and count + 1 > quota then
    refusing = i - 2
  end
end

local answer = {'counted', refusing}
for i = 3, #KEYS do
  local count = counts[i - 2]
  if refusing == 0 then
    count = count + 1
    if not state[i] then
      redis.call('SET', KEYS[i], count, 'EX', ARGV[3 * i + 2])
    elseif count - 1 > tonumber(state[i]) then
      redis.call('SET', KEYS[i], count, 'KEEPTTL')
    else
      redis.call('INCR', KEYS[i])
    end
  end
  answer[i] = count
end
return answer
