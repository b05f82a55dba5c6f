-- Writes the policies of a fleet, if they are still those that were read.
--
-- KEYS   policies
-- ARGV   the document that was read, empty for none ; the new one
--
-- Answers 1, or 0 where another process was faster.

if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
