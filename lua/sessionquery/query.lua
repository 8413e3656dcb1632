--- Queries: an immutable builder, and what its rows are read by.
local check = require "sessionquery.check"
local core = require "sessionquery.core"
local filters = require "sessionquery.filter"

local BATCH = 500 -- rows that requests():each() reads at once
local PAGE = 100 -- rows of a page() without limit

--- What can be asked of a query that is complete. `_core` is the compiled query, `_store` the handle's core.
---@class sessionquery.Answer
local Answer = {}
Answer.__index = Answer

--- A query that is being built: each step returns a new one.
---@class sessionquery.Query: sessionquery.Answer
local Query = setmetatable({}, { __index = Answer })
Query.__index = Query

--- The handle's core; raises at the caller's caller when it is closed.
local function store_of(query)
  if type(query) ~= "table" or not query._db then error("expected a query: methods are called with a colon", 3) end
  local store = query._db._core
  if not store then error("the store is closed", 3) end
  return store
end

-- ------------------------------------------------------------------------------------------------- building

local function copy(from)
  local to = {}
  for key, value in pairs(from) do to[key] = value end
  return to
end

--- A new query of this description; a wrong one raises at `level`, as error counts from here. (Calls that
--- lead here stand in brackets: a tail call would take a level away.)
local function make(db, spec, level)
  local compiled, message = core.build(spec)
  if not compiled then error(message, level) end
  return setmetatable({ _db = db, _spec = spec, _core = compiled }, Query)
end

--- Raises at the caller's caller when `query` is none that can be built on.
local function check_query(query)
  if type(query) ~= "table" or getmetatable(query) ~= Query then error("expected a query: methods are called with a colon", 3) end
end

local function with(query, changes, level)
  local spec = copy(query._spec)
  for key, value in pairs(changes) do spec[key] = value end
  return (make(query._db, spec, level + 1))
end

local function with_filters(query, more, level)
  local all = copy(query._spec.filters)
  for i = 1, #more do all[#all + 1] = more[i] end
  return (with(query, { filters = all }, level + 1))
end

--- Only what passes the filter (steps accumulate). Text is compiled as `where`, and raises when it is wrong:
--- `db:sessions():where "model = 'o3'":where(f.session.total_cost_usd:gt(0.5))`.
---@param filter sessionquery.Filter|string
---@return sessionquery.Query
function Query:where(filter)
  check_query(self)
  local compiled, message = filters.of(filter, "where")
  if not compiled then error(message, 2) end
  return (with_filters(self, { compiled }, 3))
end

