-- Makes the keys of agents read as they have to, or removes those that read so; both keys of an agent in one step.
--
-- KEYS   the lease; for each agent: circuit state, trust score
-- ARGV   who holds the lease (empty: it is not of this server), show or withdraw,
--        for how many seconds keys live that lapse; for each agent: circuit state, trust score, 1 where its keys lapse
--
-- Answers 0 where another has the lease, else one entry for each agent whose keys read otherwise: its number from 0,
-- circuit state, trust score (nil: there was none).

local owner, action, lifetime = ARGV[1], ARGV[2], tonumber(ARGV[3])
if owner ~= '' and redis.call('GET', KEYS[1]) ~= owner then return 0 end

local function show(key, text, lapses)
  if lapses then
    redis.call('SET', key, text, 'EX', lifetime)
  else
    redis.call('SET', key, text)
  end
end

-- Long before it lapses, so that a projector may be away for hours.
local function keep(key, lapses)
  local left = redis.call('TTL', key)
  if lapses and (left < 0 or left < lifetime / 2) then
    redis.call('EXPIRE', key, lifetime)
  elseif not lapses and left >= 0 then
    redis.call('PERSIST', key)
  end
end

local answer = {}
for i = 0, (#KEYS - 1) / 2 - 1 do
  local state_key, score_key = KEYS[2 * i + 2], KEYS[2 * i + 3]
  local state, score, lapses = ARGV[3 * i + 4], ARGV[3 * i + 5], ARGV[3 * i + 6] == '1'
  -- MGET takes a key of another type for none, where GET fails.
  local found = redis.call('MGET', state_key, score_key)
  local same = found[1] == state and found[2] == score
  if not same then answer[#answer + 1] = { i, found[1], found[2] } end
  if action == 'withdraw' then
    if same then redis.call('DEL', state_key, score_key) end
  elseif same then
    keep(state_key, lapses)
    keep(score_key, lapses)
  else
    show(state_key, state, lapses)
    show(score_key, score, lapses)
  end
end
return answer
