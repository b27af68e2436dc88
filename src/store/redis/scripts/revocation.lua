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

