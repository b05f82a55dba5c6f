-- parts: pair model policy step keep
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
local policies = unpack_policies(3)
call('XLEN', outbox)
call('ZCARD', due_key)
local values = #KEYS > 2 and call('MGET', unpack(KEYS, 3)) or {}

local at = 1
for p = 1, #KEYS - 2 do
  local key, policy, names = KEYS[p + 2], nil, nil
  policy, names, at = unpack_struct('<I2I4c0', ARGV[2], at)
  if not values[p] or unpack_pair(p, values[p], names) or not circuit[p] then
    call('ZREM', due_key, member_of(key))
  else
    recover(p, until_, policies[policy], rules)
    -- Its entry has fallen: what is due next is put in anew.
    queued_at[p] = nil
    keep(p, key, due_key, policies[policy], rules)
    if not queued_at[p] then call('ZREM', due_key, member_of(key)) end
  end
end
for k = 1, #changed_bytes do
  call('XADD', outbox, '*', member_of(KEYS[changed_pair[k] + 2]), changed_bytes[k])
end
return #KEYS - 2
