-- What happens to the pair at hand: src/trust/step.ts. The changes of circuits are noted in columns, in their order:
-- which event made it (0: none), the outbox and the pair's key, and its bytes.

local changed_by, changed_outbox, changed_key, changed_bytes = {}, {}, {}, {}
local OPENED, HALF_OPENED, CLOSES, TERMINATES, RESETS = 0, 1, 2, 3, 4
local BY_INTERACTION, BY_RECOVERY, BY_OPERATOR = 0, 1, 2
local kind_of = { [CLOSED] = CLOSES, [OPEN] = OPENED, [HALF_OPEN] = HALF_OPENED, [TERMINATED] = TERMINATES }

-- What only a change of the circuit has to know: of which pair it is, and what made it.
local cause = { outbox = '', key = '', by = 0, outcome = 0, event_id = '', trace = '', actor = '', reason = '' }

-- Gives the pair its next transition and notes the change, in the format of src/store/redis/transition.ts.
local function note_change(kind, from, occurred_at, by, policy, rules)
  local previous = transition
  -- Where nobody is told, the pair keeps the number of the last change that somebody was.
  if not rules.silent then transition = max(previous + 1, rules.now_ms) end
  transition_at = occurred_at
  local forecast = kind == OPENED and rules.timed_recovery and recovers_at(policy) or NAN
  local k = #changed_by + 1
  changed_by[k], changed_outbox[k], changed_key[k] = cause.by, cause.outbox, cause.key
  changed_bytes[k] = pack_struct(
    '<BBBBBBddddddd', 1, kind, from, circuit, by, cause.outcome,
    alpha, beta, count, transition, previous, occurred_at, forecast
  ) .. names .. pack_struct(
    '<I4c0I4c0I4c0I4c0I4c0', #policy.text, policy.text, #cause.event_id, cause.event_id, #cause.trace, cause.trace,
    #cause.actor, cause.actor, #cause.reason, cause.reason
  )
end

-- Makes the recovery that is due by `t`, if one is.
local function recover(t, policy, rules)
  local due = recovers_at(policy)
  if not due or due > t then return end
  local from = circuit
  if policy.cooldown then
    circuit = HALF_OPEN
  else
    local keep = decay_factor(due - last_updated, policy.half_life)
    alpha, beta = decayed(alpha, keep), decayed(beta, keep)
    last_updated = due
    circuit = CLOSED
  end
  note_change(kind_of[circuit], from, due, BY_RECOVERY, policy, rules)
end

local function begin_state(t, policy)
  circuit = CLOSED
  alpha, beta = policy.alpha_prior, policy.beta_prior
  last_updated = t
  count = 0
  opened_at = nil
end

-- `explain` fills in the cause, where there is a change that needs it.
local function apply_interaction(outcome, t, weight, policy, rules, explain)
  if not circuit then
    begin_state(t, policy)
  elseif circuit ~= CLOSED and rules.timed_recovery then
    explain()
    recover(t, policy, rules)
  end
  local before = circuit
  add_evidence(outcome, t, weight, policy)
  local below = alpha / (alpha + beta) < policy.threshold
  if before == CLOSED and not below then return end
  -- Older than the last change of the circuit: no answer to the probe that this change let through.
  if before == HALF_OPEN and t < (transition_at or t) then return end
  local after = judge(below, last_updated, policy.cooldown)
  if after == before then return end
  circuit = after
  explain()
  note_change(kind_of[after], before, last_updated, BY_INTERACTION, policy, rules)
end
