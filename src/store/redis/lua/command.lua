-- parts: model pair step keep policy
--
-- Applies one operator's command: src/trust/command.ts in Lua.
--
-- KEYS   outbox, due, pair
-- ARGV 1 u8 1: timed recovery, 2: streamed, 4: reset, else terminate ; f64 clock in ms, the command's own time
--      2 both names as in a stored pair ; 3 policy, 4 what circuit events say of it
--      5 to 8 event id, trace, actor, reason
--
-- Answers a (applied), c (collision) or u (unreadable), the state before and after, empty where there is none,
-- and the changes.

local flags, now_ms, time = unpack_struct('<Bdd', ARGV[1])
local resets, streamed, timed = flags >= 4, flags % 4 >= 2, flags % 2 == 1
local rules = { timed_recovery = timed, streamed = streamed, now_ms = now_ms }
local outbox, due_key, pair_key = KEYS[1], KEYS[2], KEYS[3]
local policy = unpack_policy(ARGV[3], ARGV[4])
local cause = { kind = BY_OPERATOR, event_id = ARGV[5], trace = ARGV[6], actor = ARGV[7], reason = ARGV[8] }

local value = redis.call('MGET', pair_key)[1]
if not value and redis.call('EXISTS', pair_key) == 1 then return { 'u' } end
local pair, why
if value then
  pair, why = unpack_pair(value, ARGV[2])
else
  pair = unknown_pair(ARGV[2])
end
if pair == nil then return { why } end
redis.call('XLEN', outbox)
redis.call('ZCARD', due_key)

local before = pair.has_state and value or ''
-- Without a log the order of the calls is the order of the commands, whatever the clock does.
if not streamed then pair.reset_time, pair.reset_at, pair.terminate_time = NONE, NONE, NONE end
local changes = {}

local function change(kind, from, occurred_at)
  local previous = pair.transition
  pair.transition = next_transition(previous, now_ms)
  pair.transition_at = occurred_at
  changes[1] = describe(pair, kind, from, previous, occurred_at, cause, policy, rules)
end

local function terminate()
  local known = pair.terminate_time
  local latest = known == known and max(time, known) or time
  if not pair.has_state then begin_state(pair, time, policy) end
  if pair.circuit == TERMINATED then
    -- Without evidence the state stands at its terminate, and of several that is the last, whatever came first.
    if known == known and pair.count == 0 then pair.last_updated = latest end
    pair.terminate_time = latest
    return
  end
  local from = pair.circuit
  pair.terminate_time = latest
  pair.circuit = TERMINATED
  change(TERMINATES, from, time)
end

local function reset()
  local stays = pair.terminate_time == pair.terminate_time and time < pair.terminate_time
  -- A pair that only a terminate has touched has no evidence: its lastUpdated is no time of an interaction.
  local at = time
  if pair.has_state and pair.count > 0 then at = max(time, pair.last_updated) end
  if pair.reset_at == pair.reset_at then at = max(at, pair.reset_at) end
  pair.reset_time, pair.reset_at = time, at
  if not pair.has_state or (stays and pair.count == 0) then return end
  local from = pair.circuit
  begin_state(pair, stays and pair.terminate_time or at, policy)
  if stays then pair.circuit = TERMINATED end
  change(RESETS, from, at)
  pair.has_state = stays
end

local void = pair.reset_time == pair.reset_time and time <= pair.reset_time
if not void then
  if resets then reset() else terminate() end
end

if not pair.has_state then
  pair.alpha, pair.beta, pair.last_updated, pair.count, pair.circuit, pair.opened_at = 0, 0, 0, 0, CLOSED, NONE
end
local after = pair.has_state and pack_pair(pair) or ''
if streamed or pair.has_state then
  keep(pair, pair_key, due_key, policy, rules)
else
  redis.call('DEL', pair_key)
  redis.call('ZREM', due_key, member_of(pair_key))
end
if streamed then
  for i = 1, #changes do redis.call('XADD', outbox, '*', member_of(pair_key), changes[i]) end
end
return { 'a', before, after, changes }
