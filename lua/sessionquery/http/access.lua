--- Who is let in, as whom. While nobody has made a key, this machine alone, and nobody that a proxy speaks for; then
--- whoever brings a key.
local check = require "sessionquery.check"
local cors = require "sessionquery.http.cors"

local access = {}

local MOST_KEPT = 1000 -- keys, and addresses that brought wrong ones
local MOST_WRONG = 20 -- keys of one address in a window
local WINDOW_S = 60

---@class sessionquery.http.Access
local Access = {}
Access.__index = Access

---@param options { keys?: table, insecure?: boolean, key_cache_s?: number }
---@param origins table<string, true>? whose pages may ask
function access.new(options, origins)
  if options.key_cache_s then check.whole(options.key_cache_s, 0, 86400, "http.app: key_cache_s", 1) end
  return setmetatable({
    _keys = options.keys or require "sessionquery.keys",
    _insecure = options.insecure,
    _origins = origins,
    _keep_s = options.key_cache_s or 60,
    _grants = {}, _grant_count = 0,
    _wrong = {}, _wrong_count = 0,
  }, Access)
end

local function is_loopback(address)
  address = tostring(address or "")
  return address:find "^127%.%d+%.%d+%.%d+$" ~= nil or address == "::1" or address:find "^::ffff:127%.%d+%.%d+%.%d+$" ~= nil
end

--- A name that no page of another site can have: a browser that was led here by a foreign name brings that one.
local function is_local_name(host)
  local name = host:lower():gsub(":%d*$", "")
  return name == "localhost" or name:find "%.localhost$" ~= nil or name == "[::1]" or is_loopback(name)
end

local is_safe = { GET = true, HEAD = true, OPTIONS = true }

--- Whether a page of another site would change something: its browser, which is on this machine, sends a form without
--- asking first, and says whose page it is.
local function is_foreign_page(request, origins)
  local origin = request.headers.origin
  if not origin or is_safe[request.method] or cors.allows(origins, origin) then return false end
  local host = origin:match "^%a[%w+.-]*://(.+)$"
  return not (host and is_local_name(host))
end

--- Why a request without keys is not let in; nil: it is.
local function refuse_stranger(request, origins)
  if not is_loopback(request.remote) then
    return "nobody has made a key, so only this machine is answered: make one with 'sessionquery keys add'"
  end
  for name in pairs(request.headers) do
    if name == "forwarded" or name == "via" or name == "x-real-ip" or name:find "^x%-forwarded%-" then
      return "nobody has made a key, and a proxy sent this: make one with 'sessionquery keys add'"
    end
  end
  if request.headers.host and not is_local_name(request.headers.host) then
    return "nobody has made a key, so only this machine's own names are answered: localhost, 127.0.0.1, [::1]"
  end
  if is_foreign_page(request, origins) then return "nobody has made a key, so pages of other sites change nothing here" end
end

-- ------------------------------------------------------------------------------------------------------ keys

--- The seconds until the address may bring another key; nil: it may.
function Access:_wait(address, now)
  local wrong = self._wrong[address]
  if wrong and wrong.until_s > now and wrong.count >= MOST_WRONG then return math.max(1, math.ceil(wrong.until_s - now)) end
end

function Access:_note_wrong(address, now)
  local wrong = self._wrong[address]
  if not wrong or wrong.until_s <= now then
    if not wrong then
      if self._wrong_count >= MOST_KEPT then self._wrong, self._wrong_count = {}, 0 end
      self._wrong_count = self._wrong_count + 1
    end
    wrong = { count = 0, until_s = now + WINDOW_S }
    self._wrong[address] = wrong
  end
  wrong.count = wrong.count + 1
end

function Access:_keep(text, grant, now)
  if self._keep_s == 0 then return end
  if self._grant_count >= MOST_KEPT then self._grants, self._grant_count = {}, 0 end
  if not self._grants[text] then self._grant_count = self._grant_count + 1 end
  self._grants[text] = { grant = grant, until_s = now + self._keep_s }
end

local UNAUTHORIZED = { ["WWW-Authenticate"] = 'Bearer realm="sessionquery"' }

--- The key that a request brings: as most clients do, or as LangSmith's.
local function key_of(headers)
  if not headers.authorization then return (headers["x-api-key"] or ""):match "^ *(%S+) *$" end
  local scheme, text = headers.authorization:match "^(%a+) +(%S+) *$"
  return scheme and scheme:lower() == "bearer" and text or nil
end

--- The key of a request as a grant; nil, status, message, headers.
function Access:_grant(db, request)
  local text = key_of(request.headers)
  if not text then return nil, 401, "a key is wanted: Authorization: Bearer ID.SECRET", UNAUTHORIZED end
  local now, address = os.time(), tostring(request.remote)
  local kept = self._grants[text]
  if kept and kept.until_s > now then return kept.grant end
  local wait = self:_wait(address, now)
  if wait then
    return nil, 429, "too many wrong keys", { ["Retry-After"] = ("%d"):format(wait) }
  end
  local grant, why, detail = self._keys.check(db, text)
  if grant then
    self:_keep(text, grant, now)
    return grant
  end
  if detail and detail.code ~= "unauthorized" then return nil, nil, why, detail end
  self:_note_wrong(address, now)
  return nil, 401, "no such key", UNAUTHORIZED
end

--- Whether the request comes from this machine itself.
---@param request table
---@return boolean
function access.is_local(request) return refuse_stranger(request) == nil end

--- Whom a request comes from: a grant (false where there are no keys); or nil, status, message, headers. Without a
--- status the store failed: message and detail.
---@param db sessionquery.Store of the application's own scope
---@param request table
---@param open boolean needs no key
---@return table|false|nil grant
---@return integer? status
---@return string? message
---@return table? headers or detail
function Access:check(db, request, open)
  local any, message, detail = self._keys.any(db)
  if any == nil then return nil, nil, message, detail end
  if any then
    if open then return false end
    return self:_grant(db, request)
  end
  local refusal = not self._insecure and refuse_stranger(request, self._origins)
  if refusal then return nil, 403, refusal end
  return false
end

return access
