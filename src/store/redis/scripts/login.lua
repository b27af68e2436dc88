-- The login under a key; nil if there is none, or what is there is no login.
local states = { pending = true, opened = true, verified = true, refused = true, another_number = true, failed = true }

local function login_of(key)
  if redis.call('TYPE', key).ok ~= 'hash' or redis.call('PTTL', key) < 0 then
    return nil
  end
  local fields = redis.call('HMGET', key, 'browser', 'state', 'sealed')
  if not fields[1] or not states[fields[2]] or not fields[3] then
    return nil
  end
  return { browser = fields[1], state = fields[2], sealed = fields[3] }
end

