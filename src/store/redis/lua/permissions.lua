-- Which commands the user of this connection may not run on the keys of a namespace.
--
-- ARGV   a key of the namespace ; commands
--
-- Answers those that it may not.

local missing = {}
for i = 2, #ARGV do
  if not redis.acl_check_cmd(ARGV[i], ARGV[1], ARGV[1], ARGV[1]) then missing[#missing + 1] = ARGV[i] end
end
return missing
