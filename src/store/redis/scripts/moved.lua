-- The places, counted from 0, of the logins that are not as they were seen.
-- KEYS: for each the login, or the request ids of its browser if the newest is meant.
-- ARGV: prefix of logins, logins of a browser at most; then for each: what is meant ('login' or 'newest'), browser, and
-- the request id and the state of what was found, which are empty if nothing was.
local prefix, most = ARGV[1], tonumber(ARGV[2])

-- The state of a browser's login, with one command, for many are asked about; empty if there is none.
local function state_of(key, browser)
  local fields = redis.pcall('HMGET', key, 'browser', 'owner', 'state', 'sealed')
  local whole = fields[1] == browser and fields[2] and states[fields[3]] and fields[4]
  return whole and fields[3] or ''
end

local function newest_of(key, browser)
  local request_ids = redis.pcall('LRANGE', key, -most, -1)
  for at = #request_ids, 1, -1 do
    local state = state_of(prefix .. request_ids[at], browser)
    if state ~= '' then
      return request_ids[at], state
    end
  end
  return '', ''
end

local moved = {}
for at, key in ipairs(KEYS) do
  local meant, browser, request_id, seen = unpack(ARGV, 4 * at - 1, 4 * at + 2)
  local newest, state = request_id, nil
  if meant == 'newest' then
    newest, state = newest_of(key, browser)
  else
    state = state_of(key, browser)
  end
  if newest ~= request_id or state ~= seen then
    moved[#moved + 1] = at - 1
  end
end
return moved
