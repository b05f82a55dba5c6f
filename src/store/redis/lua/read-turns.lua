-- A page of a session's turns, in order.
--
-- KEYS   turns
-- ARGV   the turn after which to begin, empty: at the first ; its time, or that of the oldest that is wanted ; most turns ;
--        bytes after which the page ends
--
-- Answers turn, time, turn, time, ... Where the turn to begin after is there no more, it begins with those of its time:
-- whoever asks passes over what comes before.

local call = redis.call
local last, time, most, most_bytes = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local STEP = 16

local rank = last ~= '' and call('ZRANK', KEYS[1], last)
local from = rank and rank + 1 or call('ZCOUNT', KEYS[1], '-inf', '(' .. time)

local page, bytes = {}, 0
while #page < 2 * most and bytes < most_bytes do
  local some = call('ZRANGE', KEYS[1], from, from + STEP - 1, 'WITHSCORES')
  for i = 1, #some, 2 do
    page[#page + 1] = some[i]
    page[#page + 1] = some[i + 1]
    bytes = bytes + #some[i]
  end
  if #some < 2 * STEP then break end
  from = from + STEP
end
return page
