-- The milliseconds that a login has left which has not ended; nil if there is none.
-- KEYS: the login.
local login = login_of(KEYS[1])
if login and (login.state == 'pending' or login.state == 'opened') then
  return redis.call('PTTL', KEYS[1])
end
return false
