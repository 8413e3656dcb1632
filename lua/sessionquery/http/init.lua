--- The vendors' APIs as a function of a request: no server in it. Mount it where HTTP comes from.
local access = require "sessionquery.http.access"
local arguments = require "sessionquery.http.arguments"
local check = require "sessionquery.check"
local core = require "sessionquery.core"
local cors = require "sessionquery.http.cors"
local helicone = require "sessionquery.http.helicone"
local metrics = require "sessionquery.http.metrics"
local path = require "sessionquery.http.path"
local route = require "sessionquery.http.route"
local store = require "sessionquery.store"
local vendors = require "sessionquery.http.vendors"

local unpack = unpack or table.unpack

local MAX_BODY = 2 ^ 20 -- what the compilers take
local MOST_BODY = 2 ^ 26 -- of a route that takes records
local TIMEOUT_MS = 10000
local RETRY_S = 1

local status_of = {}
for _, code in ipairs(core.codes()) do status_of[code.name] = code.status end
status_of.readonly = 403 -- the server's own choice, and nothing that comes back will help
status_of.limit = 400

---@class sessionquery.http.Request
---@field method string
---@field path string as it came, still percent-encoded, without the query string
---@field query? string as it came
---@field headers? table<string, string|string[]> by lower-case name
---@field body? string
---@field remote? string address of the client
---@field samples? sessionquery.http.Sample[] what GET /metrics tells; default: of this application alone

-- --------------------------------------------------------------------------------------------------- a call

--- One request on its way.
local Call = {}
Call.__index = Call

--- An answer that says no, in the vendor's envelope.
---@param status integer
---@param message string
---@param detail table?
---@return integer status
---@return string body
function Call:refuse(status, message, detail) return status, self.vendor.error(status, message, detail) end

--- The answer to what the store or a compiler says. What a broken store says is for the operator alone.
---@param message string
---@param detail table?
---@return integer status
---@return string body
function Call:fail(message, detail)
  local status = status_of[detail and detail.code] or 500
  if status < 500 or status == 503 then return self:refuse(status, message, detail) end
  self.problem = message
  return self:refuse(self.asks_health and 503 or status, "the store failed")
end

--- Sets the answer's ETag: of the caller, the question and `facts`, and of the store's state where the caller sees all
--- of it. nil for facts: the state says enough. "" tells nothing yet.
---@param facts string?
---@return boolean known whether the request has it already
function Call:etag(facts)
  if facts == "" then return false end
  local request, grant = self.request, self.grant or {}
  local about = table.concat({
    request.path, request.query or "", facts or "", self.app._organization or "", self.app._project or "",
    grant.organization and "o" .. grant.organization or "-", grant.project and "p" .. grant.project or "-",
  }, "\0")
  local stamp, message = self.core:stamp(about)
  if not stamp then error(message, 0) end
  self.headers["ETag"] = ('W/"%s"'):format(stamp)
  local known = request.headers["if-none-match"]
  if not known then return false end
  if known:find "^%s*%*%s*$" then return true end
  for tag in known:gmatch '"([^"]*)"' do
    if tag == stamp then return true end
  end
  return false
end

-- ------------------------------------------------------------------------------------------ the application

---@class sessionquery.http.App
local App = {}
App.__index = App

