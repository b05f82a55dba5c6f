-- A policy as a call carries it: seventeen numbers, and what circuit events say of it. No cooldown is NaN.
local function unpack_policy(numbers, text)
  local threshold, half_life, alpha_prior, beta_prior, success_weight, failure_weight, partial_alpha_weight,
    partial_beta_weight, cooldown, alpha_max, on_change, leased, evidence, bad_rate, normal_rate, normal_max, memory =
    struct.unpack('<ddddddddddddddddd', numbers)
  return {
    threshold = threshold, half_life = half_life, alpha_prior = alpha_prior, beta_prior = beta_prior,
    success_weight = success_weight, failure_weight = failure_weight,
    partial_alpha_weight = partial_alpha_weight, partial_beta_weight = partial_beta_weight,
    cooldown = present(cooldown), alpha_max = alpha_max, text = text,
    change = on_change == 1 and {
      most = evidence, bad_rate = bad_rate, normal_rate = normal_rate, normal_max = normal_max, memory = memory,
    },
    leased = leased == 1,
    forgets = alpha_prior == 1 and beta_prior == 1 and half_life ~= huge,
  }
end

local function unpack_policies(first)
  local policies = {}
  for i = first, #ARGV, 2 do policies[#policies + 1] = unpack_policy(ARGV[i], ARGV[i + 1]) end
  return policies
end
