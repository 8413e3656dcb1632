--- What runs in a thread of nginx's pool, in a Lua VM of its own, or in the worker itself. It knows no ngx, and
--- opens nothing while it is loaded: a VM opens a store with the first job that wants it, and keeps it.
local pack = require "sessionquery.http.pack"

local job = {}

local apps = {} -- the application of a packed table of options, and how long a body it takes
local stores = {} -- the handle that writes, of a path

--- The store of a path, opened once in each VM, and again where another file has come to the path. A call that waits for
--- a lock gives up after `timeout_ms`.
local function store_of(path, timeout_ms)
  local name = ("%s %d"):format(path, timeout_ms)
  local db, message, detail = require("sessionquery.store").current(stores[name], path, { timeout_ms = timeout_ms })
  stores[name] = db
  return db, message, detail
end

-- --------------------------------------------------------------------------------------------------- requests

--- A body that nginx put into a file, which lives as long as the request. One byte more than is taken is read, so
--- that the application refuses it.
local function read_file(path, most)
  local file = assert(io.open(path, "rb"))
  local text = file:read(most + 1)
  file:close()
  return text
end

local function make(options)
  local app = require("sessionquery.http").app(pack.read(options))
  return { app = app, most = app:most_body() }
end

--- Answers one request.
---@param options string packed: what sessionquery.http.app takes
---@param request string packed: what its `handle` takes; body_file, a path, in place of a long body
---@return integer status
---@return table<string, string> headers
---@return string body
---@return string? problem for the operator's log
function job.answer(options, request)
  local made = apps[options] or make(options)
  apps[options] = made
  request = pack.read(request)
  if request.body_file then
    request.body, request.body_file = read_file(request.body_file, made.most), nil
  end
  return made.app:handle(request)
end

-- ---------------------------------------------------------------------------------------------------- records

local MOST_ERRORS = 5 -- of bad records, told in the log

--- Stores records, one a line, in one transaction. A known request_id is replaced, so that doing it twice is
--- doing it once; a record that the store cannot take is left out, and the others are stored.
---@param path string
---@param lines string JSON lines
---@param new boolean none of them has a request_id that may be stored already
---@param timeout_ms integer
---@return integer? stored nil: nothing was, and it may be tried again
---@return integer|string failed how many were left out; or the message
---@return string why of those that failed; or the code of the error
function job.record(path, lines, new, timeout_ms)
  local db, message, detail = store_of(path, timeout_ms)
  if not db then return nil, message, detail.code end
  local counts
  counts, message, detail = db._core:ingest(lines, {
    format = "canonical",
    on_conflict = "replace",
    mode = "lenient",
    new_ids = new,
    most_errors = MOST_ERRORS,
  })
  if not counts then return nil, message, detail.code end
  local why = {}
  for i, bad in ipairs(counts.errors) do why[i] = bad.message end
  return counts.added + counts.replaced, counts.failed, table.concat(why, "; ")
end

-- ----------------------------------------------------------------------------------------------- keys, budgets

--- Whose key a text is.
---@param path string
---@param text string
---@param timeout_ms integer
---@return "key"|"wrong"|"none"|nil state none: the store has no keys at all; nil: it cannot be read
---@return table|string|nil key { id, organization, project, rights }; or the message
function job.key(path, text, timeout_ms)
  local db, message = store_of(path, timeout_ms)
  if not db then return nil, message end
  local keys = require "sessionquery.keys"
  local key, why, detail = keys.check(db, text)
  if key then return "key", key end
  if detail.code ~= "unauthorized" then return nil, why end
  local any
  any, why = keys.any(db)
  if any == nil then return nil, why end
  return any and "wrong" or "none"
end

local field_of = { session = "session_id", user = "user_id" }

--- What a session, a user or a key has spent since a time.
---@param path string
---@param who string packed: by, subject, organization, project, from
---@param timeout_ms integer
---@return number? cost_usd
---@return integer|string requests or the message
function job.spent(path, who, timeout_ms)
  local db, message = store_of(path, timeout_ms)
  if not db then return nil, message end
  local sq = require "sessionquery"
  who = pack.read(who)
  local f = sq.field
  local name = field_of[who.by]
  local field = name and f[name] or f.api_key_name
  local conditions = { who.subject == "" and field:absent() or field:eq(who.subject) }
  if who.organization then conditions[#conditions + 1] = f.organization_id:eq(who.organization) end
  if who.project then conditions[#conditions + 1] = f.project:eq(who.project) end
  -- by organization, since a group needs a key that all of its requests have
  local query = db:group_by("organization_id"):window(who.from, nil):where(sq.all(conditions))
  local rows
  rows, message = query:all()
  if not rows then return nil, message end
  local cost, requests = 0, 0
  for _, row in ipairs(rows) do
    cost, requests = cost + (row.total_cost_usd or 0), requests + row.total_requests
  end
  return cost, requests
end

-- ---------------------------------------------------------------------------------------------------- threads

local has_ffi, ffi = pcall(require, "ffi")
if has_ffi then ffi.cdef "int setpriority(int which, unsigned int who, int priority);" end

local THIS_THREAD = 0
-- Linux's: of two that want the same core, a question of a second leaves more than nine tenths of it to the event loop
local nice = { answer = 12, record = 5 }

--- Runs a job in a thread of a pool. (Linux gives each thread a priority of its own.)
---@param name string of a function of this module
---@param ... any its arguments
---@return any ... what it returns
function job.in_thread(name, ...)
  if has_ffi and nice[name] then ffi.C.setpriority(0, THIS_THREAD, nice[name]) end
  return job[name](...)
end

return job
