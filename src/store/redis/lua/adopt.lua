-- Says that what was lost is applied again: marks go on from here.
--
-- KEYS   mark
-- ARGV   run id of the server when the loss was noticed
--
-- Answers 1, or 0 and writes nothing where it is another server by now, or was emptied.

local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if run_id ~= ARGV[1] or not redis.call('HGET', KEYS[1], 'run_id') then return 0 end
redis.call('HSET', KEYS[1], 'run_id', run_id)
return 1
