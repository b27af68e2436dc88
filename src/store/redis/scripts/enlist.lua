-- Adds a login to those of its browser.
-- KEYS: the request ids of the browser. ARGV: request id, lifetime in milliseconds, logins of a browser at most, and the
-- request ids that the browser no longer has.
local list, request_id, lifetime, most = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local kind = redis.call('TYPE', list).ok
if kind ~= 'list' and kind ~= 'none' then
  redis.call('DEL', list)
end
-- It is never empty in between: in a slot that moves, a key that is missing is on the other server.
redis.call('RPUSH', list, request_id)
for at = 4, #ARGV do
  redis.call('LREM', list, 0, ARGV[at])
end
redis.call('LTRIM', list, -most, -1)
keep(list, lifetime)
return 1
