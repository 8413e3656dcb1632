--- Stores: one SQLite file, or memory.
local check = require "sessionquery.check"
local core = require "sessionquery.core"
local fields = require "sessionquery.field"
local filters = require "sessionquery.filter"
local importer = require "sessionquery.import"
local projects = require "sessionquery.projects"
local query = require "sessionquery.query"
local recording = require "sessionquery.recording"
local reprice = require "sessionquery.reprice"
local sessions = require "sessionquery.session"

---@class sessionquery.Store
---@field package _core userdata? nil when closed
---@field package _prices sessionquery.Prices?
local Store = {}
Store.__index = Store
for _, name in ipairs { "create_project", "update_project", "delete_project" } do Store[name] = projects[name] end

--- The open handle of a method's `self`; raises at the method's caller, or `more` levels above.
local function core_of(db, more)
  if type(db) ~= "table" or getmetatable(db) ~= Store then
    error("expected a store: methods are called with a colon, db:method(…)", 3 + (more or 0))
  end
  local open = rawget(db, "_core")
  if not open then error("the store is closed", 3 + (more or 0)) end
  return open
end

local function no_arguments(count, what)
  if count > 0 then error(what .. " takes no argument", 3) end
end

local function wrap(opened, prices) return setmetatable({ _core = opened, _prices = prices }, Store) end

-- --------------------------------------------------------------------------------------------------- opening

local open_options = {
  readonly = "boolean",
  durable = "boolean",
  organization = "id",
  project = "id",
  timeout_ms = "number",
  engine = "string",
  seal = "string",
  prices = "table|id",
}

---@class sessionquery.OpenOptions
---@field readonly? boolean nothing can be written
---@field durable? boolean false: a power cut may lose the last transactions (it never tears one)
---@field organization? string only this one's rows, to read and to write
---@field project? string only this one's rows
---@field timeout_ms? integer of each call, waiting for locks included; nil: none (locks wait 10 s)
---@field engine? "auto"|"sql"|"columns" auto: the columns where they can answer, SQL where they cannot
---@field seal? "auto"|"manual" manual: adding rows does not seal them, `db:seal()` does
---@field prices? sessionquery.Prices|table|string what prices.load takes: add, update and import fill in costs

local store = {}

