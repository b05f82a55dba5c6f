-- parts: pair model policy change step keep
--
-- Applies a batch of interactions in one atomic step. Reads and computes first and writes last. The events come grouped
-- by pair, so that one pair is at hand at a time; those of one pair are in their order.
--
-- KEYS   of each shard: outbox, due ; of each segment: seen ; floors ; pairs
-- ARGV 1 header: u16 shards, segments, floors, pairs ; u8 1: timed recovery, 2: streamed, 4: states are wanted ;
--        8: nothing is published ; f64 the processor's clock in ms
--      2 segments: u16 first byte, u16 bytes ; u16 floor ; f64 position of their first bit
--      3 pairs: u16 shard, u16 how many of the events are its own ; u32 bytes of both names as stored, then they
--      4 events: u8 outcome + 4: has an id + 8: has a position + 16: its details tell weight and policy + 32: and its
--        texts the probe, in 16 digits after the trace ; u8 the bit of its position in its byte ; u16 segment, byte ;
--        f64 time ; 6 bytes of its id's digest
--      5 details of each event: f64 weight ; u16 policy ; u16 its place in the batch ; u32, u16, u8 where its id begins
--        in the texts, its length, that of its trace
--      6 texts
--      7 and on, two for each policy: its numbers, what circuit events say of it
-- Indexes begin at 1.
--
-- Answers which events were not applied, a character for each of those (r repeat, d duplicate, s superseded, c collision,
-- u unreadable), which events made changes, the changes, and the state after each event if they are wanted.

local shards, segments, floors, pair_count, flags, now_ms = unpack_struct('<I2I2I2I2Bd', ARGV[1])
local silent, wants_states, streamed, timed = flags >= 8, flags % 8 >= 4, flags % 4 >= 2, flags % 2 == 1
local rules = { timed_recovery = timed, streamed = streamed, silent = silent, now_ms = now_ms }
local first_segment, first_floor = 2 * shards, 2 * shards + segments
local first_pair = first_floor + floors
local policies = unpack_policies(7)

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

-- Bytes of a segment whose bits say which positions were applied; those up to the floor were, whatever they say.
local function read_segment(key, first_byte, length, covered)
  local cells = { string.byte(call('GETRANGE', key, first_byte, first_byte + length - 1), 1, -1) }
  for cell = #cells + 1, length do cells[cell] = 0 end
  local whole = math.min(length, math.floor((covered + 1) / 8))
  for cell = 1, whole do cells[cell] = 255 end
  if whole >= 0 and whole < length then
    for bit = 0, covered - 8 * whole do
      local power = 2 ^ (7 - bit)
      local cell = cells[whole + 1]
      if cell % (2 * power) < power then cells[whole + 1] = cell + power end
    end
  end
  return cells
end

local bits, first_byte, dirty = {}, {}, {}
do
  local floor_values = read_keys(first_floor + 1, first_pair)
  local at = 1
  for i = 1, segments do
    local length, floor, base
    first_byte[i], length, floor, base, at = unpack_struct('<I2I2I2d', ARGV[2], at)
    local covered = math.max(-1, tonumber(floor_values[floor] or -1) - base)
    bits[i] = read_segment(KEYS[first_segment + i], first_byte[i], length, covered)
  end
end
-- A key of the wrong type speaks up here, before anything is written.
for i = 1, shards do
  call('XLEN', KEYS[2 * i - 1])
  call('ZCARD', KEYS[2 * i])
end

local DETAIL_BYTES = 19
local events, details, texts = ARGV[4], ARGV[5], ARGV[6]
local others, other_kinds, states = {}, {}, {}

-- The event at hand, and whether its pair is to be written: 1 only because an id is new, 2 because it changed.
local n, outcome, written, used_policy = 0, 0, 0, nil
local function explain()
  local _, _, _, text_at, id_length, trace_length = unpack_struct('<dI2I2I4I2B', details, (n - 1) * DETAIL_BYTES + 1)
  cause.by, cause.outcome = n, outcome
  cause.event_id = sub(texts, text_at, text_at + id_length - 1)
  cause.trace = sub(texts, text_at + id_length, text_at + id_length + trace_length - 1)
end

local function probe_of(event)
  local _, _, _, text_at, id_length, trace_length = unpack_struct('<dI2I2I4I2B', details, (event - 1) * DETAIL_BYTES + 1)
  local at = text_at + id_length + trace_length
  return tonumber(sub(texts, at, at + 15))
end

-- What becomes of an event of the pair at hand, where it is not applied.
local function apply_event(policy, t, weight, id)
  if id then
    if is_recent(id) then return 'd' end
    remember(id)
  end
  if streamed and reset_at and t <= reset_at then
    if id and written == 0 then written = 1 end
    return 's'
  end
  apply_interaction(outcome, t, weight, policy, rules, explain)
  written, used_policy = 2, policy
  return nil
end

local values = read_keys(first_pair + 1, first_pair + pair_count)
local pairs_at, events_at = 1, 1
for p = 1, pair_count do
  local key = KEYS[first_pair + p]
  local shard, event_count, its_names
  shard, event_count, its_names, pairs_at = unpack_struct('<I2I2I4c0', ARGV[3], pairs_at)
  -- Why the pair cannot be had, where it cannot.
  local why = nil
  if values[p] then
    why = load_pair(values[p], its_names)
  elseif call('EXISTS', key) == 1 then
    -- MGET answers nothing for a key of another type.
    why = 'u'
  else
    begin_unknown(its_names)
  end
  cause.outbox, cause.key, written = KEYS[2 * shard - 1], key, 0
  for _ = 1, event_count do
    local marks, power, segment, cell, t, id
    marks, power, segment, cell, t, id, events_at = unpack_struct('<BBI2I2dc6', events, events_at)
    n = n + 1
    local weight, policy = 1, 1
    probe = nil
    if marks >= 16 then
      weight, policy = unpack_struct('<dI2', details, (n - 1) * DETAIL_BYTES + 1)
      marks = marks - 16
      if marks >= 32 then
        probe = probe_of(n)
        marks = marks - 32
      end
    end
    outcome = marks % 4
    local kind = why
    local cells = marks >= 8 and bits[segment]
    if cells and cells[cell] % (power + power) >= power then
      kind = 'r'
    elseif not kind then
      if cells then
        cells[cell] = cells[cell] + power
        dirty[segment] = true
      end
      kind = apply_event(policies[policy], t, weight, marks % 8 >= 4 and id)
    end
    if kind then
      others[#others + 1] = n
      other_kinds[#others] = kind
    end
    if wants_states then states[n] = why and '' or pack_pair() end
  end
  if written == 2 then
    plan(key, KEYS[2 * shard], used_policy, rules)
  elseif written == 1 then
    plan_bytes(key)
  end
end

-- Changes are published in the order of the batch, whatever pair they are of.
local function in_batch_order()
  local order, place = {}, {}
  for k = 1, #changed_by do
    local _, _, index = unpack_struct('<dI2I2', details, (changed_by[k] - 1) * DETAIL_BYTES + 1)
    order[k], place[k] = k, index
  end
  table.sort(order, function(k, l) return place[k] < place[l] or (place[k] == place[l] and k < l) end)
  return order
end

-- From here on it only writes.
write_planned()
for i = 1, segments do
  if dirty[i] then call('SETRANGE', KEYS[first_segment + i], first_byte[i], string.char(unpack(bits[i]))) end
end
if streamed and not silent then
  for _, k in ipairs(in_batch_order()) do publish(k) end
end
return { others, table.concat(other_kinds), changed_by, changed_bytes, states }
