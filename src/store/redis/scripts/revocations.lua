-- The revocations after a place: the generation and the id of the last, then what is sealed of each.
-- KEYS: the stream. ARGV: generation and id of the place.
local stream, generation, id = KEYS[1], ARGV[1], ARGV[2]
local oldest = oldest_of(stream)
if not oldest then
  return { generation, id }
end

local known = oldest.generation == generation
local answer = { oldest.generation, id }
for _, entry in ipairs(redis.call('XRANGE', stream, known and id or '-', '+')) do
  -- A range that leaves out its start is not in Redis 6.0.
  if not (known and entry[1] == id) then
    answer[#answer + 1] = revocation_of(entry).sealed
    answer[2] = entry[1]
  end
end
return answer
