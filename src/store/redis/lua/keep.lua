-- Writing what a step made of pairs. Nothing here can fail once its first command has gone through: keys were
-- read, so they have the right type, and memory and role are checked by Redis at the first write of a script.

local COMMAND_TIMES_KEPT = 7 * 86400
local LONGEST_TTL_MS = 3e12

-- Milliseconds after which a pair tells nothing any more, or nil.
local function ttl_ms(pair, policy)
  local seconds = 0
  if pair.reset_time == pair.reset_time or pair.terminate_time == pair.terminate_time then
    seconds = COMMAND_TIMES_KEPT
  end
  if pair.has_state then
    if
      pair.circuit ~= CLOSED or policy.alpha_prior ~= 1 or policy.beta_prior ~= 1 or policy.half_life == math.huge
    then
      return nil
    end
    seconds = max(seconds, forgetting_seconds(pair, policy.half_life))
  end
  return max(1, math.min(LONGEST_TTL_MS, math.ceil(seconds * 1000)))
end

-- `<tenant>:<pair_id>` of a pair's key.
local function member_of(key)
  return string.match(key, ':pair:(.*)$')
end

-- Every pair whose circuit is not CLOSED stands in `due`, at the time when it recovers or at infinity. An entry
-- that turns out to be early is put right when it falls: most events of an open pair move its time later.
local function keep(pair, key, due_key, policy, rules)
  local queued, due = pair.queued_at, NONE
  if pair.has_state and pair.circuit ~= CLOSED then
    if rules.timed_recovery then due = recovers_at(pair, policy) end
    if due ~= due then due = math.huge end
    if queued == queued and queued <= due then due = queued end
  end
  pair.queued_at = due
  -- SET first: it is refused where there is no room, or no write at all, and what follows it never is.
  local ttl = rules.streamed and ttl_ms(pair, policy) or nil
  if ttl then
    redis.call('SET', key, pack_pair(pair), 'PX', string.format('%.0f', ttl))
  else
    redis.call('SET', key, pack_pair(pair))
  end
  if due == due then
    if due ~= queued then
      redis.call('ZADD', due_key, due == math.huge and '+inf' or string.format('%.17g', due), member_of(key))
    end
  elseif queued == queued then
    redis.call('ZREM', due_key, member_of(key))
  end
end
