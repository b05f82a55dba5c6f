-- What happens to one pair: src/trust/step.ts. The changes of circuits are noted in three columns, in their order:
-- which event made it (0: none), whose it is, and its bytes.

local changed_by, changed_pair, changed_bytes = {}, {}, {}
local OPENED, HALF_OPENED, CLOSES, TERMINATES, RESETS = 0, 1, 2, 3, 4
local BY_INTERACTION, BY_RECOVERY, BY_OPERATOR = 0, 1, 2
local kind_of = { [CLOSED] = CLOSES, [OPEN] = OPENED, [HALF_OPEN] = HALF_OPENED, [TERMINATED] = TERMINATES }

-- What made a change, which only a change of the circuit has to know.
local cause = { by = 0, kind = BY_RECOVERY, outcome = 0, event_id = '', trace = '', actor = '', reason = '' }

-- Gives the pair its next transition and notes the change, in the format of src/store/redis/transition.ts.
local function note_change(p, kind, from, occurred_at, by, policy, rules)
  local previous = transition[p]
  transition[p] = max(previous + 1, rules.now_ms)
  transition_at[p] = occurred_at
  local forecast = kind == OPENED and rules.timed_recovery and recovers_at(p, policy) or NAN
  local k = #changed_by + 1
  changed_by[k], changed_pair[k] = cause.by, p
  changed_bytes[k] = pack_struct(
    '<BBBBBBddddddd', 1, kind, from, circuit[p], by, cause.outcome,
    alpha[p], beta[p], count[p], transition[p], previous, occurred_at, forecast
  ) .. names_of(p) .. pack_struct(
    '<I4c0I4c0I4c0I4c0I4c0', #policy.text, policy.text, #cause.event_id, cause.event_id, #cause.trace, cause.trace,
    #cause.actor, cause.actor, #cause.reason, cause.reason
  )
end

-- Makes the recovery that is due by `t`, if one is.
local function recover(p, t, policy, rules)
  local due = recovers_at(p, policy)
  if not due or due > t then return end
  local from = circuit[p]
  if policy.cooldown then
    circuit[p] = HALF_OPEN
  else
    local keep = decay_factor(due - last_updated[p], policy.half_life)
    alpha[p], beta[p] = decayed(alpha[p], keep), decayed(beta[p], keep)
    last_updated[p] = due
    circuit[p] = CLOSED
  end
  note_change(p, kind_of[circuit[p]], from, due, BY_RECOVERY, policy, rules)
end

local function begin_state(p, t, policy)
  circuit[p] = CLOSED
  alpha[p], beta[p] = policy.alpha_prior, policy.beta_prior
  last_updated[p] = t
  count[p] = 0
  opened_at[p] = nil
end

-- `explain` fills in the cause, where there is a change that needs it.
local function apply_interaction(p, outcome, t, weight, policy, rules, explain)
  local before = circuit[p]
  if not before then
    begin_state(p, t, policy)
    before = CLOSED
  elseif before ~= CLOSED and rules.timed_recovery then
    explain()
    recover(p, t, policy, rules)
    before = circuit[p]
  end
  add_evidence(p, outcome, t, weight, policy)
  local below = alpha[p] / (alpha[p] + beta[p]) < policy.threshold
  if before == CLOSED and not below then return end
  -- Older than the last change of the circuit: no answer to the probe that this change let through.
  if before == HALF_OPEN and t < (transition_at[p] or t) then return end
  local after = judge(p, below, last_updated[p], policy.cooldown)
  if after == before then return end
  circuit[p] = after
  explain()
  note_change(p, kind_of[after], before, last_updated[p], BY_INTERACTION, policy, rules)
end
