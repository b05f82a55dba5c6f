-- The trust model: src/trust/decay.ts, beta.ts, circuit.ts and forecast.ts in Lua.

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

local function add_evidence(p, outcome, t, weight, policy)
  local elapsed = t - last_updated[p]
  local a, b, w = alpha[p], beta[p], weight
  if elapsed > 0 then
    local keep = decay_factor(elapsed, policy.half_life)
    a, b = decayed(a, keep), decayed(b, keep)
    last_updated[p] = t
  elseif elapsed < 0 then
    w = weight * decay_factor(-elapsed, policy.half_life)
  end
  if outcome == SUCCESS then
    a = a + w * policy.success_weight
  elseif outcome == FAILURE then
    b = b + w * policy.failure_weight
  else
    a = a + w * policy.partial_alpha_weight
    b = b + w * policy.partial_beta_weight
  end
  if a > policy.alpha_max then a = policy.alpha_max end
  alpha[p], beta[p], count[p] = a, b, count[p] + 1
end

-- What one judged score does to a circuit. Answers where it goes; openedAt is set on the way.
local function judge(p, below, t, cooldown)
  local now = circuit[p]
  if now == TERMINATED then return now end
  if not cooldown then
    if below then return now == CLOSED and OPEN or now end
    return CLOSED
  end
  if now == OPEN then
    if not opened_at[p] then
      opened_at[p] = t
      return OPEN
    end
    return t - opened_at[p] >= cooldown and HALF_OPEN or OPEN
  end
  if not below then return CLOSED end
  opened_at[p] = t
  return OPEN
end

-- log(1 + x) without the loss of x's low digits: Kahan's correction of the rounding of 1 + x.
local function log1p(x)
  local u = 1 + x
  if u == 1 then return x end
  if u == huge then return u end
  return log(u) * x / (u - 1)
end

-- When a silent pair's circuit moves by itself; nil: never. The formula is derived in src/trust/forecast.ts.
local function recovers_at(p, policy)
  local now, cooldown = circuit[p], policy.cooldown
  if now == CLOSED or now == TERMINATED then return nil end
  local seconds
  if cooldown then
    if now == HALF_OPEN then return nil end
    seconds = max(0, (opened_at[p] or last_updated[p]) - last_updated[p] + cooldown)
  else
    local threshold = policy.threshold
    if threshold >= 0.5 or policy.half_life == huge then return nil end
    local excess = (threshold * (alpha[p] + beta[p]) - alpha[p]) / (1 - 2 * threshold)
    seconds = excess > 0 and policy.half_life * log1p(excess) / LN2 or 0
  end
  if seconds == huge then return nil end
  return last_updated[p] + seconds
end

-- Seconds of silence until the evidence tells nothing any more.
local function forgetting_seconds(p, half_life)
  local distance = max(math.abs(alpha[p] - 1), math.abs(beta[p] - 1))
  if distance <= 1e-9 then return 0 end
  return half_life * log(distance / 1e-9) / LN2
end
