-- Keeps turns of one pair, each once, and drops what is beyond the bounds.
-- parts: turns
--
-- KEYS   sizes, pairs, sessions and texts of the pair ; turns of each session that is added to
-- ARGV   root of the keys ; pair ; oldest time that is kept ; bound of the pair ; bound of all ; seconds after which what
--        nobody adds to is gone ; most turns that are dropped ; then session, time and turn of each
--
-- Answers 1 where more is to be dropped, else 0. All that is added to is named: where a slot of a cluster moves, it is all
-- here or nothing is done.

local root, pair = ARGV[1], ARGV[2]
local oldest_kept, pair_bound, total_bound = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local ttl, most = tonumber(ARGV[6]), tonumber(ARGV[7])

local added, bytes_of, looked = 0, {}, {}
for i = 8, #ARGV, 3 do
  local session, time, turn = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if not looked[session] then
    forget_expired(root, pair, session)
    looked[session] = true
  end
  if tonumber(time) >= oldest_kept and call('ZADD', root .. 'turns:' .. pair .. ':' .. session, time, turn) == 1 then
    local bytes = text_bytes(turn)
    bytes_of[session] = (bytes_of[session] or 0) + bytes
    added = added + bytes
  end
end

if next(bytes_of) then
  local sessions, texts = KEYS[3], KEYS[4]
  for session, bytes in pairs(bytes_of) do
    local turns = root .. 'turns:' .. pair .. ':' .. session
    call('HINCRBY', texts, session, bytes)
    call('EXPIRE', turns, ttl)
    place(sessions, session, turns)
  end
  call('HINCRBY', KEYS[1], pair, added)
  call('HINCRBY', KEYS[1], 'total', added)
  place(KEYS[2], pair, sessions)
  for i = 1, 4 do call('EXPIRE', KEYS[i], ttl) end
end

return hold_bounds(root, pair, oldest_kept, pair_bound, total_bound, most)
