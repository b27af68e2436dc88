-- A login of a browser: its request id, its owner, its state, and what is sealed for it; nil if there is none.
-- KEYS: the login. ARGV: browser, request id.
local login = login_of(KEYS[1])
return login and login.browser == ARGV[1] and { ARGV[2], login.owner, login.state, login.sealed }
