-- A policy as a call carries it: ten numbers, and what circuit events say of it.
local function unpack_policy(numbers, text)
  local threshold, half_life, alpha_prior, beta_prior, success_weight, failure_weight, partial_alpha_weight,
    partial_beta_weight, cooldown, alpha_max = struct.unpack('<dddddddddd', numbers)
  return {
    threshold = threshold, half_life = half_life, alpha_prior = alpha_prior, beta_prior = beta_prior,
    success_weight = success_weight, failure_weight = failure_weight,
    partial_alpha_weight = partial_alpha_weight, partial_beta_weight = partial_beta_weight,
    cooldown = cooldown, alpha_max = alpha_max, text = text,
  }
end
