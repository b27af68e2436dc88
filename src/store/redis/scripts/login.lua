-- The login under a key; nil if there is none, or what is there is no login.
local states = { pending = true, opened = true, verified = true, refused = true, another_number = true, failed = true }

local function login_of(key)
  if redis.call('TYPE', key).ok ~= 'hash' or redis.call('PTTL', key) < 0 then
    return nil
  end
  local fields = redis.call('HMGET', key, 'browser', 'owner', 'state', 'sealed')
  if not fields[1] or not fields[2] or not states[fields[3]] or not fields[4] then
    return nil
  end
  return { browser = fields[1], owner = fields[2], state = fields[3], sealed = fields[4] }
end

