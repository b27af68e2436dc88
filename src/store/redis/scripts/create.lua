-- Creates a login that has been admitted; 0 if there is one already.
-- KEYS: the login. ARGV: browser, owner, lifetime in milliseconds.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('HSET', KEYS[1], 'browser', ARGV[1], 'owner', ARGV[2], 'state', 'pending', 'sealed', '')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
