-- The revocations after a place: the generation and the id of the last, then what is sealed of each.
-- KEYS: the stream. ARGV: generation and id of the place, revocations at most.
local stream, generation, id, most = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local oldest = oldest_of(stream)
if not oldest then
  return { generation, id }
end

local known = oldest.generation == generation
local answer = { oldest.generation, id }
-- A range that leaves out its start is not in Redis 6.0; the start may also be gone.
for _, entry in ipairs(redis.call('XRANGE', stream, known and id or '-', '+', 'COUNT', most + 1)) do
  if #answer < most + 2 and not (known and entry[1] == id) then
    answer[#answer + 1] = revocation_of(entry).sealed
    answer[2] = entry[1]
  end
end
return answer
