-- What is kept of sessions of a pair.
--
-- KEYS   texts ; turns of each session
-- ARGV   oldest time that is wanted ; sessions, in the order of their keys
--
-- Answers session, turns, bytes, time of the newest, ...; those that ended before, or of which nothing is left, are left out.

local call = redis.call
local found = {}
for i = 2, #KEYS do
  local session, turns = ARGV[i], KEYS[i]
  local newest = call('ZRANGE', turns, -1, -1, 'WITHSCORES')[2]
  if newest and tonumber(newest) >= tonumber(ARGV[1]) then
    found[#found + 1] = session
    found[#found + 1] = call('ZCARD', turns)
    found[#found + 1] = call('HGET', KEYS[1], session) or '0'
    found[#found + 1] = newest
  end
end
return found
