-- A browser's login: its request id, its owner, its state, and what is sealed for it; nil if there is none.
-- KEYS: the request ids of the browser, and the login, or else its newest is meant.
-- ARGV: browser, prefix of logins, logins of a browser at most, and the request id if the login is not its newest.
local browser, prefix, most = ARGV[1], ARGV[2], tonumber(ARGV[3])

local function answer(request_id, key)
  local login = login_of(key)
  return login and login.browser == browser and { request_id, login.owner, login.state, login.sealed }
end

if KEYS[2] then
  return answer(ARGV[4], KEYS[2])
end
if redis.call('TYPE', KEYS[1]).ok ~= 'list' then
  return false
end
local request_ids = redis.call('LRANGE', KEYS[1], -most, -1)
for at = #request_ids, 1, -1 do
  local newest = answer(request_ids[at], prefix .. request_ids[at])
  if newest then
    return newest
  end
end
return false
