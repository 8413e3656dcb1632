--- Session analytics for LLM traffic: a SQLite store, filters in several dialects, sessions of calls.
local core = require "sessionquery.core"
local check = require "sessionquery.check"
local filters = require "sessionquery.filter"
local query = require "sessionquery.query"
local store = require "sessionquery.store"

---@class sessionquery
local sq = {
  _VERSION = core.version,
  --- null wherever a value is taken; the same as cjson.null and ngx.null.
  ---@type lightuserdata
  null = core.null,
  --- Fields by name: sq.field.latency_ms, sq.field.properties.env, sq.field.session.total_cost_usd.
  ---@type sessionquery.Fields
  field = require("sessionquery.field").all,
  open = store.open,
  migrate = store.migrate,
  filter = filters.compile,
  all = filters.all,
  any = filters.any,
  negate = filters.negate,
  some_request = filters.some_request,
  every_request = filters.every_request,
  root = filters.root,
  in_trace = filters.in_trace,
  enclosing = filters.enclosing,
  enclosed = filters.enclosed,
  entry = filters.entry,
}

--- A time as RFC 3339 text: `sq.iso(row.created_at, 60)`.
---@param time number|string seconds since 1970, or RFC 3339 text
---@param offset_minutes? integer from UTC, -1440 to 1440; 0 unless told
---@return string?
---@return string? message
---@return table? detail
function sq.iso(time, offset_minutes)
  check.type(time, "number|string", "iso")
  if offset_minutes ~= nil then check.whole(offset_minutes, -1440, 1440, "iso: offset_minutes") end
  return core.iso(time, offset_minutes)
end

--- Compiles a vendor's whole request body: `sq.query("helicone", body):on(db):json()`.
---@param dialect "helicone"
---@param body string|table JSON text, or a Lua table
---@param options? { endpoint?: "query"|"count"|"names"|"metrics" } which of the vendor's; nil: the first
---@return sessionquery.Request?
---@return string? message
---@return table? detail
function sq.query(dialect, body, options)
  check.type(dialect, "string", "query: dialect")
  options = check.options(options, { endpoint = "id" }, "query")
  local text, message, detail = filters.source(body, "query: body")
  if not text then return nil, message, detail end
  local request, why, place = query.compile(dialect, options.endpoint, text)
  if request then return request end
  return nil, why, filters.placeless(place, body)
end

--- The same for handlers: body in, HTTP status and answer out, in the vendor's envelope in errors too.
--- `local status, text = sq.answer("helicone", db, body)`.
---@param dialect "helicone"
---@param db sessionquery.Store
---@param body string|table|nil JSON text as it came, or a Lua table; nil, as of an empty POST, is an empty text
---@param options? { endpoint?: "query"|"count"|"names"|"metrics" } which of the vendor's; nil: the first
---@return integer status
---@return string text
function sq.answer(dialect, db, body, options)
  check.type(dialect, "string", "answer: dialect")
  options = check.options(options, { endpoint = "id" }, "answer")
  check.type(body, "string|table|nil", "answer: body")
  local open = type(db) == "table" and rawget(db, "_core")
  if not open then error("answer: expected an open store", 2) end
  if type(body) == "table" then body = core.encode(body) end -- what cannot be written is no body
  return core.answer(open, dialect, options.endpoint, body or "")
end

--- Time buckets for group_by: `sq.day`, or `sq.day{offset_minutes = 60}`; weeks begin on Monday.
---@class sessionquery.Bucket
---@overload fun(options: { offset_minutes?: integer }): sessionquery.Bucket
local Bucket = {}

function Bucket.__call(bucket, options)
  options = check.options(options, { offset_minutes = "number" }, bucket._bucket)
  if options.offset_minutes then check.whole(options.offset_minutes, -1440, 1440, bucket._bucket .. ": offset_minutes") end
  return setmetatable({ _bucket = bucket._bucket, _offset = options.offset_minutes }, Bucket)
end

local function bucket(name) return setmetatable({ _bucket = name }, Bucket) end

---@type sessionquery.Bucket
sq.hour = bucket "hour"
---@type sessionquery.Bucket
sq.day = bucket "day"
---@type sessionquery.Bucket
sq.week = bucket "week"
---@type sessionquery.Bucket
sq.month = bucket "month"

return sq
