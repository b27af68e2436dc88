-- Takes a place for a login among all that count: nil if there is none. Otherwise the request ids that its browser no longer
-- has, of which the first is the oldest login that made room, or empty if none did.
-- KEYS: the ends of all logins by their request ids.
-- ARGV: request id, lifetime in milliseconds, logins at most, logins of a browser at most, and the request ids of its
-- browser, the oldest first.
local ends, request_id, lifetime = KEYS[1], ARGV[1], tonumber(ARGV[2])
local most, most_of_browser = tonumber(ARGV[3]), tonumber(ARGV[4])
local now = now_of(redis.call('TIME'))

local running, gone = {}, {}
for at = 5, #ARGV do
  local left = tonumber(redis.call('ZSCORE', ends, ARGV[at]) or 0) - now
  table.insert(left > 0 and running or gone, ARGV[at])
end
local surplus = #running >= most_of_browser and running[1]
if redis.call('ZCOUNT', ends, '(' .. string.format('%.0f', now), '+inf') - (surplus and 1 or 0) >= most then
  return false
end

-- It is never empty in between: in a slot that moves, a key that is missing is on the other server.
redis.call('ZADD', ends, string.format('%.0f', now + lifetime), request_id)
redis.call('ZREMRANGEBYSCORE', ends, '-inf', now)
keep(ends, lifetime)
if surplus then
  redis.call('ZREM', ends, surplus)
end
table.insert(gone, 1, surplus or '')
return gone
