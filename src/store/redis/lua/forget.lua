-- Forgets a source that comes no more: its mark, its floor and its bitmaps.
--
-- KEYS   mark, floor
-- ARGV   source, seen prefix

local CHUNK = 65536
-- What was applied and not acknowledged when it was last marked lies in these chunks beyond.
local CHUNKS_AHEAD = 2
local source, seen = ARGV[1], ARGV[2]
local floor = tonumber(redis.call('GET', KEYS[2]) or 0)
local acknowledged = tonumber(redis.call('HGET', KEYS[1], 'acknowledged:' .. source) or floor)

for _, field in ipairs({ 'acknowledged:', 'read_to:', 'before:', 'then:', 'seen_at:' }) do
  redis.call('HDEL', KEYS[1], field .. source)
end
redis.call('DEL', KEYS[2])
for chunk = math.floor(floor / CHUNK), math.floor(acknowledged / CHUNK) + CHUNKS_AHEAD do
  redis.call('DEL', seen .. string.format('%.0f', chunk))
end
return 1