--- Opens a store, made when it is missing: `local db = assert(sq.open("llm.db", { timeout_ms = 5000 }))`.
---@param path string file, or ":memory:"
---@param options? sessionquery.OpenOptions
---@return sessionquery.Store?
---@return string? message
---@return table? detail code "not_found" (read-only, and no file), "version" (no store, or a newer one's), "busy", "store"
function store.open(path, options)
  check.type(path, "id", "open: path")
  if path == "" then error('open: the path is empty; ":memory:" is a store without a file', 2) end
  options = check.options(options, open_options, "open")
  if options.timeout_ms then check.whole(options.timeout_ms, 0, 2 ^ 31, "open: timeout_ms") end
  local engine = check.choice(options.engine or "auto", { "auto", "sql", "columns" }, "open: engine")
  local seal = check.choice(options.seal or "auto", { "auto", "manual" }, "open: seal")
  local prices, wrong, place = reprice.prices(options.prices, "open")
  if wrong then return nil, wrong, place end
  local opened, message, detail = core.open(path, {
    readonly = options.readonly,
    relaxed = options.durable == false,
    organization = options.organization,
    project = options.project,
    timeout_ms = options.timeout_ms,
    engine = engine,
    manual_seal = seal == "manual",
  })
  if not opened then return nil, message, detail end
  return wrap(opened, prices)
end

--- The handle, opened where there is none yet, and again where another file, or none, has come to its path.
---@param db sessionquery.Store? of this path and these options
---@param path string
---@param options sessionquery.OpenOptions
---@return sessionquery.Store?
---@return string? message
---@return table? detail
function store.current(db, path, options)
  if db and not core_of(db):is_moved() then return db end
  if db then db:close() end
  return store.open(path, options)
end

--- Brings a store's file to this version's schema, whatever that takes: `local from, to = assert(sq.migrate("llm.db"))`.
---@param path string
---@return integer? from the schema's version before
---@return integer|string to, or the message
---@return table? detail
function store.migrate(path)
  check.type(path, "id", "migrate: path")
  return core.migrate(path)
end

--- Moves the rows that are not in the column index yet into it. Adding does so by itself for each 65,536 rows.
--- A seal that another process is at is left to it.
---@param ... nil it takes no argument
---@return true?
---@return string? message
---@return table? detail
function Store:seal(...)
  local open = core_of(self)
  no_arguments(select("#", ...), "seal")
  return open:seal()
end

--- Brings the words index up to all bodies, so that `phrase` on bodies reads candidates instead of all of them. Never
--- done by itself, since it takes several times as long as adding the bodies; what is not in it yet is looked at anyway.
--- Others read and write meanwhile; what was done before an error stays done.
---@param options? { anew?: boolean } anew: begin with an empty one, without words of bodies that are gone
---@return { bodies: integer, bytes: integer }? filled what was put into it
---@return string? message
---@return table? detail
function Store:index_words(options)
  local open = core_of(self)
  options = check.options(options, { anew = "boolean" }, "index_words")
  return open:index_words(options.anew)
end

--- Makes the column index anew, from the rows.
---@param ... nil it takes no argument
---@return true?
---@return string? message
---@return table? detail
function Store:reindex(...)
  local open = core_of(self)
  no_arguments(select("#", ...), "reindex")
  return open:reindex()
end

--- Compares the column index with the rows, value by value.
---@param ... nil it takes no argument
---@return integer? rows how many were compared, all of them right
---@return string? message what is wrong
---@return table? detail
function Store:check(...)
  local open = core_of(self)
  no_arguments(select("#", ...), "check")
  return open:check()
end

--- Closes the handle; again does nothing. An iterator that has rows left to read raises then.
function Store:close()
  if type(self) ~= "table" or getmetatable(self) ~= Store then error("expected a store: call it as db:close()", 2) end
  local open = rawget(self, "_core")
  self._core = nil
  if open then open:close() end
end

Store.__close = Store.close

function Store:__tostring() return rawget(self, "_core") and "sessionquery store" or "sessionquery store (closed)" end

-- --------------------------------------------------------------------------------------------------- writing

--- Records one call, or a list of them in one transaction: either all or none are stored.
--- `db:add{ session_id = "s1", created_at = os.time(), model = "gpt-4o", latency_ms = 450, cost_usd = 0.0042 }`.
---@param records table a record (field names of the catalogue), or a list of them
---@param options? { on_conflict?: "replace"|"skip"|"update" } when the request_id is known; update: as db:update merges
---@return string|string[]|nil request_id of the record, or a list of them; nil when nothing was recorded
---@return string? message
---@return table? detail code, pointer (JSON, of the value that is wrong), record (its number in a list)
function Store:add(records, options)
  local open = core_of(self)
  local ids, message, detail = recording.add(self, open, records, options)
  return ids, message, detail
end

--- Merges into recorded requests: what a record names is set, sq.null clears, maps are merged by key.
--- `db:update{ request_id = "r1", status = 200, properties = { env = "prod" } }`.
---@param records table with request_id, or a list of them
---@param options? { hold?: boolean } hold: an update whose request is not there is kept, and merged when it comes, behind
--- those that came before it; one that names no project, and whose handle has none, is of any project of its organization
---@return integer? updated
---@return integer|string|nil held how many are kept, or the message
---@return table? detail code "not_found" where a request is not there and `hold` is not set
function Store:update(records, options)
  local open = core_of(self)
  local updated, held, detail = recording.update(self, open, records, options)
  return updated, held, detail
end

---@class sessionquery.ImportOptions
---@field format? "canonical"|"helicone" names of the fields
---@field map? fun(record: table, line: integer): table? from a decoded line to a record; nil leaves it out
---@field on_conflict? "replace"|"skip"|"update" when the request_id is known
---@field on_error? "skip"|"stop" when a line is bad; stop undoes its transaction
---@field progress? fun(lines: integer, added: integer, replaced: integer, skipped: integer, failed: integer)

---@class sessionquery.ImportSum
---@field lines integer
---@field added integer
---@field replaced integer
---@field updated integer
---@field skipped integer known and left as they were, or left out by `map`
---@field failed integer
---@field repaired integer with U+FFFD where characters were broken
---@field errors { line: integer, message: string, code: string, pointer?: string }[] of the first 100 bad lines

--- Imports JSON lines, plain or gzip, in transactions of about 4 MiB: `db:import("export.jsonl.gz", { format = "helicone" })`.
---@param source string|fun(): string? a path, or an iterator of lines
---@param options? sessionquery.ImportOptions
---@return sessionquery.ImportSum?
---@return string? message
---@return table? detail with the line, and the sum of what was taken in before
function Store:import(source, options)
  core_of(self)
  local meta = type(source) == "table" and getmetatable(source)
  if not (type(meta) == "table" and meta.__call) then check.type(source, "id|function", "import: source") end
  local sum, message, detail = importer(self, source, options)
  return sum, message, detail
end

---@class sessionquery.Reprice
---@field prices? sessionquery.Prices|table|string default: the handle's
---@field from? number|string created_at, inclusive: seconds, or RFC 3339 text
---@field to? number|string created_at, exclusive
---@field organization? string
---@field project? string

---@class sessionquery.Repriced
---@field changed integer requests with another cost than before
---@field unknown integer requests whose model has no price: they stay as they are
---@field models table<string, integer> those, by model
---@field difference_usd number new costs less the old ones

--- Computes costs anew: those that were computed, and those of requests without one. Recorded costs stay. Reads and
--- writes in batches; asked for again, it goes on where an error ended it: `db:reprice{ prices = "prices.json" }`.
---@param options? sessionquery.Reprice
---@return sessionquery.Repriced?
---@return string? message
---@return table? detail with `sum`, what was done before
function Store:reprice(options)
  core_of(self)
  local sum, message, detail = reprice.run(self, options)
  return sum, message, detail
end

--- Writes requests as canonical JSON lines (gzip when the path ends in .gz), which import takes again. The file appears
--- when it is whole: `db:export("slow.jsonl.gz", { where = "latency_ms > 2000" })`.
---@param path string
---@param options? { where?: sessionquery.Filter|string }
---@return integer? count requests that were written
---@return string? message
---@return table? detail
function Store:export(path, options)
  local open = core_of(self)
  check.type(path, "id", "export: path")
  options = check.options(options, { where = "string|userdata" }, "export")
  if options.where == nil then return open:export(path) end
  local filter, message, detail = filters.of(options.where, "export: where")
  if not filter then return nil, message, detail end
  return open:export(path, filter)
end

-- ------------------------------------------------------------------------------- about a request or session

--- Records feedback on a request, a session or a whole project: `db:feedback{ request_id = "r1", key = "quality", score = 0.9 }`.
---@param feedback sessionquery.Feedback with request_id or session_id; or with organization and project alone
---@return integer? id
---@return string? message
---@return table? detail code "not_found"; "ambiguous" where more than one organization or project has the id
function Store:feedback(feedback)
  local id, message, detail = sessions.write_feedback(core_of(self), feedback)
  return id, message, detail
end

--- Tags a session; tags accumulate.
---@param session string id
---@param tag string
---@param where? { organization?: string, project?: string }
---@return true?
---@return string? message
---@return table? detail
function Store:tag(session, tag, where)
  local open = core_of(self)
  check.type(tag, "string", "tag")
  return open:tag(sessions.target(session, where, "tag"), tag)
end

local delete_known = {
  request = "id",
  session = "id",
  user = "id",
  project = "id",
  organization = "id",
  before = "number|string",
  bodies_only = "boolean",
  erase = "boolean",
}

---@class sessionquery.Deletion
---@field request? string id
---@field session? string id
---@field user? string id
---@field project? string
---@field organization? string
---@field before? number|string created_at, exclusive: seconds, or RFC 3339 text
---@field bodies_only? boolean the rows stay
---@field erase? boolean no trace is left in the store's files: they are overwritten, the column index is made anew, the
--- write-ahead log emptied. Takes as long as an index of all rows; while others read, it is an error, and may be asked for again

---@class sessionquery.Deleted
---@field requests integer
---@field bodies integer
---@field feedback integer
---@field tags integer
---@field metadata integer
---@field projects integer that were created or changed: what was known of them beside their requests
---@field held integer updates of requests that had not come

--- Deletes requests with all that belongs to them. All that is named must hold, and something must be named:
--- `db:delete{ user = "u1", before = "2026-01-01" }`.
---@param what sessionquery.Deletion
---@return sessionquery.Deleted? counts
---@return string? message
---@return table? detail
function Store:delete(what)
  local open = core_of(self)
  check.type(what, "table", "delete")
  check.options(what, delete_known, "delete")
  return open:delete(what)
end

--- Deletes what is older than a number of days: `db:retain{ days = 90, bodies_days = 14 }`.
---@param days { days?: number, bodies_days?: number } of requests; of bodies only
---@return sessionquery.Deleted? counts
---@return string? message
---@return table? detail
function Store:retain(days)
  local open = core_of(self)
  check.type(days, "table", "retain")
  check.options(days, { days = "number", bodies_days = "number" }, "retain")
  if not days.days and not days.bodies_days then error("retain: days, bodies_days, or both", 2) end
  local sum
  for _, name in ipairs { "days", "bodies_days" } do
    if days[name] then
      if not (days[name] >= 0 and days[name] <= 1e6) then
        error(("retain: %s: expected a number of days from 0, got %s"):format(name, tostring(days[name])), 2)
      end
      local before = math.max(0, os.time() - days[name] * 86400)
      local deleted, message, detail = open:delete { before = before, bodies_only = name == "bodies_days" }
      if not deleted then return nil, message, detail end
      sum = sum or { requests = 0, bodies = 0, feedback = 0, tags = 0, metadata = 0, projects = 0, held = 0 }
      for key, count in pairs(deleted) do sum[key] = sum[key] + count end
    end
  end
  return sum
end

-- --------------------------------------------------------------------------------------------- the whole store

--- Copies the store to a new file, while others use it: `db:backup "llm-backup.db"`. timeout_ms does not end it.
---@param path string must not exist
---@return true?
---@return string? message
---@return table? detail code "forbidden" where the handle sees one organization or project only
function Store:backup(path)
  local open = core_of(self)
  check.type(path, "id", "backup: path")
  return open:backup(path)
end

---@class sessionquery.Stats
---@field requests integer
---@field sessions integer
---@field without_session integer requests that belong to no session
---@field bodies integer requests with a body
---@field feedback integer
---@field held integer updates that wait for their requests
---@field organizations integer
---@field projects integer
---@field bytes integer of the file
---@field wal_bytes integer of its write-ahead log
---@field schema_version integer
---@field sealed integer rows in the column index; this and what follows is of the whole file, whatever the handle sees
---@field unsealed integer places in the order of arrival behind them: rows that wait, and replaced or deleted ones
---@field dead integer sealed rows that were changed or deleted since
---@field segments integer
---@field index_bytes integer of the column index's file
---@field index_state? string why the column index does not answer; nil when it does
---@field last_error? string of a seal that `add` began, in this process
---@field first_created_at? number seconds
---@field last_created_at? number

--- Numbers about the store, within the handle's scope.
---@return sessionquery.Stats?
---@return string? message
---@return table? detail
function Store:stats() return core_of(self):stats() end

--- Runs a function with a read-only handle that sees one state; gives what it returns, raises what it raises.
--- `local sessions, calls = db:snapshot(function(tx) return tx:sessions():count(), tx:requests():count() end)`.
---@param run fun(snapshot: sessionquery.Store): ...
---@return ...
function Store:snapshot(run)
  local open = core_of(self)
  check.type(run, "function", "snapshot")
  local opened, message, detail = open:snapshot()
  if not opened then return nil, message, detail end
  local view = wrap(opened)
  local function finish(good, ...)
    view:close()
    if not good then error((...), 0) end
    return ...
  end
  return finish(pcall(run, view))
end

-- -------------------------------------------------------------------------------------------------- querying

--- A query of sessions: `db:sessions():where "model = 'gpt-4o'":order_by "-total_cost_usd":limit(20):all()`.
---@param ... nil it takes no argument
---@return sessionquery.Query
function Store:sessions(...)
  core_of(self)
  no_arguments(select("#", ...), "sessions")
  return (query.begin(self, "sessions"))
end

--- A query of requests: `for call in db:requests():where "status >= 400":each() do print(call.model, call.latency_ms) end`.
---@param options? { bodies?: boolean } bodies: with request_body and response_body
---@return sessionquery.Query
function Store:requests(options)
  core_of(self)
  options = check.options(options, { bodies = "boolean" }, "requests")
  return (query.begin(self, "requests", nil, options.bodies))
end

--- A query of groups: by text or boolean fields, members of properties, or time buckets; one to three.
--- `db:group_by("model", sq.day):order_by "-total_cost_usd":all()`.
---@param ... string|table name, field of sq.field, or bucket (sq.day, sq.day{offset_minutes = 60})
---@return sessionquery.Query
function Store:group_by(...)
  core_of(self)
  local keys = {}
  for i = 1, select("#", ...) do
    local key = select(i, ...)
    if type(key) == "string" then
      keys[i] = { key }
    elseif type(key) == "table" and rawget(key, "_bucket") then
      keys[i] = { key._bucket, key._offset }
    elseif fields.path(key) then
      keys[i] = { fields.path(key) }
    else
      error(("group_by: key %d is a %s, not a name, field or bucket"):format(i, type(key)), 2)
    end
  end
  if #keys == 0 then error("group_by: expected one to three keys", 2) end
  return (query.begin(self, "groups", keys))
end

--- Without arguments a query of projects by what their requests come to; with a table the projects themselves: a list of
--- those that are as it names (`{}`: all within the handle's scope), those that have no requests too.
---@overload fun(self: sessionquery.Store): sessionquery.Query
---@param options sessionquery.ProjectQuery
---@param ... nil it takes one argument
---@return sessionquery.Project[]?
---@return string? message
---@return table? detail
function Store:projects(options, ...)
  core_of(self)
  no_arguments(select("#", ...), "projects{…}")
  if options == nil then return (query.begin(self, "groups", { { "project" } })) end
  local list, message, detail = projects.list(self, options)
  return list, message, detail
end

--- One session. Its id must name one session only: a handle for all organizations may have to say which.
---@param id string
---@param where? { organization?: string, project?: string }
---@return sessionquery.Session? session also when it has no requests (yet)
---@return string? message
---@return table? detail code "ambiguous" where several have one of this id
function Store:session(id, where)
  local open = core_of(self)
  local target = sessions.target(id, where, "session")
  local organization, project, detail = open:resolve(target)
  if not organization and detail.code ~= "not_found" then return nil, project, detail end
  return sessions.new(self, target, organization, organization and project)
end

return store
