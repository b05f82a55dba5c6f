-- parts: pair model policy change step keep only
--
-- Compares one pair's circuit with the one that was published last, and tells of it where they differ:
-- src/trust/announce.ts in Lua.
--
-- KEYS   outbox, due, pair
-- ARGV 1 u8 1: timed recovery ; u8 the published circuit ; f64 its number, clock in ms
--      2 both names as in a stored pair ; 3 policy, 4 what circuit events say of it
--
-- Answers a (they agree, or it is told), c (collision) or u (unreadable), and the change.

local timed, published, published_number, now_ms = unpack_struct('<BBdd', ARGV[1])
local rules = { timed_recovery = timed == 1, streamed = true, now_ms = now_ms }
local outbox, due_key, pair_key = KEYS[1], KEYS[2], KEYS[3]
local policy = unpack_policy(ARGV[3], ARGV[4])
cause.outbox, cause.key = outbox, pair_key

local why, value = load_only(pair_key, ARGV[2], outbox, due_key)
if why then return { why } end

-- It has been told of since, or is about to be.
if transition > published_number then return { 'a', changed_bytes } end
if not policy.change then evidence = nil end
local before, last = transition, published_number
if (circuit or CLOSED) == published then
  transition = last
else
  local empty = not circuit
  -- Without state a pair is closed, and stands as one of which nothing is known.
  if empty then begin_state(now_ms / 1000, policy) end
  local at = not empty and (transition_at or last_updated) or now_ms / 1000
  transition = published_number
  note_change(
    kind_of[circuit], published, at, BY_RECOVERY, policy,
    { timed_recovery = rules.timed_recovery, now_ms = max(now_ms, last + 1) }
  )
  if empty then alpha, beta, last_updated, circuit = 0, 0, 0, nil end
end

if value and transition ~= before then
  plan(pair_key, due_key, policy, rules)
  write_planned()
end
if #changed_bytes > 0 then publish(1) end
return { 'a', changed_bytes }
