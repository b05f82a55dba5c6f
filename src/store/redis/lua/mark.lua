-- Writes how far sources are acknowledged, and moves the floor below which positions count as applied. Writes nothing
-- where writes from before may be lost: on a server that is not the one of the last mark, or was not for the caller.
--
-- KEYS   mark ; for each source: floor
-- ARGV 1 replay span ; 2 run id of the server that the caller knows, or empty ; 3 may a first mark be made: 1 or 0
--      4 the time, seconds since the epoch, by the server's clock
--      then four for each source: name, acknowledged position, time up to which it is read (or empty), seen prefix
--
-- Answers { w, run id, sources that may be forgotten ... }: it is written
--         { l, run id, since, source, position, ... }: what was surely written before, and by when
--         { b, ... }: the same, of a state that was made anew: what came after it may have been applied elsewhere
--         { e }: there is no mark, and a first one may not be made

local CHUNK = 65536
local MOST_CHUNKS = 1000
-- What was acknowledged this long ago is known, in seconds: it is kept until the next so old one is.
local GENERATION = 60
-- After so long without a mark nobody reads a log any more that was made anew since, in seconds.
local DISUSED = 3600

local mark, now = KEYS[1], tonumber(ARGV[4])
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local fields, sources = {}, {}
do
  local flat = redis.call('HGETALL', mark)
  for i = 1, #flat, 2 do
    fields[flat[i]] = flat[i + 1]
    local source = string.match(flat[i], '^acknowledged:(.*)$')
    if source then sources[#sources + 1] = source end
  end
end

local function lost(kind, since)
  local answer = { fields.run_id == 'rebuilt' and 'b' or 'l', run_id, since }
  for _, source in ipairs(sources) do
    local position = fields[kind .. ':' .. source]
    if position then
      answer[#answer + 1] = source
      answer[#answer + 1] = position
    end
  end
  return answer
end

if not fields.run_id then
  if ARGV[3] ~= '1' then return { 'e' } end
elseif fields.run_id ~= run_id then
  return lost('acknowledged', fields.marked_at or '0')
elseif ARGV[2] ~= '' and ARGV[2] ~= run_id then
  return lost('before', fields.before_at or '0')
end
local floors = {}
for i = 2, #KEYS do floors[i] = tonumber(redis.call('GET', KEYS[i]) or -1) end

-- From here on it only writes.
redis.call('HSET', mark, 'run_id', run_id, 'marked_at', ARGV[4])
local turns = math.abs(now - tonumber(fields.then_at or '-inf')) >= GENERATION
if turns then
  redis.call('HSET', mark, 'before_at', fields.then_at or ARGV[4], 'then_at', ARGV[4])
  for _, source in ipairs(sources) do
    local acknowledged = fields['acknowledged:' .. source]
    redis.call('HSET', mark, 'before:' .. source, fields['then:' .. source] or acknowledged)
    redis.call('HSET', mark, 'then:' .. source, acknowledged)
  end
end
for i = 2, #KEYS do
  local at = 5 + (i - 2) * 4
  local source, acknowledged, read_to, seen = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local before = fields['acknowledged:' .. source]
  if not before then
    redis.call('HSET', mark, 'before:' .. source, acknowledged, 'then:' .. source, acknowledged)
  end
  redis.call('HSET', mark, 'seen_at:' .. source, ARGV[4])
  if tonumber(acknowledged) >= tonumber(before or -1) then
    redis.call('HSET', mark, 'acknowledged:' .. source, acknowledged)
    if read_to ~= '' then redis.call('HSET', mark, 'read_to:' .. source, read_to) end
  end
  local floor = tonumber(acknowledged) - tonumber(ARGV[1])
  if floor > 0 and floor > floors[i] then
    redis.call('SET', KEYS[i], string.format('%.0f', floor))
    local last = math.floor((floor + 1) / CHUNK) - 1
    local first = math.max(0, math.floor(math.max(0, floors[i]) / CHUNK), last - MOST_CHUNKS)
    for chunk = first, last do redis.call('DEL', seen .. string.format('%.0f', chunk)) end
  end
end

-- A log as positions name it, without its epoch.
local function log_of(source)
  return string.match(source, '^(.*)@[^@]*$')
end

local answer = { 'w', run_id }
if turns then
  local marked = {}
  for i = 5, #ARGV, 4 do marked[log_of(ARGV[i]) or ''] = ARGV[i] end
  for _, source in ipairs(sources) do
    local anew = log_of(source) and marked[log_of(source)]
    local age = now - tonumber(fields['seen_at:' .. source] or now)
    if anew and anew ~= source and age > DISUSED then answer[#answer + 1] = source end
  end
end
return answer
