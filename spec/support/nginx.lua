--- Real nginx for the specs: examples/nginx.conf with ports, folder and settings of the spec's, in a folder of its
--- own below build/spec; and a client that says exactly what it is told to.
local core = require "sessionquery.core"
local socket = require "socket"
local vm = require "spec.support.vm"

local nginx = {}

local function free_port()
  local server = assert(socket.bind("127.0.0.1", 0))
  local _, port = server:getsockname()
  server:close()
  return port
end

local function here()
  local pipe = io.popen "pwd"
  local path = pipe:read "*l"
  pipe:close()
  return path
end

--- Puts text before the line of the example that holds a marker.
local function put_before(conf, marker, text)
  local at = assert(conf:find(marker, 1, true), "examples/nginx.conf has no " .. marker)
  while conf:sub(at - 1, at - 1) ~= "\n" do at = at - 1 end
  return conf:sub(1, at - 1) .. text .. "\n" .. conf:sub(at)
end

local function replace(conf, from, to)
  local text, count = conf:gsub(from:gsub("%p", "%%%0"), (to:gsub("%%", "%%%%")))
  assert(count > 0, "examples/nginx.conf has no " .. from)
  return text
end

--- The example's text, changed: setup (lines of gateway.setup), http, locations, servers (text to add), replace (a map).
local function configuration(server, options)
  local conf = vm.read "examples/nginx.conf"
  conf = replace(conf, "127.0.0.1:8585", "127.0.0.1:" .. server.port)
  conf = replace(conf, "127.0.0.1:8586", "127.0.0.1:" .. server.upstream_port)
  conf = replace(conf, "$prefix/../..", here())
  for from, to in pairs(options.replace or {}) do conf = replace(conf, from, to) end
  if options.setup then conf = put_before(conf, 'dict = "sessionquery"', options.setup) end
  if options.locations then conf = put_before(conf, "# The session API", options.locations) end
  if options.servers then conf = put_before(conf, "# The small provider", options.servers) end
  if options.http then conf = put_before(conf, "init_by_lua_block", (options.http:gsub("UPSTREAM", server.upstream_port))) end
  return conf
end

---@class spec.Nginx
local Server = {}
Server.__index = Server

--- Folders stay for a look at them, until later runs find them old and without a process.
local function remove_old()
  vm.shell "mkdir -p build/spec; for d in $(find build/spec -maxdepth 1 -name 'nginx-*' -mmin +10); do [ -e $d/nginx.pid ] || rm -rf $d; done"
end

--- Starts nginx with two workers and waits until it answers.
---@param options? { setup?: string, http?: string, locations?: string, servers?: string, replace?: table, db?: string }
---@return spec.Nginx
function nginx.start(options)
  options = options or {}
  remove_old()
  local port = free_port()
  local folder = ("%s/build/spec/nginx-%d"):format(here(), port)
  vm.shell(("rm -rf %s; mkdir -p %s/temp"):format(folder, folder))
  local server = setmetatable({
    folder = folder, port = port, db = options.db or folder .. "/llm.db", log_path = folder .. "/error.log",
  }, Server)
  repeat server.upstream_port = free_port() until server.upstream_port ~= server.port
  vm.write(folder .. "/nginx.conf", configuration(server, options))
  local user = vm.shell "id -u":match "^0" and "-g 'user root;'" or ""
  os.execute(("env -u LD_PRELOAD -u LUA_PATH -u LUA_CPATH SESSIONQUERY_DB=%s nginx -e stderr -p %s -c %s/nginx.conf %s >%s 2>&1 &")
    :format(server.db, folder, folder, user, server.log_path))
  assert(server:wait(function() return server:is_up() end, 10), "nginx does not start:\n" .. server:log())
  server.pid = vm.read(folder .. "/nginx.pid"):match "%d+"
  return server
end

function Server.is_up(self)
  local client = socket.connect("127.0.0.1", self.port)
  if client then client:close() end
  return client ~= nil and io.open(self.folder .. "/nginx.pid") ~= nil
end

--- Waits until a function gives something, for some seconds; what it gave.
function Server:wait(wanted, seconds)
  local deadline = socket.gettime() + (seconds or 5)
  while true do
    local result = wanted(self)
    if result or socket.gettime() > deadline then return result end
    socket.sleep(0.02)
  end
end

function Server:log() return vm.read(self.log_path) end

