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

