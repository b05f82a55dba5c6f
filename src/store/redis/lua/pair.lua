-- The pairs of a call: a column for each field, and a pair is an index into them. Times are seconds since the epoch;
-- one that is absent is nil, and so is the circuit of a pair without evidence.
--
-- Stored, a pair is these bytes, the format of src/store/packed.ts:
--
--     u8   version, 1
--     u8   1: there is evidence; 2, 4: the circuit; 8: the times below are there
--     f64  alpha, beta, lastUpdated, interactionCount, transition
--     f64  transitionAt, openedAt, resetTime, resetAt, terminateTime, queuedAt      if times; NaN: none
--     u32  bytes of agentA, UTF-8, then they ; u32 bytes of agentB, UTF-8, then they
--     ids  6 bytes of each recent event id, the oldest first

local CLOSED, OPEN, HALF_OPEN, TERMINATED = 0, 1, 2, 3

local circuit, alpha, beta, last_updated, count, transition = {}, {}, {}, {}, {}, {}
local transition_at, opened_at, reset_time, reset_at, terminate_time, queued_at = {}, {}, {}, {}, {}, {}
-- Names and ids as they are stored, and how many bytes of it are names.
local tail, names_length = {}, {}

local VERSION = 1
local HEAD, TIMES = 42, 48
local ID_BYTES, MOST_IDS = 6, 8
local NAN = 0 / 0
local unpack_struct, pack_struct = struct.unpack, struct.pack
local sub, find = string.sub, string.find

local function begin_unknown(p, names)
  alpha[p], beta[p], last_updated[p], count[p], transition[p] = 0, 0, 0, 0, 0
  tail[p], names_length[p] = names, #names
end

local function present(number)
  if number == number then return number end
  return nil
end

-- Whether the names at an offset of a value are those of two agents, in either order.
local function has_names(value, at, names)
  local stored = sub(value, at, at + #names - 1)
  if stored == names then return true end
  local a, b = unpack_struct('<I4c0I4c0', names)
  return stored == pack_struct('<I4c0I4c0', #b, b, #a, a)
end

-- Whether there is room for two names at an offset, and nothing but ids after them.
local function is_whole(value, at)
  if at + 7 > #value then return false end
  local b_at = at + 4 + unpack_struct('<I4', value, at)
  if b_at + 3 > #value then return false end
  local ids = #value - (b_at + 3 + unpack_struct('<I4', value, b_at))
  return ids >= 0 and ids % ID_BYTES == 0 and ids <= ID_BYTES * MOST_IDS
end

-- Reads a stored value as pair `p`. Answers nil, or why it cannot: 'c' it is other agents' pair, 'u' unreadable.
local function unpack_pair(p, value, names)
  if #value < HEAD + 8 then return 'u' end
  local version, flags
  version, flags, alpha[p], beta[p], last_updated[p], count[p], transition[p] = unpack_struct('<BBddddd', value)
  if version ~= VERSION or flags > 15 then return 'u' end
  local at = HEAD + 1
  if flags >= 8 then
    if #value < HEAD + TIMES + 8 then return 'u' end
    local changed, opened, reset, reset_to, terminated, queued = unpack_struct('<dddddd', value, at)
    transition_at[p], opened_at[p], reset_time[p] = present(changed), present(opened), present(reset)
    reset_at[p], terminate_time[p], queued_at[p] = present(reset_to), present(terminated), present(queued)
    at = at + TIMES
    flags = flags - 8
  end
  if not has_names(value, at, names) then return is_whole(value, at) and 'c' or 'u' end
  local ids = #value - (at + #names - 1)
  if ids % ID_BYTES ~= 0 or ids > ID_BYTES * MOST_IDS then return 'u' end
  if flags % 2 == 1 then circuit[p] = (flags - 1) / 2 end
  tail[p], names_length[p] = sub(value, at), #names
  return nil
end

local function pack_pair(p)
  local flags = circuit[p] and circuit[p] * 2 + 1 or 0
  if transition_at[p] or opened_at[p] or reset_time[p] or terminate_time[p] or queued_at[p] then
    return pack_struct(
      '<BBddddddddddd', VERSION, flags + 8, alpha[p], beta[p], last_updated[p], count[p], transition[p],
      transition_at[p] or NAN, opened_at[p] or NAN, reset_time[p] or NAN, reset_at[p] or NAN,
      terminate_time[p] or NAN, queued_at[p] or NAN
    ) .. tail[p]
  end
  return pack_struct('<BBddddd', VERSION, flags, alpha[p], beta[p], last_updated[p], count[p], transition[p]) .. tail[p]
end

local function names_of(p)
  return sub(tail[p], 1, names_length[p])
end

-- Whether an event id is among the recent ones.
local function is_recent(p, id)
  local names = names_length[p]
  local at = find(tail[p], id, names + 1, true)
  while at do
    if (at - names) % ID_BYTES == 1 then return true end
    at = find(tail[p], id, at + 1, true)
  end
  return false
end

local function remember(p, id)
  local names = names_length[p]
  if #tail[p] - names < ID_BYTES * MOST_IDS then
    tail[p] = tail[p] .. id
  else
    tail[p] = sub(tail[p], 1, names) .. sub(tail[p], names + ID_BYTES + 1) .. id
  end
end
