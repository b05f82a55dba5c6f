-- Writing what a call made of pairs. Nothing here can fail once its first command has gone through: the keys were
-- read, so they are of the right type, and room and role are checked by Redis at the first write of a script.

local COMMAND_TIMES_KEPT = 7 * 86400
local LONGEST_TTL = 3e9
local ceil = math.ceil
local call = redis.call

-- As text, since so many are the same: to the second within a day, to the hour beyond.
local ttl_texts = {}
local function ttl_text(seconds)
  local rounded = seconds > 86400 and ceil(seconds / 3600) * 3600 or max(1, ceil(seconds))
  local text = ttl_texts[rounded]
  if not text then
    text = string.format('%.0f', rounded)
    ttl_texts[rounded] = text
  end
  return text
end

-- Seconds after which a pair tells nothing any more, or nil.
local function ttl_seconds(p, policy)
  local seconds = (reset_time[p] or terminate_time[p]) and COMMAND_TIMES_KEPT or 0
  if circuit[p] then
    if circuit[p] ~= CLOSED or not policy.forgets then return nil end
    seconds = max(seconds, forgetting_seconds(p, policy.half_life))
  end
  return seconds < LONGEST_TTL and seconds or nil
end

-- `<tenant>:<pair_id>` of a pair's key.
local function member_of(key)
  return string.match(key, ':pair:(.*)$')
end

-- Every pair whose circuit is not CLOSED stands in `due`, at the time when it recovers or at infinity. An entry
-- that turns out to be early is put right when it falls: most events of an open pair move its time later.
local function keep(p, key, due_key, policy, rules)
  local queued, due = queued_at[p], nil
  if circuit[p] and circuit[p] ~= CLOSED then
    due = rules.timed_recovery and recovers_at(p, policy) or huge
    if queued and queued <= due then due = queued end
  end
  queued_at[p] = due
  -- SET first: it is refused where there is no room, or no write at all, and what follows it never is.
  local seconds = rules.streamed and ttl_seconds(p, policy)
  if seconds then
    call('SET', key, pack_pair(p), 'EX', ttl_text(seconds))
  else
    call('SET', key, pack_pair(p))
  end
  if due ~= queued then
    if due then
      call('ZADD', due_key, due == huge and '+inf' or string.format('%.17g', due), member_of(key))
    else
      call('ZREM', due_key, member_of(key))
    end
  end
end
