-- What happens to one pair, in Lua: src/trust/step.ts, with the changes of the circuit on the way. `changes` is
-- where they are noted; the pair is changed in place.

local OPENED, HALF_OPENED, CLOSES, TERMINATES, RESETS = 0, 1, 2, 3, 4
local BY_INTERACTION, BY_RECOVERY, BY_OPERATOR = 0, 1, 2

local function next_transition(previous, now_ms)
  return max(previous + 1, now_ms)
end

-- The bytes of a change, the format of src/store/redis/transition.ts.
local function describe(pair, kind, from, previous, occurred_at, cause, policy, rules)
  local forecast = NONE
  if kind == OPENED and rules.timed_recovery then forecast = recovers_at(pair, policy) end
  return pack_struct(
    '<BBBBBBddddddd', 1, kind, from, pair.circuit, cause.kind, cause.outcome or 0,
    pair.alpha, pair.beta, pair.count, pair.transition, previous, occurred_at, forecast
  ) .. pair.names .. pack_struct(
    '<I4c0I4c0I4c0I4c0I4c0', #policy.text, policy.text, #cause.event_id, cause.event_id, #cause.trace, cause.trace,
    #cause.actor, cause.actor, #cause.reason, cause.reason
  )
end

local kind_of = { [CLOSED] = CLOSES, [OPEN] = OPENED, [HALF_OPEN] = HALF_OPENED, [TERMINATED] = TERMINATES }
-- Makes the recovery that is due by `t`, if one is. `cause_of` is that of the event before which it is made, or nil.
local function recover(pair, t, policy, rules, changes, cause_of)
  if not pair.has_state then return end
  local due = recovers_at(pair, policy)
  if due ~= due or due > t then return end
  local from, previous = pair.circuit, pair.transition
  pair.transition = next_transition(previous, rules.now_ms)
  pair.transition_at = due
  if policy.cooldown == policy.cooldown then
    pair.circuit = HALF_OPEN
  else
    local keep = decay_factor(due - pair.last_updated, policy.half_life)
    pair.alpha, pair.beta = decayed(pair.alpha, keep), decayed(pair.beta, keep)
    pair.last_updated = due
    pair.circuit = CLOSED
  end
  local trace = cause_of and cause_of().trace or ''
  local cause = { kind = BY_RECOVERY, event_id = '', trace = trace, actor = '', reason = '' }
  changes[#changes + 1] = describe(pair, kind_of[pair.circuit], from, previous, due, cause, policy, rules)
end

local function begin_state(pair, t, policy)
  pair.has_state = true
  pair.circuit = CLOSED
  pair.alpha, pair.beta = policy.alpha_prior, policy.beta_prior
  pair.last_updated = t
  pair.count = 0
  pair.opened_at = NONE
end

-- `cause_of` makes the cause, which only a change of the circuit needs.
local function apply_interaction(pair, outcome, t, weight, policy, rules, changes, cause_of)
  if not pair.has_state then
    begin_state(pair, t, policy)
  elseif pair.circuit ~= CLOSED and rules.timed_recovery then
    recover(pair, t, policy, rules, changes, cause_of)
  end
  local circuit = pair.circuit
  local alpha, beta = add_evidence(pair, outcome, t, weight, policy)
  pair.alpha, pair.beta = alpha, beta
  pair.count = pair.count + 1
  if t > pair.last_updated then pair.last_updated = t end
  -- Older than the last change of the circuit: no answer to the probe that this change let through.
  if circuit == HALF_OPEN and t < pair.transition_at then return end
  local below = alpha / (alpha + beta) < policy.threshold
  if circuit == CLOSED and not below then return end
  local moved
  moved, pair.opened_at = judge(circuit, pair.opened_at, below, pair.last_updated, policy.cooldown)
  if moved == circuit then return end
  local previous = pair.transition
  pair.circuit = moved
  pair.transition = next_transition(previous, rules.now_ms)
  pair.transition_at = pair.last_updated
  changes[#changes + 1] = describe(pair, kind_of[moved], circuit, previous, pair.last_updated, cause_of(), policy, rules)
end
