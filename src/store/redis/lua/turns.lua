-- Turns of conversations: dropping the oldest, of a pair or of all. Part of what changes transcripts. Every key of a shard
-- begins with `root`, which holds its hash tag:
--
-- sizes                        hash: `<tenant>:<pair id>`, and `total` -> bytes of texts
-- pairs                        sorted set: `<tenant>:<pair id>` by the time of its oldest turn
-- sessions:<pair>              sorted set: session by the time of its oldest turn
-- texts:<pair>                 hash: session -> bytes of texts
-- turns:<pair>:<session>       sorted set: turns by time; those of one time by their bytes, which begin with the position
--
-- A pair's own keys may expire before `sizes` and `pairs` do: what they say of it goes when it comes to be the oldest.

local call = redis.call

-- Bytes of the text of a turn: source, sequence, speaker and event id stand before it, each with a zero byte after it.
local function text_bytes(turn)
  local _, last = string.find(turn, '^[^%z]*%z[^%z]*%z[^%z]*%z[^%z]*%z')
  return #turn - last
end

-- Puts a member of `index` where the first of `key` is in time. False and nothing there where `key` holds nothing.
local function place(index, member, key)
  local first = call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[1] then
    call('ZADD', index, first[2], member)
    return true
  end
  call('ZREM', index, member)
  return false
end

local function forget_pair(root, pair)
  local bytes = tonumber(call('HGET', root .. 'sizes', pair) or 0)
  call('HDEL', root .. 'sizes', pair)
  if bytes ~= 0 then call('HINCRBY', root .. 'sizes', 'total', -bytes) end
  call('ZREM', root .. 'pairs', pair)
  call('DEL', root .. 'texts:' .. pair, root .. 'sessions:' .. pair)
end

-- Counts no more what was of a session whose turns have expired.
local function forget_expired(root, pair, session)
  if call('EXISTS', root .. 'sessions:' .. pair) == 0 then return forget_pair(root, pair) end
  local texts = root .. 'texts:' .. pair
  local bytes = tonumber(call('HGET', texts, session) or 0)
  if bytes == 0 or call('EXISTS', root .. 'turns:' .. pair .. ':' .. session) == 1 then return end
  call('HINCRBY', root .. 'sizes', pair, -bytes)
  call('HINCRBY', root .. 'sizes', 'total', -bytes)
  call('HDEL', texts, session)
end

-- Drops the oldest turn of a pair. It reads first: a key that has left with its slot is an error before anything is changed.
local function drop_oldest(root, pair)
  local sessions, texts = root .. 'sessions:' .. pair, root .. 'texts:' .. pair
  local session = call('ZRANGE', sessions, 0, 0)[1]
  if not session then return forget_pair(root, pair) end
  local turns = root .. 'turns:' .. pair .. ':' .. session
  local turn = call('ZRANGE', turns, 0, 0)[1]
  local counted = tonumber(call('HGET', texts, session) or 0)
  local bytes = turn and text_bytes(turn) or counted
  if turn then call('ZREM', turns, turn) end
  if bytes ~= 0 then
    call('HINCRBY', root .. 'sizes', pair, -bytes)
    call('HINCRBY', root .. 'sizes', 'total', -bytes)
    call('HINCRBY', texts, session, -bytes)
  end
  if not place(sessions, session, turns) then call('HDEL', texts, session) end
  if not place(root .. 'pairs', pair, sessions) then forget_pair(root, pair) end
end

-- Drops what is beyond the bounds, `most` turns at most. Returns 1 where more may be due, else 0.
local function hold_bounds(root, pair, oldest_kept, pair_bound, total_bound, most)
  local sizes, pairs_key = root .. 'sizes', root .. 'pairs'
  for _ = 1, most do
    if tonumber(call('HGET', sizes, pair) or 0) > pair_bound then
      drop_oldest(root, pair)
    else
      local first = call('ZRANGE', pairs_key, 0, 0, 'WITHSCORES')
      if not first[1] then return 0 end
      local is_full = tonumber(call('HGET', sizes, 'total') or 0) > total_bound
      if tonumber(first[2]) >= oldest_kept and not is_full then return 0 end
      drop_oldest(root, first[1])
    end
  end
  return 1
end
