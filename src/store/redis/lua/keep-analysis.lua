-- Keeps an analysis of a pair where it has none that was made later, and its id in any case. One that cannot be read gives
-- way.
--
-- KEYS   analysis ; ids of analyses
-- ARGV   it, as JSON ; when it was made ; seconds for which both are kept ; its id ; most ids
--
-- Answers 1, or 0 where there is a later one. Ids are lines, the newest first.

local ids, count = { ARGV[4] }, tonumber(ARGV[5])
for id in string.gmatch(redis.call('GET', KEYS[2]) or '', '[^\n]+') do
  if #ids < count and id ~= ARGV[4] then ids[#ids + 1] = id end
end
redis.call('SET', KEYS[2], table.concat(ids, '\n'), 'EX', ARGV[3])

local before = redis.call('GET', KEYS[1])
local ok, stored = pcall(cjson.decode, before or '{}')
local at = ok and type(stored) == 'table' and tonumber(stored.at)
if at and at > tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
return 1
