-- Takes, renews or lets go a lease.
--
-- KEYS   the lease
-- ARGV   who asks, for how many ms (0: lets it go)
--
-- Answers 1, or 0 where another has it.

local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
if tonumber(ARGV[2]) > 0 then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
else
  redis.call('DEL', KEYS[1])
end
return 1
