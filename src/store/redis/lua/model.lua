-- The trust model, of the pair at hand: src/trust/decay.ts, beta.ts, circuit.ts and forecast.ts in Lua.

local SUCCESS, FAILURE, PARTIAL = 0, 1, 2
local LN2 = math.log(2)
local log, max, huge = math.log, math.max, math.huge

local function decay_factor(elapsed, half_life)
  if elapsed > 0 and half_life ~= huge then return 0.5 ^ (elapsed / half_life) end
  return 1
end

-- With all of the evidence left it stays to the bit.
local function decayed(parameter, factor)
  if factor == 1 then return parameter end
  return 1 + (parameter - 1) * factor
end

local function add_evidence(outcome, t, weight, policy)
  local elapsed = t - last_updated
  if elapsed > 0 then
    local keep = decay_factor(elapsed, policy.half_life)
    alpha, beta = decayed(alpha, keep), decayed(beta, keep)
    last_updated = t
  elseif elapsed < 0 then
    weight = weight * decay_factor(-elapsed, policy.half_life)
  end
  if outcome == SUCCESS then
    alpha = alpha + weight * policy.success_weight
  elseif outcome == FAILURE then
    beta = beta + weight * policy.failure_weight
  else
    alpha = alpha + weight * policy.partial_alpha_weight
    beta = beta + weight * policy.partial_beta_weight
  end
  if alpha > policy.alpha_max then alpha = policy.alpha_max end
  count = count + 1
end

-- What one judged score does to the circuit. Answers where it goes; openedAt is set on the way.
local function judge(below, t, cooldown)
  if circuit == TERMINATED then return circuit end
  if not cooldown then
    if below then return circuit == CLOSED and OPEN or circuit end
    return CLOSED
  end
  if circuit == OPEN then
    if not opened_at then
      opened_at = t
      return OPEN
    end
    return t - opened_at >= cooldown and HALF_OPEN or OPEN
  end
  if not below then return CLOSED end
  opened_at = t
  return OPEN
end

-- log(1 + x) without the loss of x's low digits: Kahan's correction of the rounding of 1 + x.
local function log1p(x)
  local u = 1 + x
  if u == 1 then return x end
  if u == huge then return u end
  return log(u) * x / (u - 1)
end

-- When the circuit of a silent pair moves by itself; nil: never. The formula is derived in src/trust/forecast.ts.
local function recovers_at(policy)
  if circuit == CLOSED or circuit == TERMINATED then return nil end
  local cooldown, seconds = policy.cooldown, nil
  if cooldown then
    if circuit == HALF_OPEN then return nil end
    seconds = max(0, (opened_at or last_updated) - last_updated + cooldown)
  else
    local threshold = policy.threshold
    if threshold >= 0.5 or policy.half_life == huge then return nil end
    local excess = (threshold * (alpha + beta) - alpha) / (1 - 2 * threshold)
    seconds = excess > 0 and policy.half_life * log1p(excess) / LN2 or 0
  end
  if seconds == huge then return nil end
  return last_updated + seconds
end

-- Seconds of silence until the evidence tells nothing any more.
local function forgetting_seconds(half_life)
  local a, b = alpha - 1, beta - 1
  if a < 0 then a = -a end
  if b < 0 then b = -b end
  if b > a then a = b end
  if a <= 1e-9 then return 0 end
  return half_life * log(a / 1e-9) / LN2
end
