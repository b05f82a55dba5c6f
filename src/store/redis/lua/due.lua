-- parts: pair model policy change step keep
--
-- Makes what is due of pairs that the sweep found.
--
-- KEYS   outbox, due ; pairs
-- ARGV 1 f64 clock in ms, until when ; u8 1: nothing is published
--      2 pairs: u16 policy ; u32 bytes of both names as in a stored pair, then they
--      3 and on, two for each policy: its numbers, what circuit events say of it

local now_ms, until_time, flags = unpack_struct('<ddB', ARGV[1])
local silent = flags == 1
local rules = { timed_recovery = true, streamed = true, silent = silent, now_ms = now_ms }
local outbox, due_key = KEYS[1], KEYS[2]
local policies = unpack_policies(3)
call('XLEN', outbox)
call('ZCARD', due_key)
local gone = {}
local values = #KEYS > 2 and call('MGET', unpack(KEYS, 3)) or {}

local at = 1
for p = 1, #KEYS - 2 do
  local key, policy, its_names = KEYS[p + 2], nil, nil
  policy, its_names, at = unpack_struct('<I2I4c0', ARGV[2], at)
  cause.outbox, cause.key = outbox, key
  if not values[p] or load_pair(values[p], its_names) or not circuit then
    gone[#gone + 1] = member_of(key)
  else
    recover(until_time, policies[policy], rules)
    plan(key, due_key, policies[policy], rules, true)
  end
end
write_planned()
for i = 1, #gone do call('ZREM', due_key, gone[i]) end
if not silent then
  for k = 1, #changed_bytes do publish(k) end
end
return #KEYS - 2
