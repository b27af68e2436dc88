
-- The time of the server: seconds since the Unix epoch, and microseconds.
-- KEYS: the stream of revocations, which leads to its server.
return redis.call('TIME')
