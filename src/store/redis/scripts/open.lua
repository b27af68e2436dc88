-- Opens a login.
-- KEYS: the login, the request ids of its browser, the ends of all logins by their request ids.
-- ARGV: request id, browser, owner, lifetime in milliseconds, logins at most, logins of a browser at most, prefix of
-- logins.
local login, of_browser, ends = KEYS[1], KEYS[2], KEYS[3]
local request_id, browser, owner, lifetime = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local most, most_of_browser, prefix = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local now = now_of(redis.call('TIME'))

if redis.call('EXISTS', login) == 1 then
  return 'taken'
end

-- What runs of the browser, the oldest first. Junk in the place of its list is no list.
local running, longest = {}, lifetime
if redis.call('TYPE', of_browser).ok == 'list' then
  for _, other in ipairs(redis.call('LRANGE', of_browser, -most_of_browser, -1)) do
    local left = tonumber(redis.call('ZSCORE', ends, other) or 0) - now
    if left > 0 then
      running[#running + 1] = other
      longest = math.max(longest, left)
    end
  end
end

local surplus = #running >= most_of_browser and table.remove(running, 1)
if redis.call('ZCOUNT', ends, '(' .. string.format('%.0f', now), '+inf') - (surplus and 1 or 0) >= most then
  return 'full'
end

local ending = string.format('%.0f', now + lifetime)
-- The first write takes memory, for a server that has none refuses only the first one.
redis.call('HSET', login, 'browser', browser, 'owner', owner, 'state', 'pending', 'sealed', '')
redis.call('PEXPIREAT', login, ending)
redis.call('ZREMRANGEBYSCORE', ends, '-inf', now)
redis.call('ZADD', ends, ending, request_id)
keep(ends, lifetime)
if surplus then
  redis.call('DEL', prefix .. surplus)
  redis.call('ZREM', ends, surplus)
end
running[#running + 1] = request_id
redis.call('DEL', of_browser)
redis.call('RPUSH', of_browser, unpack(running))
redis.call('PEXPIRE', of_browser, math.ceil(longest))
return 'opened'
