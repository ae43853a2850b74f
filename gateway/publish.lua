-- Store a record, unless a newer one is there already.
--
-- KEYS[1]  the record
-- ARGV[1]  its revision
-- ARGV[2]  its body, empty for a deleted key
-- ARGV[3]  seconds to keep it; 0 for ever
--
-- Returns 1 when it was stored, 0 when it was not newer. A token that stands in its place
-- (consume.lua) goes, and with it the right of those who read before this change to fill it in.

local record = redis.call('GET', KEYS[1])
local revision = record and tonumber(string.match(record, '^%d+'))
if revision and revision >= tonumber(ARGV[1]) then
  return 0
end
if ARGV[3] == '0' then
  redis.call('SET', KEYS[1], ARGV[1] .. ':' .. ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[1] .. ':' .. ARGV[2], 'EX', ARGV[3])
end
return 1
