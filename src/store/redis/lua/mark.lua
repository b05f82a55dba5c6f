-- Writes how far sources are acknowledged, and moves the floor below which positions count as applied.
--
-- KEYS   mark ; for each source: floor
-- ARGV 1 replay span ; 2 whether to take over after a restart: 1 or 0
--      then four for each source: name, acknowledged position, time up to which it is read (or empty), seen prefix
--
-- Answers 1, or 0 and writes nothing where this server is not the one that the mark was written on last.

local CHUNK = 65536
local MOST_CHUNKS = 1000
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local known = redis.call('HGET', KEYS[1], 'run_id')
if known and known ~= run_id and ARGV[2] ~= '1' then return 0 end
local floors = {}
for i = 2, #KEYS do floors[i] = tonumber(redis.call('GET', KEYS[i]) or -1) end

redis.call('HSET', KEYS[1], 'run_id', run_id)
for i = 2, #KEYS do
  local at = 3 + (i - 2) * 4
  local source, acknowledged, read_to, seen = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local before = tonumber(redis.call('HGET', KEYS[1], 'acknowledged:' .. source) or -1)
  if tonumber(acknowledged) >= before then
    redis.call('HSET', KEYS[1], 'acknowledged:' .. source, acknowledged)
    if read_to ~= '' then redis.call('HSET', KEYS[1], 'read_to:' .. source, read_to) end
  end
  local floor = tonumber(acknowledged) - tonumber(ARGV[1])
  if floor > 0 and floor > floors[i] then
    redis.call('SET', KEYS[i], string.format('%.0f', floor))
    local last = math.floor((floor + 1) / CHUNK) - 1
    local first = math.max(0, math.floor(math.max(0, floors[i]) / CHUNK), last - MOST_CHUNKS)
    for chunk = first, last do redis.call('DEL', seen .. string.format('%.0f', chunk)) end
  end
end
return 1
