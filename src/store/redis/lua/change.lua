-- Opening on a change, of the pair at hand: src/trust/change.ts in Lua, in the same order of operations, so that both
-- come to the same bits where an event weighs 1.

local GUESS_WEIGHT, RUN_GUESS_WEIGHT = 20, 50

local function begin_change()
  evidence, non_failures, failure_runs, further_failures, failure_run = 1, 0, 0, 0, 0
end

-- One function for all of it, since a call costs as much as a part of it.
local function observe(outcome, weight, rule)
  local low, high = rule.normal_rate, rule.normal_max
  local rate = (GUESS_WEIGHT * low + failure_runs) / (GUESS_WEIGHT + non_failures)
  if rate < low then rate = low elseif rate > high then rate = high end
  if failure_run > 0 then
    rate = (RUN_GUESS_WEIGHT * rate + further_failures) / (RUN_GUESS_WEIGHT + failure_runs + further_failures)
    if rate < low then rate = low elseif rate > high then rate = high end
  end
  local failed, closed, most = outcome == FAILURE, circuit == CLOSED, rule.most
  if outcome == PARTIAL then weight = weight / 2 end
  local factor = failed and rule.bad_rate / rate or (1 - rule.bad_rate) / (1 - rate)
  if weight ~= 1 then factor = factor ^ weight end
  evidence = (evidence > 1 and evidence or 1) * factor
  if evidence > most and (failed or not closed) then evidence = most end
  if failed then
    failure_run = failure_run + weight
    return
  end
  if closed then
    -- Learns the run of failures that has come to its end, then what ended it.
    if failure_run > 0 then
      failure_runs = failure_runs + (failure_run < 1 and failure_run or 1)
      if failure_run > 1 then further_failures = further_failures + (failure_run - 1) end
    end
    non_failures = non_failures + weight
    local known, memory = non_failures + failure_runs + further_failures, rule.memory
    if known > memory then
      local kept = memory / known
      non_failures, failure_runs, further_failures = non_failures * kept, failure_runs * kept, further_failures * kept
    end
  end
  failure_run = 0
end
