-- parts: pair model policy step keep
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

local shards, segments, floors, pair_count, flags, now_ms = unpack_struct('<I2I2I2I2Bd', ARGV[1])
local wants_states, streamed, timed = flags >= 4, flags % 4 >= 2, flags % 2 == 1
local rules = { timed_recovery = timed, streamed = streamed, now_ms = now_ms }
local first_segment, first_floor = 2 * shards, 2 * shards + segments
local first_pair = first_floor + floors
local policies = unpack_policies(6)

-- Reads keys that may be more than one call has room for.
local function read_keys(first, last)
  local values = {}
  for from = first, last, 4000 do
    local part = call('MGET', unpack(KEYS, from, math.min(last, from + 3999)))
    if from == first and last - first < 4000 then return part end
    for i = 1, #part do values[from - first + i] = part[i] end
  end
  return values
end

-- Bits of positions: those of a segment, which of them the floor covers, whether one was set.
local bits, first_byte, covered, dirty = {}, {}, {}, {}
do
  local floor_values = read_keys(first_floor + 1, first_pair)
  local at = 1
  for i = 1, segments do
    local length, floor, base
    first_byte[i], length, floor, base, at = unpack_struct('<I2I2I2d', ARGV[2], at)
    local bytes = call('GETRANGE', KEYS[first_segment + i], first_byte[i], first_byte[i] + length - 1)
    local cells = { string.byte(bytes, 1, -1) }
    for j = #cells + 1, length do cells[j] = 0 end
    bits[i] = cells
    covered[i] = tonumber(floor_values[floor] or -1) - base
  end
end

-- Why a pair cannot be had, where it cannot.
local why, shard_of = {}, {}
do
  local values = read_keys(first_pair + 1, first_pair + pair_count)
  local at, names = 1, nil
  for p = 1, pair_count do
    shard_of[p], names, at = unpack_struct('<I2I4c0', ARGV[3], at)
    local value = values[p]
    if value then
      why[p] = unpack_pair(p, value, names)
    elseif call('EXISTS', KEYS[first_pair + p]) == 1 then
      -- MGET answers nothing for a key of another type.
      why[p] = 'u'
    else
      begin_unknown(p, names)
    end
  end
end
-- A key of the wrong type speaks up here, before anything is written.
for i = 1, shards do
  call('XLEN', KEYS[2 * i - 1])
  call('ZCARD', KEYS[2 * i])
end

local powers = { [0] = 128, 64, 32, 16, 8, 4, 2, 1 }
local floor_of = math.floor
local events, texts = ARGV[4], ARGV[5]
local kinds, states = {}, {}
-- Pairs to be written, and under which policy; none where only an id is new.
local written, is_written, policy_of = {}, {}, {}

local n, outcome, text_at, id_length, trace_length = 0, 0, 0, 0, 0
local function explain()
  cause.by, cause.outcome = n, outcome
  cause.event_id = sub(texts, text_at, text_at + id_length - 1)
  cause.trace = sub(texts, text_at + id_length, text_at + id_length + trace_length - 1)
end

-- What becomes of the event of a pair that can be had.
local function apply_event(p, policy, t, weight, id)
  if id then
    if is_recent(p, id) then return 'd' end
    remember(p, id)
  end
  local void = streamed and reset_at[p] and t <= reset_at[p]
  if not is_written[p] and (id or not void) then
    is_written[p] = true
    written[#written + 1] = p
  end
  if void then return 's' end
  apply_interaction(p, outcome, t, weight, policy, rules, explain)
  policy_of[p] = policy
  return 'a'
end

local at = 1
while at <= #events do
  local p, policy, segment, bit, marks, t, weight, id
  p, policy, segment, bit, marks, t, weight, id, text_at, id_length, trace_length, at =
    unpack_struct('<I2I2I2I2Bddc6I4I2B', events, at)
  n = n + 1
  outcome = marks % 4
  local cells, cell, power
  local applied = false
  if marks >= 8 then
    cells, cell, power = bits[segment], floor_of(bit / 8) + 1, powers[bit % 8]
    applied = bit <= covered[segment] or floor_of(cells[cell] / power) % 2 == 1
  end
  if applied then
    kinds[n] = 'r'
  elseif why[p] then
    kinds[n] = why[p]
  else
    if cells then
      cells[cell] = cells[cell] + power
      dirty[segment] = true
    end
    kinds[n] = apply_event(p, policies[policy], t, weight, marks % 8 >= 4 and id or nil)
  end
  if wants_states then states[n] = why[p] and '' or pack_pair(p) end
end

-- From here on it only writes.
for i = 1, #written do
  local p = written[i]
  local key = KEYS[first_pair + p]
  if policy_of[p] then
    keep(p, key, KEYS[2 * shard_of[p]], policy_of[p], rules)
  else
    call('SET', key, pack_pair(p), 'KEEPTTL')
  end
end
for i = 1, segments do
  if dirty[i] then call('SETRANGE', KEYS[first_segment + i], first_byte[i], string.char(unpack(bits[i]))) end
end
if streamed then
  for k = 1, #changed_by do
    local p = changed_pair[k]
    call('XADD', KEYS[2 * shard_of[p] - 1], '*', member_of(KEYS[first_pair + p]), changed_bytes[k])
  end
end
return { table.concat(kinds), changed_by, changed_bytes, states }
