-- The pair at hand: one at a time, a local for each field, since nothing in Lua is read and written faster. Times are
-- seconds since the epoch; one that is absent is nil, and so is the circuit of a pair without evidence.
--
-- Stored, a pair is these bytes, the format of src/store/packed.ts with 52 bytes that are Redis's own:
--
--     u8   version, 1; 2: what is known of a change is there
--     u8   1: there is evidence; 2, 4: the circuit; 8: the times below are there
--     f64  alpha, beta, lastUpdated, interactionCount, transition
--     u32  until when it is kept, whole seconds by the server's clock; 0: for ever
--     ids  6 bytes of each of the 8 most recent event ids, the oldest first; zeros: none
--     f64  evidence, nonFailures, failureRuns, furtherFailures, failureRun          if version 2
--     f64  transitionAt, openedAt, resetTime, resetAt, terminateTime, queuedAt      if times; NaN: none
--     u32  bytes of agentA, UTF-8, then they ; u32 bytes of agentB, UTF-8, then they

local CLOSED, OPEN, HALF_OPEN, TERMINATED = 0, 1, 2, 3

local circuit, alpha, beta, last_updated, count, transition
local transition_at, opened_at, reset_time, reset_at, terminate_time, queued_at
local kept_until, ids, names
-- What is known of a change for the worse, see change.lua; evidence is nil where nothing is, as under `mean`.
local evidence, non_failures, failure_runs, further_failures, failure_run
-- In what form it is stored just now: nil where it is not, else the sum of TIMES and CHANGE, where it has those.
local stored_form

local VERSION, CHANGE_VERSION = 1, 2
local TIMES, CHANGE = 8, 16
local HEAD_FORM, CHANGE_FORM, TIMES_FORM = '<BBdddddI4c48', '<ddddd', '<dddddd'
-- One string is made sooner than two and their sum.
local HEAD_AND_CHANGE_FORM = '<BBdddddI4c48ddddd'
local HEAD_BYTES, CHANGE_BYTES, TIMES_BYTES = 94, 40, 48
local ID_BYTES = 6
local NO_IDS = string.rep('\0', 48)
local NAN = 0 / 0
local unpack_struct, pack_struct = struct.unpack, struct.pack
local sub, find = string.sub, string.find

local function present(number)
  if number == number then return number end
  return nil
end

local function begin_unknown(its_names)
  circuit, alpha, beta, last_updated, count, transition = nil, 0, 0, 0, 0, 0
  transition_at, opened_at, reset_time, reset_at, terminate_time, queued_at = nil, nil, nil, nil, nil, nil
  kept_until, ids, names, stored_form, evidence = 0, NO_IDS, its_names, nil, nil
end

-- Whether a value ends, from an offset on, in two names.
local function ends_in_names(value, at)
  if at + 7 > #value then return false end
  local b_at = at + 4 + unpack_struct('<I4', value, at)
  return b_at + 3 <= #value and b_at + 3 + unpack_struct('<I4', value, b_at) == #value
end

-- Reads a stored value. Answers nil, or why it cannot: 'c' it is the pair of other agents, 'u' unreadable.
local function load_pair(value, its_names)
  if #value < HEAD_BYTES + 8 then return 'u' end
  local version, flags
  version, flags, alpha, beta, last_updated, count, transition, kept_until, ids = unpack_struct(HEAD_FORM, value)
  if flags > 15 then return 'u' end
  local at = HEAD_BYTES + 1
  if version == VERSION then
    evidence, stored_form = nil, 0
  else
    if version ~= CHANGE_VERSION or #value < HEAD_BYTES + CHANGE_BYTES + 8 then return 'u' end
    evidence, non_failures, failure_runs, further_failures, failure_run, at = unpack_struct(CHANGE_FORM, value, at)
    stored_form = CHANGE
  end
  if flags >= TIMES then
    if #value < at + TIMES_BYTES + 7 then return 'u' end
    local changed, opened, reset, reset_to, terminated, queued = unpack_struct(TIMES_FORM, value, at)
    transition_at, opened_at, reset_time = present(changed), present(opened), present(reset)
    reset_at, terminate_time, queued_at = present(reset_to), present(terminated), present(queued)
    at = at + TIMES_BYTES
    flags = flags - TIMES
    stored_form = stored_form + TIMES
  else
    transition_at, opened_at, reset_time, reset_at, terminate_time, queued_at = nil, nil, nil, nil, nil, nil
  end
  names = its_names
  if #value ~= at + #names - 1 or find(value, names, at, true) ~= at then
    local a, b = unpack_struct('<I4c0I4c0', names)
    names = pack_struct('<I4c0I4c0', #b, b, #a, a)
    if sub(value, at) ~= names then return ends_in_names(value, at) and 'c' or 'u' end
  end
  circuit = flags % 2 == 1 and (flags - 1) / 2 or nil
  return nil
end

local function form_of()
  local form = evidence and CHANGE or 0
  if transition_at or opened_at or reset_time or terminate_time or queued_at then return form + TIMES end
  return form
end

-- All but the names, whose place and bytes never change while the form does not.
local function pack_head(form)
  local flags, head = (circuit and circuit * 2 + 1 or 0) + form, nil
  if form < CHANGE then
    head = pack_struct(HEAD_FORM, VERSION, flags, alpha, beta, last_updated, count, transition, kept_until, ids)
  else
    head = pack_struct(
      HEAD_AND_CHANGE_FORM, CHANGE_VERSION, flags - CHANGE, alpha, beta, last_updated, count, transition, kept_until,
      ids, evidence, non_failures, failure_runs, further_failures, failure_run
    )
  end
  if form == 0 or form == CHANGE then return head end
  return head .. pack_struct(
    TIMES_FORM, transition_at or NAN, opened_at or NAN, reset_time or NAN, reset_at or NAN, terminate_time or NAN,
    queued_at or NAN
  )
end

local function pack_pair()
  return pack_head(form_of()) .. names
end

-- Whether an event id is among the recent ones.
local function is_recent(id)
  local at = find(ids, id, 1, true)
  while at do
    if at % ID_BYTES == 1 then return true end
    at = find(ids, id, at + 1, true)
  end
  return false
end

local function remember(id)
  ids = sub(ids, ID_BYTES + 1) .. id
end
