-- Writing what a call made of pairs: planned pair by pair, written when all of them are done. Nothing can fail once the
-- first command has gone through: the keys were read, so they are of the right type, and room and role are checked by
-- Redis at the first write of a script.

local COMMAND_TIMES_KEPT = 7 * 86400
local LONGEST_TTL = 2e9
-- A pair is kept so much longer than it has to be, in parts of its span, that most writes need not set its expiry.
local TTL_MARGIN = 1 / 50
local ceil = math.ceil
local call = redis.call

-- What is written where, and how: false: over the beginning of what is there; else anew, to expire as before, never (0),
-- or after so many seconds.
local write_key, write_bytes, write_ttl = {}, {}, {}
-- Where an entry is to be, whose, and when it is due; false: it is to go.
local due_of, due_member, due_time = {}, {}, {}

-- Seconds after which the pair tells nothing any more, or nil.
local function ttl_seconds(policy)
  local seconds = (reset_time or terminate_time) and COMMAND_TIMES_KEPT or 0
  if circuit then
    if circuit ~= CLOSED or not policy.forgets then return nil end
    seconds = max(seconds, forgetting_seconds(policy.half_life))
  end
  return seconds < LONGEST_TTL and seconds or nil
end

-- `<tenant>:<pair_id>` of a pair's key.
local function member_of(key)
  return string.match(key, ':pair:(.*)$')
end

-- Plans to write the pair at hand, which is known under this key or gets a `ttl`; nil: it expires as before.
local function plan_bytes(key, ttl)
  local form = form_of()
  local w = #write_key + 1
  write_key[w] = key
  if not ttl and form == stored_form then
    write_bytes[w], write_ttl[w] = pack_head(form), false
  else
    write_bytes[w], write_ttl[w] = pack_head(form) .. names, ttl or 'KEEPTTL'
  end
end

-- Every pair whose circuit is not CLOSED stands in `due`, at the time when it recovers or at infinity. An entry
-- that turns out to be early is put right when it falls: most events of an open pair move its time later.
local function plan_due(key, due_key, policy, rules, has_fallen)
  local queued, due = queued_at, nil
  if has_fallen then queued = nil end
  if circuit and circuit ~= CLOSED then
    due = rules.timed_recovery and recovers_at(policy) or huge
    if queued and queued <= due then due = queued end
  end
  if due ~= queued or (has_fallen and not due) then
    local d = #due_of + 1
    due_of[d], due_member[d], due_time[d] = due_key, member_of(key), due or false
  end
  queued_at = due
end

-- Plans what follows from a change of the pair at hand. `has_fallen`: its entry in `due` is to be put anew, or to go.
local function plan(key, due_key, policy, rules, has_fallen)
  if has_fallen or queued_at or circuit ~= CLOSED then plan_due(key, due_key, policy, rules, has_fallen) end
  local seconds, ttl = rules.streamed and ttl_seconds(policy) or nil, nil
  if seconds then
    local now, margin = rules.now_ms / 1000, seconds * TTL_MARGIN
    if kept_until < now + seconds + margin / 2 then
      ttl = max(1, ceil(seconds + margin))
      kept_until = ceil(now + ttl)
    end
  elseif kept_until ~= 0 or not stored_form then
    kept_until, ttl = 0, 0
  end
  plan_bytes(key, ttl)
end

local function write_planned()
  for w = 1, #write_key do
    local key, ttl = write_key[w], write_ttl[w]
    if not ttl then
      call('SETRANGE', key, '0', write_bytes[w])
    elseif ttl == 0 then
      call('SET', key, write_bytes[w])
    elseif ttl == 'KEEPTTL' then
      call('SET', key, write_bytes[w], 'KEEPTTL')
    else
      call('SET', key, write_bytes[w], 'EX', ttl)
    end
  end
  for d = 1, #due_of do
    local due = due_time[d]
    if due then
      call('ZADD', due_of[d], due == huge and '+inf' or string.format('%.17g', due), due_member[d])
    else
      call('ZREM', due_of[d], due_member[d])
    end
  end
end

-- Puts a noted change into its outbox.
local function publish(k)
  call('XADD', changed_outbox[k], '*', member_of(changed_key[k]), changed_bytes[k])
end
