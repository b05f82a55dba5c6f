-- A pair as bytes, the format of src/store/packed.ts:
--
--     u8   version, 1
--     u8   1: there is evidence; 2, 4: the circuit; 8: the times below are there
--     f64  alpha, beta, lastUpdated, interactionCount, transition
--     f64  transitionAt, openedAt, resetTime, resetAt, terminateTime, queuedAt      if times; NaN: none
--     u32  bytes of agentA, UTF-8, then they ; u32 bytes of agentB, UTF-8, then they
--     ids  6 bytes of each recent event id, the oldest first

local VERSION = 1
local HEAD, TIMES = 42, 48
local ID_BYTES, MOST_IDS = 6, 8
local unpack_struct, pack_struct = struct.unpack, struct.pack
local sub = string.sub

local function unknown_pair(names)
  return {
    names = names, ids = '', has_state = false, circuit = CLOSED,
    alpha = 0, beta = 0, last_updated = 0, count = 0, transition = 0,
    transition_at = NONE, opened_at = NONE, reset_time = NONE, reset_at = NONE, terminate_time = NONE,
    queued_at = NONE, known = false, dirty = false,
  }
end

-- Whether names, packed as above, hold the same two agents as those at an offset of a value. Returns the
-- packed names in the value's order, or nil.
local function same_names(value, at, names)
  local stored = sub(value, at, at + #names - 1)
  if stored == names then return stored end
  local a, b = unpack_struct('<I4c0I4c0', names)
  local swapped = pack_struct('<I4c0I4c0', #b, b, #a, a)
  if stored == swapped then return stored end
  return nil
end

-- The pair of a stored value, or nil and why there is none: 'c' other agents' pair, 'u' unreadable.
local function unpack_pair(value, names)
  if #value < HEAD + 8 then return nil, 'u' end
  local version, flags, alpha, beta, last_updated, count, transition = unpack_struct('<BBddddd', value)
  if version ~= VERSION or flags > 15 then return nil, 'u' end
  local at = HEAD + 1
  local transition_at, opened_at, reset_time, reset_at, terminate_time, queued_at = NONE, NONE, NONE, NONE, NONE, NONE
  if flags >= 8 then
    if #value < HEAD + TIMES + 8 then return nil, 'u' end
    transition_at, opened_at, reset_time, reset_at, terminate_time, queued_at = unpack_struct('<dddddd', value, at)
    at = at + TIMES
    flags = flags - 8
  end
  local stored = same_names(value, at, names)
  if stored == nil then
    local length_a = unpack_struct('<I4', value, at)
    if at + 4 + length_a + 4 > #value + 1 then return nil, 'u' end
    local length_b = unpack_struct('<I4', value, at + 4 + length_a)
    if at + 8 + length_a + length_b > #value + 1 then return nil, 'u' end
    return nil, 'c'
  end
  local ids = sub(value, at + #stored)
  if #ids % ID_BYTES ~= 0 or #ids > ID_BYTES * MOST_IDS then return nil, 'u' end
  local has_state = flags % 2 == 1
  return {
    names = stored, ids = ids, has_state = has_state, circuit = (flags - (has_state and 1 or 0)) / 2,
    alpha = alpha, beta = beta, last_updated = last_updated, count = count, transition = transition,
    transition_at = transition_at, opened_at = opened_at, reset_time = reset_time, reset_at = reset_at,
    terminate_time = terminate_time, queued_at = queued_at, known = true, dirty = false,
  }
end

local function pack_pair(pair)
  local flags = pair.circuit * 2
  if pair.has_state then flags = flags + 1 end
  local transition_at, reset_time, terminate_time = pair.transition_at, pair.reset_time, pair.terminate_time
  local opened_at, queued_at = pair.opened_at, pair.queued_at
  if
    transition_at == transition_at or opened_at == opened_at or reset_time == reset_time
    or terminate_time == terminate_time or queued_at == queued_at
  then
    return pack_struct(
      '<BBddddddddddd', VERSION, flags + 8, pair.alpha, pair.beta, pair.last_updated, pair.count, pair.transition,
      transition_at, opened_at, reset_time, pair.reset_at, terminate_time, queued_at
    ) .. pair.names .. pair.ids
  end
  return pack_struct(
    '<BBddddd', VERSION, flags, pair.alpha, pair.beta, pair.last_updated, pair.count, pair.transition
  ) .. pair.names .. pair.ids
end

-- Whether an event id is among the recent ones of a pair.
local function is_recent(ids, id)
  local at = string.find(ids, id, 1, true)
  while at do
    if at % ID_BYTES == 1 then return true end
    at = string.find(ids, id, at + 1, true)
  end
  return false
end

local function with_recent(ids, id)
  if #ids >= ID_BYTES * MOST_IDS then return sub(ids, ID_BYTES + 1) .. id end
  return ids .. id
end
