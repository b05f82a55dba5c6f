-- Takes or renews the leases of the relays of shards, and reads the oldest of what each has to publish.
--
-- KEYS   for each shard: relay, outbox
-- ARGV   who asks, for how many ms, how many entries at most of each shard
--
-- Answers for each shard its entries, or 0 where another has the lease.

local answer = {}
for i = 1, #KEYS, 2 do
  local holder = redis.call('GET', KEYS[i])
  if holder and holder ~= ARGV[1] then
    answer[#answer + 1] = 0
  else
    redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[2])
    answer[#answer + 1] = redis.call('XRANGE', KEYS[i + 1], '-', '+', 'COUNT', ARGV[3])
  end
end
return answer
