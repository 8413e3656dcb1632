--- Reports: Lua files that return { title =, params = {…defaults}, columns = {…}, rows = function(db, p) … end }.
local check = require "sessionquery.check"
local format = require "sessionquery.format"

local report = {}

--- A report that was run.
---@class sessionquery.Report
---@field title string
---@field params table the parameters it ran with
---@field columns sessionquery.Column[]
---@field rows table[]
local Result = {}
Result.__index = Result

--- The report as text.
---@param name? "table"|"csv"|"jsonl"|"markdown" table when nil
---@return string? text
---@return string? message
function Result:format(name) return format.write(name or "table", self.columns, self.rows) end

-- ------------------------------------------------------------------------------------------------- checking

local function wrong(path, message, detail)
  return nil, ("report %s: %s"):format(path, message), detail or { code = "value" }
end

local shape = { title = "string", params = "table|nil", columns = "table", rows = "function" }

local function check_shape(path, definition)
  if type(definition) ~= "table" then
    return wrong(path, "it returns a " .. type(definition) .. ", not a table")
  end
  for name, wanted in pairs(shape) do
    local found, fits = type(definition[name]), false
    for kind in wanted:gmatch "[^|]+" do fits = fits or kind == found end
    if not fits then return wrong(path, ("%s is a %s, not a %s"):format(name, found, (wanted:gsub("|nil", "")))) end
  end
  return true
end

--- A parameter as its default's type has it: a command line gives text only.
local function convert(value, default)
  if type(value) == type(default) then return value end
  if type(value) ~= "string" then return nil end
  if type(default) == "number" then return tonumber(value) end
  if type(default) == "boolean" then
    if value == "true" or value == "false" then return value == "true" end
  end
end

local function merge(path, defaults, given)
  local params = {}
  for name, default in pairs(defaults) do params[name] = default end
  for name, value in pairs(given) do
    local default = defaults[name]
    if default == nil then
      return wrong(path, ("no parameter '%s'%s"):format(tostring(name), check.hint(tostring(name), defaults)), { code = "unknown" })
    end
    params[name] = convert(value, default)
    if params[name] == nil then
      return wrong(path, ("parameter %s is a %s, not '%s'"):format(name, type(default), tostring(value)))
    end
  end
  return params
end

-- -------------------------------------------------------------------------------------------------- running

local function load(path)
  local file, message = io.open(path)
  if not file then return wrong(path, message, { code = "not_found" }) end
  file:close()
  local chunk, why = loadfile(path)
  if not chunk then return wrong(path, why, { code = "syntax" }) end
  local loaded, definition = pcall(chunk)
  if not loaded then return wrong(path, tostring(definition)) end
  local good, wrong_shape, detail = check_shape(path, definition)
  if not good then return nil, wrong_shape, detail end
  return definition
end

local function check_rows(path, rows, message, detail)
  if type(rows) ~= "table" or getmetatable(rows) then
    return wrong(path, rows == nil and message or ("rows gave a %s, not a list of rows"):format(type(rows)), detail)
  end
  for r, row in ipairs(rows) do
    if type(row) ~= "table" then return wrong(path, ("row %d is a %s, not a table"):format(r, type(row))) end
  end
  return rows
end

--- Runs a report file: `print(assert(report.run(db, "examples/reports/totals.lua")):format())`.
---@param db sessionquery.Store
---@param path string
---@param params? table<string, any> over the report's defaults
---@return sessionquery.Report?
---@return string? message
---@return table? detail
function report.run(db, path, params)
  if type(db) ~= "table" or not rawget(db, "_core") then error("report: expected an open store", 2) end
  check.type(path, "id", "report: path")
  check.type(params, "table|nil", "report: params")
  local definition, message, detail = load(path)
  if not definition then return nil, message, detail end
  local columns, bad_column = format.columns(definition.columns)
  if not columns then return wrong(path, bad_column) end
  local merged, wrong_param, more = merge(path, definition.params or {}, params or {})
  if not merged then return nil, wrong_param, more end
  local ran, rows, failure, place = pcall(definition.rows, db, merged)
  if not ran then return wrong(path, tostring(rows)) end
  local list, why, where = check_rows(path, rows, failure, place)
  if not list then return nil, why, where end
  return setmetatable({ title = definition.title, params = merged, columns = columns, rows = list }, Result)
end

return report
