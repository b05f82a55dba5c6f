-- Which commands the user of this connection may not run on the keys of a namespace. None is run.
--
-- KEYS   none, or the key, which leads to its node
-- ARGV   the key ; commands
--
-- Answers those that it may not.

local key, missing = ARGV[1], {}
for i = 2, #ARGV do
  if not redis.acl_check_cmd(ARGV[i], key, key, key) then missing[#missing + 1] = ARGV[i] end
end
return missing
