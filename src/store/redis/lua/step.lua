-- What happens to the pair at hand: src/trust/step.ts. The changes of circuits are noted in columns, in their order:
-- which event made it (0: none), the outbox and the pair's key, and its bytes.

local changed_by, changed_outbox, changed_key, changed_bytes = {}, {}, {}, {}
local OPENED, HALF_OPENED, CLOSES, TERMINATES, RESETS = 0, 1, 2, 3, 4
local BY_INTERACTION, BY_RECOVERY, BY_OPERATOR = 0, 1, 2
local kind_of = { [CLOSED] = CLOSES, [OPEN] = OPENED, [HALF_OPEN] = HALF_OPENED, [TERMINATED] = TERMINATES }

-- What only a change of the circuit has to know: of which pair it is, and what made it.
local cause = { outbox = '', key = '', by = 0, outcome = 0, event_id = '', trace = '', actor = '', reason = '' }

-- The probe that the event at hand answers, where it says so: a transition's number.
local probe = nil

-- What is known of a change, for those who are told of the circuit.
local function pack_change()
  if not evidence then return pack_struct(CHANGE_FORM, 1, 0, 0, 0, 0) end
  return pack_struct(CHANGE_FORM, evidence, non_failures, failure_runs, further_failures, failure_run)
end

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
  ) .. (policy.change and pack_change() or '')
end

-- Makes the recovery that is due by `t`, if one is. `explain` fills in the cause, where there is an event.
local function recover(t, policy, rules, explain)
  local due = recovers_at(policy)
  if not due or due > t then return end
  if explain then explain() end
  local from = circuit
  if not policy.change then evidence = nil end
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
  opened_at, evidence = nil, nil
end

-- Whether the event at hand may not move a half-open circuit.
local function is_no_probe(policy, rules)
  if not policy.leased then return false end
  -- Where events are applied again without telling anybody, the circuit's own number is of some time before.
  if rules.silent then return not probe or probe < transition end
  return probe ~= transition
end

local function move_to(after, policy, rules, explain)
  local before = circuit
  if after == before then return end
  circuit = after
  explain()
  note_change(kind_of[after], before, last_updated, BY_INTERACTION, policy, rules)
end

local function apply_under_change(outcome, t, weight, policy, rules, explain)
  if not evidence then begin_change() end
  -- Of a late event the evidence counts as alpha and beta do.
  local counted = weight
  if t < last_updated then counted = weight * decay_factor(last_updated - t, policy.half_life) end
  add_evidence(outcome, t, weight, policy)
  -- Older than the last change of the circuit: no part of what has happened since.
  if (transition_at and t < transition_at) or (circuit == HALF_OPEN and is_no_probe(policy, rules)) then return end
  observe(outcome, counted, policy.change)
  local bad = outcome == FAILURE and evidence >= policy.change.most
  if not bad then
    if circuit == CLOSED then return end
    -- In between, a circuit stays as it is, but that an OPEN one half-opens in its time.
    if circuit ~= OPEN and (outcome == FAILURE or evidence > 1) then return end
  end
  move_to(judge(bad, last_updated, policy.cooldown), policy, rules, explain)
end

-- `explain` fills in the cause, where there is a change that needs it.
local function apply_interaction(outcome, t, weight, policy, rules, explain)
  if not circuit then
    begin_state(t, policy)
  elseif circuit ~= CLOSED and rules.timed_recovery then
    recover(t, policy, rules, explain)
  end
  if policy.change then return apply_under_change(outcome, t, weight, policy, rules, explain) end
  evidence = nil
  local before = circuit
  add_evidence(outcome, t, weight, policy)
  local below = alpha / (alpha + beta) < policy.threshold
  if before == CLOSED and not below then return end
  -- Older than the last change of the circuit: no answer to the probe that this change let through.
  if before == HALF_OPEN and (t < (transition_at or t) or is_no_probe(policy, rules)) then return end
  move_to(judge(below, last_updated, policy.cooldown), policy, rules, explain)
end