--- Only requests with from <= created_at < to; nil leaves an end open: `:window("2026-11-01", os.time())`.
---@param from? number|string seconds, or RFC 3339 text
---@param to? number|string
---@return sessionquery.Query
function Query:window(from, to)
  check_query(self)
  local bounds = {}
  for _, bound in ipairs { { "gte", from }, { "lt", to } } do
    local operator, value = bound[1], bound[2]
    if value ~= nil then
      check.type(value, "number|string", "window")
      if value ~= value then error("window: NaN is no time", 2) end
      local filter, message = core.compare("created_at", nil, operator, { value })
      if not filter then error(message, 2) end
      bounds[#bounds + 1] = filter
    end
  end
  return (with_filters(self, bounds, 3))
end

--- A field's name ("total_cost_usd", "model"), with "-" before it descending. A later call replaces it.
---@param name string
---@param ... nil it takes one
---@return sessionquery.Query
function Query:order_by(name, ...)
  check_query(self)
  check.type(name, "string", "order_by")
  if select("#", ...) > 0 then error("order_by: expected one field", 2) end
  return (with(self, { order = name }, 3))
end

--- Which fields rows have beside their keys: what is not wanted is not computed. A later call replaces it.
---@param names string[]
---@return sessionquery.Query
function Query:select(names)
  check_query(self)
  for i = 1, check.list(names, "select") do
    if type(names[i]) ~= "string" then error(("select: name %d is a %s, not text"):format(i, type(names[i])), 2) end
  end
  return (with(self, { fields = copy(names) }, 3))
end

--- So many rows at most.
---@param count integer from 0
---@return sessionquery.Query
function Query:limit(count)
  check_query(self)
  check.whole(count, 0, nil, "limit")
  return (with(self, { limit = count }, 3))
end

--- Skips rows; replaces a cursor.
---@param count integer
---@return sessionquery.Query
function Query:offset(count)
  check_query(self)
  check.whole(count, 0, nil, "offset")
  local spec = copy(self._spec)
  spec.offset, spec.after = count, nil
  return (make(self._db, spec, 3))
end

--- Begins behind the page that gave this cursor; nil begins at the start. Replaces an offset: `query:after(page.next):page()`.
---@param cursor? string
---@return sessionquery.Query
function Query:after(cursor)
  check_query(self)
  check.type(cursor, "string|nil", "after")
  local spec = copy(self._spec)
  spec.after, spec.offset = cursor, nil
  return (make(self._db, spec, 3))
end

-- ------------------------------------------------------------------------------------------------- iterating

--- What `for` walks: callable, and closeable by :close() and, on Lua 5.4, by the loop itself.
---@class sessionquery.Iterator
---@overload fun(): table?
local Iterator = {}
Iterator.__index = Iterator

function Iterator:__call()
  local row = self._step()
  if row == nil then self:close() end
  return row
end

--- Lets go of what it holds; again does nothing. On LuaJIT needed after a `break` out of each{snapshot = true}.
function Iterator:close()
  self._step = function() end
  if self._snapshot then self._snapshot:close() end
  self._snapshot = nil
end

Iterator.__close = Iterator.close

local function iterate(step, snapshot)
  local iterator = setmetatable({ _step = step, _snapshot = snapshot }, Iterator)
  return iterator, nil, nil, iterator
end

-- The collector does not see how much rows in the core hold: whoever has read them closes them.

--- All of them, as tables.
local function take_all(rows)
  local list = rows:all()
  rows:close()
  return list
end

--- Steps through rows that are there already.
local function step_rows(rows)
  local index = 0
  return function()
    if not rows then return nil end
    index = index + 1
    local row = rows:read(index)
    if not row then
      rows:close()
      rows = nil
    end
    return row
  end
end

--- Steps through requests batch by batch; between two batches no transaction is held.
local function step_batches(query, store, snapshot)
  local left = query._spec.limit or math.huge
  local spec = copy(query._spec)
  local rows, index, ended = nil, 0, left == 0
  local function next_batch()
    if not snapshot and query._db._core ~= store then error("the store was closed while its requests were read", 4) end
    spec.limit = math.min(left, BATCH)
    local batch, message = core.rows(store, assert(core.build(spec)))
    if not batch then error(message, 4) end
    local cursor = batch:next()
    left = left - batch:length()
    ended = cursor == nil or left <= 0
    spec.after, spec.offset = cursor, nil
    return batch
  end
  return function()
    while true do
      local row = rows and rows:read(index + 1)
      if row then
        index = index + 1
        return row
      end
      if rows then rows:close() end
      rows, index = nil, 0
      if ended then return nil end
      rows = next_batch()
    end
  end
end

--- Iterates rows: `for row in query:each() do`. Groups are computed before the first one; requests are read
--- in batches, each of the state it finds. Raises on errors. Writing in the loop is allowed.
---@param options? { snapshot?: boolean } snapshot: all rows of one state (held until the loop ends or :close())
---@return sessionquery.Iterator
---@return nil
---@return nil
---@return sessionquery.Iterator closed by `for` on Lua 5.4
function Answer:each(options)
  check.options(options, { snapshot = "boolean" }, "each")
  local store, snapshot = store_of(self), nil
  if options and options.snapshot then
    local message
    snapshot, message = store:snapshot()
    if not snapshot then error(message, 2) end
  end
  if self._spec and self._spec.source == "requests" then
    return iterate(step_batches(self, snapshot or store, snapshot), snapshot)
  end
  local rows, message = core.rows(snapshot or store, self._core)
  if snapshot then snapshot:close() end
  if not rows then error(message, 2) end
  return iterate(step_rows(rows))
end

-- --------------------------------------------------------------------------------------------------- asking

--- All rows, a list of tables.
---@return table[]?
---@return string? message
---@return table? detail
function Answer:all()
  local rows, message, detail = core.rows(store_of(self), self._core)
  if not rows then return nil, message, detail end
  return take_all(rows)
end

--- The rows of one page.
local function rows_of_page(query, store)
  return core.rows(store, (query._spec.limit and query or with(query, { limit = PAGE }, 4))._core)
end

--- One page: a list of rows, with the cursor of the next page as `next` (nil on the last).
---@return table?
---@return string? message
---@return table? detail
function Query:page()
  local rows, message, detail = rows_of_page(self, store_of(self))
  if not rows then return nil, message, detail end
  local cursor, page = rows:next(), take_all(rows)
  page.next = cursor
  return page
end

--- One page as JSON text, and the cursor of the next page (nil on the last).
---@return string?
---@return string? next or the message
---@return table? detail
function Query:page_json()
  local rows, message, detail = rows_of_page(self, store_of(self))
  if not rows then return nil, message, detail end
  local text, why, more = rows:json()
  local cursor = rows:next()
  rows:close()
  if not text then return nil, why, more end
  return text, cursor
end

--- The first row, whatever limit, offset and after say; nil when there is none.
---@return table?
---@return string? message
---@return table? detail
function Query:first()
  local store = store_of(self)
  local spec = copy(self._spec)
  spec.limit, spec.offset, spec.after = 1, nil, nil
  local rows, message, detail = core.rows(store, make(self._db, spec, 3)._core)
  if not rows then return nil, message, detail end
  local row = rows:read(1)
  rows:close()
  return row
end

--- How many rows there are without limit, offset and after.
---@return integer?
---@return string? message
---@return table? detail
function Answer:count() return core.count(store_of(self), self._core) end

--- The rows as JSON text; of a vendor's query its whole answer.
---@return string?
---@return string? message
---@return table? detail
function Answer:json() return core.json(store_of(self), self._core) end

--- Which engine answers, why, and what it does, as text.
---@return string?
---@return string? message
---@return table? detail
function Answer:explain() return core.explain(store_of(self), self._core) end

--- The columns in order, and the rows: what a table is made of.
---@return { name: string, type: string }[]? columns
---@return table[]|string rows or the message
---@return table? detail
function Answer:columns()
  local rows, message, detail = core.rows(store_of(self), self._core)
  if not rows then return nil, message, detail end
  return rows:columns(), take_all(rows)
end

-- ------------------------------------------------------------------------------------------------- beginnings

local query = {}

--- A query of a store's rows.
function query.begin(db, source, keys, bodies)
  return (make(db, { source = source, keys = keys, filters = {}, bodies = bodies or nil }, 4))
end

--- A vendor's whole request, waiting for a store.
---@class sessionquery.Request
local Request = {}
Request.__index = Request

--- Asks it of a store.
---@param db sessionquery.Store
---@return sessionquery.Answer
function Request:on(db)
  if type(db) ~= "table" or not rawget(db, "_core") then error("on: expected an open store", 2) end
  return setmetatable({ _db = db, _core = self._core }, Answer)
end

function query.compile(dialect, endpoint, body)
  local compiled, message, detail = core.query(dialect, endpoint, body)
  if not compiled then return nil, message, detail end
  return setmetatable({ _core = compiled }, Request)
end

return query
