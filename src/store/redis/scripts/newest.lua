-- The newest login of a browser: its request id, its owner, its state, and what is sealed for it; nil if there is none.
-- KEYS: the request ids of the browser. ARGV: browser, prefix of logins, logins of a browser at most.
local browser, prefix, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
if redis.call('TYPE', KEYS[1]).ok ~= 'list' then
  return false
end
local request_ids = redis.call('LRANGE', KEYS[1], -most, -1)
for at = #request_ids, 1, -1 do
  local login = login_of(prefix .. request_ids[at])
  if login and login.browser == browser then
    return { request_ids[at], login.owner, login.state, login.sealed }
  end
end
return false
