-- parts: pair model policy change step keep only
--
-- Applies one operator's command: src/trust/command.ts in Lua.
--
-- KEYS   outbox, due, pair
-- ARGV 1 u8 1: timed recovery, 2: streamed, 4: reset, else terminate, 8: nothing is published ; f64 clock in ms, the
--        command's own time, the time at which a reset takes effect at the earliest
--      2 both names as in a stored pair ; 3 policy, 4 what circuit events say of it
--      5 to 8 event id, trace, actor, reason
--
-- Answers a (applied), c (collision) or u (unreadable), the state before and after, empty where there is none,
-- and the changes.

local flags, now_ms, time, earliest = unpack_struct('<Bddd', ARGV[1])
local silent, resets, streamed, timed = flags >= 8, flags % 8 >= 4, flags % 4 >= 2, flags % 2 == 1
local rules = { timed_recovery = timed, streamed = streamed, silent = silent, now_ms = now_ms }
local outbox, due_key, pair_key = KEYS[1], KEYS[2], KEYS[3]
local policy = unpack_policy(ARGV[3], ARGV[4])
cause.outbox, cause.key = outbox, pair_key
cause.event_id, cause.trace, cause.actor, cause.reason = ARGV[5], ARGV[6], ARGV[7], ARGV[8]

local why, value = load_only(pair_key, ARGV[2], outbox, due_key)
if why then return { why } end

local before = circuit and value or ''
-- Without a log the order of the calls is the order of the commands, whatever the clock does.
if not streamed then reset_time, reset_at, terminate_time = nil, nil, nil end

local function terminate()
  local known, from = terminate_time, circuit
  terminate_time = known and max(time, known) or time
  if from == TERMINATED then
    -- Without evidence the state stands at its terminate, and of several that is the last, whatever came first.
    if known and count == 0 then last_updated = terminate_time end
    return
  end
  if not from then begin_state(time, policy) end
  circuit = TERMINATED
  if not policy.change then evidence = nil end
  note_change(TERMINATES, from or CLOSED, time, BY_OPERATOR, policy, rules)
end

local function reset()
  local from, terminated = circuit, terminate_time
  local stays = terminated and time < terminated
  -- A pair that only a terminate has touched has no evidence: its lastUpdated is no time of an interaction.
  local at = max(earliest, from and count > 0 and max(time, last_updated) or time)
  if reset_at then at = max(at, reset_at) end
  reset_time, reset_at = time, at
  if not from or (stays and count == 0) then return end
  begin_state(stays and terminated or at, policy)
  if stays then circuit = TERMINATED end
  note_change(RESETS, from, at, BY_OPERATOR, policy, rules)
  if not stays then alpha, beta, last_updated, circuit = 0, 0, 0, nil end
end

if not reset_time or time > reset_time then
  if resets then reset() else terminate() end
elseif resets and earliest > reset_at then
  -- It took effect once, and what lies before that does not count, though a later command came back before it.
  reset_at = earliest
end

local after = circuit and pack_pair() or ''
if streamed or circuit then
  plan(pair_key, due_key, policy, rules)
  write_planned()
else
  call('DEL', pair_key)
  call('ZREM', due_key, member_of(pair_key))
end
if streamed and not silent then
  for k = 1, #changed_bytes do publish(k) end
end
return { 'a', before, after, changed_bytes }
