-- Keeps a revocation, and drops the oldest whose lifetime has passed.
-- KEYS: the stream. ARGV: what is sealed, its lifetime in milliseconds.
local stream, lifetime = KEYS[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = now_of(time)

local oldest = oldest_of(stream)
local generation = oldest and oldest.generation or (time[1] .. '.' .. time[2])
local ending = string.format('%.0f', now + lifetime)
redis.call('XADD', stream, '*', 'generation', generation, 'until', ending, 'sealed', ARGV[1])
keep(stream, lifetime)

-- A hundred at a time: more than come, and never long. XTRIM by MINID is not in Redis 6.0, and would not know that
-- one lives longer than another. It comes last, for a server without memory refuses only the first write.
for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+', 'COUNT', 100)) do
  if revocation_of(entry).ending > now then
    break
  end
  redis.call('XDEL', stream, entry[1])
end
return 1
