-- parts: model pair step keep policy
--
-- Makes what is due of pairs that the sweep found.
--
-- KEYS   outbox, due ; pairs
-- ARGV 1 f64 clock in ms, until when
--      2 pairs: u16 policy ; u32 bytes of both names as in a stored pair, then they
--      3 and on, two for each policy: its numbers, what circuit events say of it

local now_ms, until_ = unpack_struct('<dd', ARGV[1])
local rules = { timed_recovery = true, streamed = true, now_ms = now_ms }
local outbox, due_key = KEYS[1], KEYS[2]
redis.call('XLEN', outbox)
redis.call('ZCARD', due_key)
local policies = {}
for i = 3, #ARGV, 2 do policies[#policies + 1] = unpack_policy(ARGV[i], ARGV[i + 1]) end
local values = #KEYS > 2 and redis.call('MGET', unpack(KEYS, 3)) or {}

local at = 1
for i = 1, #KEYS - 2 do
  local policy, names
  policy, names, at = unpack_struct('<I2I4c0', ARGV[2], at)
  policy = policies[policy]
  local key = KEYS[i + 2]
  local pair = values[i] and unpack_pair(values[i], names) or nil
  if pair == nil or not pair.has_state then
    redis.call('ZREM', due_key, member_of(key))
  else
    local changes = {}
    recover(pair, until_, policy, rules, changes)
    -- Its entry has fallen: what is due next is put in anew.
    local fallen = pair.queued_at
    pair.queued_at = NONE
    keep(pair, key, due_key, policy, rules)
    if pair.queued_at ~= pair.queued_at and fallen == fallen then redis.call('ZREM', due_key, member_of(key)) end
    for j = 1, #changes do redis.call('XADD', outbox, '*', member_of(key), changes[j]) end
  end
end
return #KEYS - 2