--- What belongs to no vendor, told in Helicone's envelope.
local own = { error = helicone.error, routes = {
  { "healthz", GET = { function(call)
    local stamp, message, detail = call.core:stamp ""
    if not stamp then return call:fail(message, detail) end
    return 200, '{"status":"ok"}'
  end, open = true } },
  { "metrics", GET = { function(call)
    local text = metrics.text(call.request.samples or call.app:samples())
    return 200, text, { ["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8" }
  end, "admin", without_store = true } },
} }

local routes = route.table(own, unpack(vendors))

--- The largest body that a route's method takes.
local function most_body(self, taken)
  if taken.max_body then return self._max_body or taken.max_body end
  return math.min(self._max_body or MAX_BODY, MAX_BODY)
end

local known_options = {
  path = "id", db = "table", prefix = "id", organization = "id", project = "id",
  cors = "string|table", keys = "table", insecure = "boolean",
  max_body = "number", timeout_ms = "number", key_cache_s = "number", engine = "string",
}

local http = {}

---@class sessionquery.http.Options
---@field path? string of the store, opened at the first request; or
---@field db? sessionquery.Store an open one
---@field prefix? string where it is mounted: "/llm"
---@field cors? string|string[] origins whose pages may read the answers; "*": all. nil: none
---@field keys? { any: function, check: function } in place of sessionquery.keys
---@field insecure? boolean without keys: answers whoever asks
---@field organization? string nobody sees another
---@field project? string nobody sees another
---@field max_body? integer bytes; default 1 MiB, of routes that take records 20 MiB. A question has never more than 1 MiB
---@field timeout_ms? integer of each call of the store; default 10,000 (of `path` only)
---@field key_cache_s? integer how long a key is known without asking the store: a revoked one so long too; default 60
---@field engine? string as of sq.open (of `path` only)

--- Makes an application.
---@param options sessionquery.http.Options
---@return sessionquery.http.App
function http.app(options)
  options = check.options(options, known_options, "http.app")
  if (options.path == nil) == (options.db == nil) then error("http.app: path or db, one of them", 2) end
  if options.db and not rawget(options.db, "_core") then error("http.app: db: expected an open store", 2) end
  local prefix = options.prefix or ""
  if prefix ~= "" and not prefix:find "^/[^?#]*[^/?#]$" then
    error(("http.app: prefix begins with a slash and ends without one, not '%s'"):format(prefix), 2)
  end
  if options.max_body then check.whole(options.max_body, 0, MOST_BODY, "http.app: max_body") end
  if options.timeout_ms then check.whole(options.timeout_ms, 0, 2 ^ 31, "http.app: timeout_ms") end
  local origins = cors.origins(options.cors)
  return setmetatable({
    _path = options.path, _db = options.db, _prefix = prefix, _origins = origins, _access = access.new(options, origins),
    _organization = options.organization, _project = options.project, _max_body = options.max_body,
    _timeout_ms = options.timeout_ms or TIMEOUT_MS, _engine = options.engine, _counts = {}, _seconds = {},
  }, App)
end

--- The store, narrowed to what the application is for.
local function open_store(self)
  if self._path then
    local db, message, detail = store.current(self._db, self._path, { timeout_ms = self._timeout_ms, engine = self._engine })
    self._db = db
    if not db then return nil, message, detail end
  end
  local open = rawget(self._db, "_core")
  if not open then return nil, "the store is closed", { code = "closed" } end
  local narrowed, message, detail = open:narrow { organization = self._organization, project = self._project }
  if not narrowed then return nil, message, detail end
  return self._db, open
end

--- Headers that have one value.
local single = {
  authorization = true, host = true, origin = true,
  ["content-type"] = true, ["content-length"] = true, ["content-encoding"] = true,
}

--- A copy of the request whose headers are texts by lower-case name, and what is wrong with them.
local function normalize(request)
  local headers, problem = {}, nil
  for name, value in pairs(request.headers or {}) do
    name = tostring(name):lower()
    if type(value) == "table" then
      if single[name] and #value > 1 then problem = ("the header %s stands twice"):format(name) end
      value = table.concat(value, ", ")
    end
    headers[name] = tostring(value)
  end
  local copy = {}
  for name, value in pairs(request) do copy[name] = value end
  copy.headers = headers
  return copy, problem
end

--- Whether a request brings a body of a kind and size that is taken; else status and message.
local function check_body(self, request, taken)
  local length = request.headers["content-length"]
  local size = math.max(#(request.body or ""), length and length:find "^%d+$" and tonumber(length) or 0)
  local most = most_body(self, taken)
  if size > most then return 413, ("the body has more than %d bytes"):format(most) end
  local kind, parameters = (request.headers["content-type"] or ""):lower():match "^%s*([^;%s]*)%s*(.*)$"
  local charset = parameters:match '^;%s*charset%s*=%s*"?([%w-]*)"?%s*$'
  if taken.kind then
    if kind ~= taken.kind then return 415, ("the Content-Type of a body is %s"):format(taken.kind) end
  elseif kind ~= "application/json" or not (parameters == "" or charset == "utf-8") then
    return 415, "the Content-Type of a body is application/json, in UTF-8"
  end
  local coding = request.headers["content-encoding"]
  if coding and coding:lower() ~= "identity" then return 415, "a body has no Content-Encoding" end
end

local brings_body = { POST = true, PATCH = true }
local is_safe = { GET = true, HEAD = true, OPTIONS = true }

--- Answers a call that was let in.
local function answer(self, call, method)
  local request = call.request
  local taken = call.route.methods[method == "HEAD" and "GET" or method]
  if not taken then
    local status, text = call:refuse(405, "this path has " .. call.route.allow .. " only")
    return status, text, { Allow = call.route.allow }
  end
  if call.grant and not taken.open and not call.grant.rights[taken[2]] then
    return call:refuse(403, ("the key has not the right '%s'"):format(taken[2]))
  end
  if brings_body[method] then
    local status, message = check_body(self, request, taken)
    if status then return call:refuse(status, message) end
  end
  local why
  call.arguments, why = arguments.read(request.query)
  if not call.arguments then return call:refuse(400, why) end
  if is_safe[method] then
    call.headers["Cache-Control"] = taken.open and "no-store" or "private, no-cache"
    call.headers["Vary"] = "Authorization, X-API-Key"
  end
  call.scoped = call.grant and true or self._organization ~= nil or call.core:is_scoped()
  local narrowed, message, detail = call.core:narrow {
    organization = call.grant and call.grant.organization or self._organization,
    project = call.grant and call.grant.project or self._project,
  }
  if not narrowed then return call:fail(message, detail) end
  local began = core.clock()
  local status, body, headers = taken[1](call)
  local spent = self._seconds[call.route.name] or { count = 0, sum = 0 }
  self._seconds[call.route.name] = { count = spent.count + 1, sum = spent.sum + core.clock() - began }
  return status, body, headers
end

--- From a request to status, body, headers.
local function respond(self, call)
  local request = call.request
  local segments, wrong, status, before = path.split(request.path, self._prefix)
  local found, params
  if segments then found, params = route.find(routes, segments) end
  call.vendor = found and found.vendor or vendors.of(segments or before or {})
  local taken = found and found.methods.GET
  call.asks_health = taken and taken.open
  local db, open, detail = open_store(self)
  if not db then
    -- who is in trouble looks at the numbers; whether there are keys nobody can tell now
    if taken and taken.without_store and access.is_local(request) then return taken[1](call) end
    return call:fail(open, detail)
  end
  call.db, call.core, call.route, call.params, call.body = db, open, found, params, request.body or ""
  local opened = call.asks_health or (request.method == "OPTIONS" and self._origins ~= nil)
  local grant, refused, message, more = self._access:check(db, request, opened)
  if grant == nil then
    if not refused then return call:fail(message, more) end
    local code, text = call:refuse(refused, message)
    return code, text, more
  end
  call.grant = grant or nil
  if wrong then return call:refuse(status, wrong) end
  if call.wrong then return call:refuse(400, call.wrong) end
  if not found then return call:refuse(404, "there is nothing at this path") end
  if request.method == "OPTIONS" then
    local preflight, headers = cors.preflight(self._origins, request.headers, found.allow)
    if preflight == 403 then return call:refuse(403, "pages of this origin may not ask") end
    if preflight then return preflight, nil, headers end
  end
  return answer(self, call, request.method)
end

--- Writes the headers that all answers have.
local function finish(self, call, status, body, headers)
  local all = call.headers
  for name, value in pairs(headers or {}) do all[name] = value end
  all["Cache-Control"] = all["Cache-Control"] or "no-store"
  if status >= 400 then all["Cache-Control"], all["ETag"] = "no-store", nil end
  if status == 503 then all["Retry-After"] = all["Retry-After"] or ("%d"):format(RETRY_S) end
  if not is_safe[call.request.method] then all["Cache-Control"] = "private, no-store" end
  all["X-Content-Type-Options"] = "nosniff"
  cors.mark(self._origins, call.request.headers.origin, all)
  if status == 304 or status == 204 then return status, all, "" end
  all["Content-Type"] = all["Content-Type"] or "application/json"
  all["Content-Length"] = ("%d"):format(#body)
  return status, all, call.request.method == "HEAD" and "" or body
end

-- Of a request line that is broken a server may have neither method nor path: the client is told.
local members = {
  method = "string|nil", path = "string|nil", query = "string|nil", headers = "table|nil", body = "string|nil", remote = "string|nil",
  samples = "table|nil",
}

--- Raises at the caller of app:handle where its server gives what is no request: no client can bring that about.
local function check_request(app, request)
  if getmetatable(app) ~= App then error("expected an application: call it as app:handle{…}", 3) end
  check.type(request, "table", "handle", 1)
  for name, wanted in pairs(members) do check.type(request[name], wanted, "handle: " .. name, 1) end
end

--- Answers a request. It raises nothing but its server's own mistakes.
---@param request sessionquery.http.Request
---@return integer status
---@return table<string, string> headers
---@return string body
---@return string? problem for the operator's log: what the client was not told
function App:handle(request)
  check_request(self, request)
  local normal, wrong = normalize(request)
  local call = setmetatable({ app = self, request = normal, vendor = helicone, headers = {}, wrong = wrong }, Call)
  local done, status, body, headers = pcall(respond, self, call)
  local open = self._db and rawget(self._db, "_core")
  if open then open:narrow {} end
  if not done then
    call.problem = tostring(status)
    status, body = call:refuse(500, "the server failed")
    headers = nil
  end
  self._counts[status] = (self._counts[status] or 0) + 1
  local final, all, text = finish(self, call, status, body, headers)
  return final, all, text, call.problem
end

--- What this application has done, for GET /metrics.
---@return sessionquery.http.Sample[]
function App:samples()
  local samples, statuses, names = {}, {}, {}
  for status in pairs(self._counts) do statuses[#statuses + 1] = status end
  for name in pairs(self._seconds) do names[#names + 1] = name end
  table.sort(statuses)
  table.sort(names)
  local function add(name, help, kind, value, labels)
    samples[#samples + 1] = { name = "sessionquery_http_" .. name, help = help, type = kind, value = value, labels = labels }
  end
  for _, status in ipairs(statuses) do
    add("answers_total", "Answers by status.", "counter", self._counts[status], { status = status })
  end
  for _, name in ipairs(names) do
    add("seconds_sum", "Time in the store, by route.", "summary", self._seconds[name].sum, { route = name })
    add("seconds_count", nil, "summary", self._seconds[name].count, { route = name })
  end
  return samples
end

--- The largest body that any of its routes takes, in bytes.
---@return integer
function App:most_body()
  local most = 0
  for _, known in ipairs(routes) do
    for _, taken in pairs(known.methods) do most = math.max(most, most_body(self, taken)) end
  end
  return most
end

--- Closes the store that it has opened itself.
function App:close()
  if not self._path or not self._db then return end
  self._db:close()
  self._db = nil
end

return http
