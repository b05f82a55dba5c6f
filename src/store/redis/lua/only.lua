-- A call about one pair alone: reads it with all else that the call will write to, so that no write can fail.

-- Brings the pair to hand, begun where nothing is known of it. Answers why it cannot, as load_pair does, or nil; and the
-- value that it was read from.
local function load_only(pair_key, its_names, outbox, due_key)
  local value = call('MGET', pair_key)[1]
  if value then
    local why = load_pair(value, its_names)
    if why then return why end
  elseif call('EXISTS', pair_key) == 1 then
    return 'u'
  else
    begin_unknown(its_names)
  end
  call('XLEN', outbox)
  call('ZCARD', due_key)
  return nil, value
end
