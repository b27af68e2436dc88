-- What the scripts share; it stands before each of them.

-- The login under a key; nil if there is none, or if something else is there.
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

-- An entry of the stream of revocations. Its generation is that of the stream: the time when it was begun, as a
-- stream that was lost begins anew, maybe with a clock that goes slower.
local function revocation_of(entry)
  local fields = entry[2]
  local whole = #fields == 6 and fields[1] == 'generation' and fields[3] == 'until' and fields[5] == 'sealed'
  if not whole or not tonumber(fields[4]) then
    error('the stream of revocations holds something that is not a revocation')
  end
  return { generation = fields[2], ending = tonumber(fields[4]), sealed = fields[6] }
end

local function oldest_of(stream)
  local entry = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  return entry and revocation_of(entry)
end

-- The time of the server in milliseconds.
local function now_of(time)
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Lets a key live for as long at least.
local function keep(key, lifetime)
  if redis.call('PTTL', key) < lifetime then
    redis.call('PEXPIRE', key, lifetime)
  end
end

