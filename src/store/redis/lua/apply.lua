-- parts: model pair step keep policy
--
-- Applies a batch of interactions in one atomic step. Reads and computes first and writes last.
--
-- KEYS   of each shard: outbox, due ; of each segment: seen ; floors ; pairs
-- ARGV 1 header: u16 shards, segments, floors, pairs ; u8 1: timed recovery, 2: streamed, 4: states are wanted ;
--        f64 the processor's clock in ms
--      2 segments: u16 first byte, u16 bytes ; u16 floor ; f64 position of their first bit
--      3 pairs: u16 shard ; u32 bytes of both names as in a stored pair, then they
--      4 events: u16 pair, policy, segment, bit ; u8 outcome + 4: has an id + 8: has a position ; f64 time, weight ;
--        6 bytes of its id's digest ; u32, u16, u8 where its id begins in the texts, its length, that of its trace
--      5 texts
--      6 and on, two for each policy: its numbers, what circuit events say of it
-- Indexes begin at 1.
--
-- Answers a character an event (a applied, r repeat, d duplicate, s superseded, c collision, u unreadable), which
-- events made changes, the changes, and the state after each event if they are wanted.

local header = ARGV[1]
local shards, segments, floors, pair_count, flags, now_ms = unpack_struct('<I2I2I2I2Bd', header)
local wants_states, streamed, timed = flags >= 4, flags % 4 >= 2, flags % 2 == 1
local rules = { timed_recovery = timed, streamed = streamed, now_ms = now_ms }
local first_segment, first_floor = 2 * shards, 2 * shards + segments
local first_pair = first_floor + floors

-- Reads all of some keys, which may be more than one call's results have room for.
local function read_keys(first, last)
  if last - first < 4000 then
    if last < first then return {} end
    return redis.call('MGET', unpack(KEYS, first, last))
  end
  local values = {}
  for from = first, last, 4000 do
    local part = redis.call('MGET', unpack(KEYS, from, math.min(last, from + 3999)))
    for i = 1, #part do values[from - first + i] = part[i] end
  end
  return values
end

local policies = {}
for i = 6, #ARGV, 2 do policies[#policies + 1] = unpack_policy(ARGV[i], ARGV[i + 1]) end

local floor_values = read_keys(first_floor + 1, first_pair)
local seen = {}
do
  local at = 1
  for i = 1, segments do
    local start, length, floor, base
    start, length, floor, base, at = unpack_struct('<I2I2I2d', ARGV[2], at)
    local bytes = redis.call('GETRANGE', KEYS[first_segment + i], start, start + length - 1)
    local bits = { string.byte(bytes, 1, -1) }
    for j = #bits + 1, length do bits[j] = 0 end
    seen[i] = { bits = bits, start = start, below = tonumber(floor_values[floor] or -1) - base, dirty = false }
  end
end

local values = read_keys(first_pair + 1, first_pair + pair_count)
local pairs_, why, shard_of = {}, {}, {}
do
  local at, names, shard = 1, nil, nil
  for i = 1, pair_count do
    shard, names, at = unpack_struct('<I2I4c0', ARGV[3], at)
    shard_of[i] = shard
    local value = values[i]
    if value then
      pairs_[i], why[i] = unpack_pair(value, names)
    elseif redis.call('EXISTS', KEYS[first_pair + i]) == 1 then
      -- MGET answers nothing for a key of another type.
      why[i] = 'u'
    else
      pairs_[i] = unknown_pair(names)
    end
  end
end
-- A key of the wrong type speaks up here, before anything is written.
for i = 1, shards do
  redis.call('XLEN', KEYS[2 * i - 1])
  redis.call('ZCARD', KEYS[2 * i])
end

local powers = { [0] = 128, 64, 32, 16, 8, 4, 2, 1 }
local floor_of = math.floor
local kinds, states, changed, last_policy = {}, {}, {}, {}
-- Each change: its event, its bytes, its pair.
local told, bytes_told, pair_told = {}, {}, {}
local events, texts = ARGV[4], ARGV[5]
local at, n = 1, 0
while at <= #events do
  local pair_index, policy_index, segment, bit, marks, t, weight, id, text_at, id_length, trace_length
  pair_index, policy_index, segment, bit, marks, t, weight, id, text_at, id_length, trace_length, at =
    unpack_struct('<I2I2I2I2Bddc6I4I2B', events, at)
  n = n + 1
  local pair = pairs_[pair_index]
  local part, cell, power
  local applied = false
  if marks >= 8 then
    marks = marks - 8
    part = seen[segment]
    cell = floor_of(bit / 8) + 1
    power = powers[bit % 8]
    applied = bit <= part.below or floor_of(part.bits[cell] / power) % 2 == 1
  end
  if applied then
    kinds[n] = 'r'
  elseif pair == nil then
    kinds[n] = why[pair_index]
  else
    if part then
      part.bits[cell] = part.bits[cell] + power
      part.dirty = true
    end
    local has_id = marks >= 4
    if has_id and is_recent(pair.ids, id) then
      kinds[n] = 'd'
    else
      if has_id then
        marks = marks - 4
        pair.ids = with_recent(pair.ids, id)
        if not pair.dirty then
          pair.dirty = true
          changed[#changed + 1] = pair_index
        end
      end
      if streamed and t <= pair.reset_at then
        kinds[n] = 's'
      else
        kinds[n] = 'a'
        local changes = {}
        local policy = policies[policy_index]
        apply_interaction(pair, marks, t, weight, policy, rules, changes, function()
          return {
            kind = BY_INTERACTION, outcome = marks, actor = '', reason = '',
            event_id = sub(texts, text_at, text_at + id_length - 1),
            trace = sub(texts, text_at + id_length, text_at + id_length + trace_length - 1),
          }
        end)
        last_policy[pair_index] = policy
        if not pair.dirty then
          pair.dirty = true
          changed[#changed + 1] = pair_index
        end
        for i = 1, #changes do
          local k = #told + 1
          told[k], bytes_told[k], pair_told[k] = n, changes[i], pair_index
        end
      end
    end
  end
  if wants_states then states[n] = pair and pack_pair(pair) or '' end
end

-- From here on it only writes.
for i = 1, #changed do
  local index = changed[i]
  local pair, key, policy = pairs_[index], KEYS[first_pair + index], last_policy[index]
  if policy then
    keep(pair, key, KEYS[2 * shard_of[index]], policy, rules)
  else
    redis.call('SET', key, pack_pair(pair), 'KEEPTTL')
  end
end
for i = 1, segments do
  local part = seen[i]
  if part.dirty then
    redis.call('SETRANGE', KEYS[first_segment + i], part.start, string.char(unpack(part.bits)))
  end
end
if streamed then
  for k = 1, #told do
    local index = pair_told[k]
    redis.call('XADD', KEYS[2 * shard_of[index] - 1], '*', member_of(KEYS[first_pair + index]), bytes_told[k])
  end
end
return { table.concat(kinds), told, bytes_told, states }