--- The processes that serve, of all generations.
function Server:workers()
  local list = {}
  for pid in vm.shell(("cat /proc/%s/task/%s/children"):format(self.pid, self.pid)):gmatch "%d+" do list[#list + 1] = pid end
  return list
end

function Server:signal(name, pid) vm.shell(("kill -%s %s"):format(name, pid or self.pid)) end

--- Ends it in good order, or as told; waits until it is gone.
function Server:stop(name)
  self:signal(name or "TERM")
  -- one that ended may wait for somebody to ask how
  local gone = self:wait(function() return select(2, vm.shell(("grep -q '^State:.[^Z]' /proc/%s/status"):format(self.pid))) ~= 0 end, 10)
  assert(gone, "nginx does not end")
end

-- ---------------------------------------------------------------------------------------------------- the client

local function dechunk(text)
  local parts, at = {}, 1
  while true do
    local size, first = text:match("^(%x+)[^\r\n]*\r\n()", at)
    if not size then return table.concat(parts), false end
    size = tonumber(size, 16)
    if size == 0 then return table.concat(parts), true end
    parts[#parts + 1] = text:sub(first, first + size - 1)
    at = first + size + 2
  end
end

--- A whole answer's parts; whole: it came to its end.
function nginx.parse(text)
  local status, head, body = text:match "^HTTP/1%.%d (%d+)[^\r\n]*\r\n(.-)\r\n\r\n(.*)$"
  if not status then return nil end
  local headers = {}
  for name, value in (head .. "\r\n"):gmatch "([^:\r\n]+):%s*([^\r\n]*)\r\n" do headers[name:lower()] = value end
  local whole = true
  if headers["transfer-encoding"] == "chunked" then
    body, whole = dechunk(body)
  elseif headers["content-length"] then
    whole = #body == tonumber(headers["content-length"])
  end
  return tonumber(status), headers, body, whole
end

--- Lines until one holds a text.
local function receive_until(client, wanted)
  local lines = {}
  repeat
    local line = client:receive "*l"
    lines[#lines + 1] = line
  until not line or line:find(wanted, 1, true)
  return table.concat(lines, "\r\n") .. "\r\n"
end

--- Says a text, piece by piece, and gives all that comes back until the end.
---@param pieces string|string[]
---@param options? { pause?: number, upstream?: boolean, give_up?: number, leave_at?: string } seconds between pieces; seconds after
---  which it leaves; the text at which it leaves
function Server:say(pieces, options)
  options = options or {}
  local client = assert(socket.connect("127.0.0.1", options.upstream and self.upstream_port or self.port))
  client:settimeout(options.give_up or 20)
  for i, piece in ipairs(type(pieces) == "table" and pieces or { pieces }) do
    if i > 1 and options.pause then socket.sleep(options.pause) end
    if not client:send(piece) then break end
  end
  if options.leave_at then
    local text = receive_until(client, options.leave_at)
    client:close()
    return text
  end
  local text, _, partial = client:receive "*a"
  client:close()
  return text or partial
end

--- A request as text, with no more than it says itself: { method, path, query, headers, body }. A header whose value is
--- a list stands several times.
function nginx.raw(request)
  local target = request.path .. (request.query and "?" .. request.query or "")
  local lines, headers = { ("%s %s HTTP/1.1"):format(request.method, target) }, { host = "127.0.0.1", connection = "close" }
  if request.body then headers["content-length"] = #request.body end
  for name, value in pairs(request.headers or {}) do headers[name:lower()] = value end
  for name, value in pairs(headers) do
    for _, one in ipairs(type(value) == "table" and value or { value }) do lines[#lines + 1] = name .. ": " .. one end
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (request.body or "")
end

--- A request as text: a body, also a table, is JSON, and is sent by POST.
function nginx.text_of(request)
  local headers = {}
  for name, value in pairs(request.headers or {}) do headers[name:lower()] = value end
  local body = type(request.body) == "table" and core.encode(request.body) or request.body
  if body then headers["content-type"] = headers["content-type"] or "application/json" end
  return nginx.raw { method = request.method or (body and "POST" or "GET"), path = request.path, headers = headers, body = body }
end

--- A request's status, headers, body, and whether that is whole.
---@param request { method?: string, path: string, headers?: table, body?: string|table }
---@param options? table as `say` takes them
function Server:ask(request, options) return nginx.parse(self:say(nginx.text_of(request), options)) end

--- The gateway's counters.
---@return table<string, number>
function Server:counters()
  local _, _, body = self:ask { path = "/metrics" }
  local counts = {}
  for name, value in (body or ""):gmatch "\nsessionquery_([%w_]+) ([%d.e+]+)" do
    counts[name:gsub("_total$", "")] = tonumber(value)
  end
  return counts
end

return nginx
