-- Removes entries from an outbox.
--
-- KEYS   outbox
-- ARGV   ids of entries
--
-- Answers those that were gone already.

local gone = {}
for i = 1, #ARGV do
  if redis.call('XDEL', KEYS[1], ARGV[i]) == 0 then gone[#gone + 1] = ARGV[i] end
end
return gone
