-- The trust model: src/trust/decay.ts, beta.ts, circuit.ts and forecast.ts in Lua. Times are seconds since the
-- epoch. A number that is absent is NaN, which is the only one that does not equal itself.

local CLOSED, OPEN, HALF_OPEN, TERMINATED = 0, 1, 2, 3
local SUCCESS, FAILURE, PARTIAL = 0, 1, 2
local NONE = 0 / 0
local LN2 = math.log(2)
local log, max = math.log, math.max

local function decay_factor(elapsed, half_life)
  if elapsed > 0 and half_life ~= math.huge then return 0.5 ^ (elapsed / half_life) end
  return 1
end

-- With all of the evidence left it stays to the bit.
local function decayed(parameter, factor)
  if factor == 1 then return parameter end
  return 1 + (parameter - 1) * factor
end

local function add_evidence(pair, outcome, t, weight, policy)
  local elapsed = t - pair.last_updated
  local alpha, beta, w = pair.alpha, pair.beta, weight
  if elapsed > 0 then
    local keep = decay_factor(elapsed, policy.half_life)
    alpha, beta = decayed(alpha, keep), decayed(beta, keep)
  elseif elapsed < 0 then
    w = weight * decay_factor(-elapsed, policy.half_life)
  end
  if outcome == SUCCESS then
    alpha = alpha + w * policy.success_weight
  elseif outcome == FAILURE then
    beta = beta + w * policy.failure_weight
  else
    alpha = alpha + w * policy.partial_alpha_weight
    beta = beta + w * policy.partial_beta_weight
  end
  if alpha > policy.alpha_max then alpha = policy.alpha_max end
  return alpha, beta
end

-- What one judged score does to a circuit: its state and openedAt.
local function judge(circuit, opened_at, below, t, cooldown)
  if circuit == TERMINATED then return circuit, opened_at end
  if cooldown ~= cooldown then
    if below then
      if circuit == CLOSED then return OPEN, opened_at end
    elseif circuit ~= CLOSED then
      return CLOSED, opened_at
    end
    return circuit, opened_at
  end
  if circuit == CLOSED then
    if below then return OPEN, t end
    return CLOSED, opened_at
  end
  if circuit == OPEN then
    if opened_at ~= opened_at then return OPEN, t end
    if t - opened_at >= cooldown then return HALF_OPEN, opened_at end
    return OPEN, opened_at
  end
  if below then return OPEN, t end
  return CLOSED, opened_at
end

-- log(1 + x) without the loss of x's low digits: Kahan's correction of the rounding of 1 + x.
local function log1p(x)
  local u = 1 + x
  if u == 1 then return x end
  if u == math.huge then return u end
  return log(u) * x / (u - 1)
end

-- When a silent pair's circuit moves by itself; NaN: never. The formula is derived in src/trust/forecast.ts.
local function recovers_at(pair, policy)
  local circuit, cooldown = pair.circuit, policy.cooldown
  if circuit == CLOSED or circuit == TERMINATED then return NONE end
  local seconds
  if cooldown == cooldown then
    if circuit == HALF_OPEN then return NONE end
    local since = pair.opened_at
    if since ~= since then since = pair.last_updated end
    seconds = max(0, since - pair.last_updated + cooldown)
  else
    local threshold = policy.threshold
    if threshold >= 0.5 or policy.half_life == math.huge then return NONE end
    local excess = (threshold * (pair.alpha + pair.beta) - pair.alpha) / (1 - 2 * threshold)
    seconds = excess > 0 and policy.half_life * log1p(excess) / LN2 or 0
  end
  if seconds == math.huge then return NONE end
  return pair.last_updated + seconds
end

-- Seconds of silence until the evidence tells nothing any more.
local function forgetting_seconds(pair, half_life)
  local distance = max(math.abs(pair.alpha - 1), math.abs(pair.beta - 1))
  if distance <= 1e-9 then return 0 end
  return half_life * log(distance / 1e-9) / LN2
end
