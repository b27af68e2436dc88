-- A browser's login: its nonce, its owner, its state, and what is sealed for it; nil if there is none.
-- KEYS: the nonces of the browser, and the login, or else its newest is meant.
-- ARGV: browser, prefix of logins, logins of a browser at most, and the nonce if the login is not its newest.
local browser, prefix, most = ARGV[1], ARGV[2], tonumber(ARGV[3])

local function answer(nonce, key)
  local login = login_of(key)
  return login and login.browser == browser and { nonce, login.owner, login.state, login.sealed }
end

if KEYS[2] then
  return answer(ARGV[4], KEYS[2])
end
if redis.call('TYPE', KEYS[1]).ok ~= 'list' then
  return false
end
local nonces = redis.call('LRANGE', KEYS[1], -most, -1)
for at = #nonces, 1, -1 do
  local newest = answer(nonces[at], prefix .. nonces[at])
  if newest then
    return newest
  end
end
return false
