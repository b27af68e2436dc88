-- Moves a login on; 1 if it moved.
-- KEYS: the login. ARGV: its new state, and what is sealed for its browser.
local login, to = login_of(KEYS[1]), ARGV[1]
local running = login and (login.state == 'pending' or login.state == 'opened')
if not running or to == 'pending' or to == login.state then
  return 0
end
redis.call('HSET', KEYS[1], 'state', to, 'sealed', ARGV[2])
return 1
