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

local function wrong(path, message) return nil, ("report %s: %s"):format(path, message), { code = "value" } end

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
      local near = check.nearest(tostring(name), defaults)
      return wrong(path, ("no parameter '%s'%s"):format(tostring(name), near and (", did you mean '%s'?"):format(near) or ""))
    end
    params[name] = convert(value, default)
    if params[name] == nil then
      return wrong(path, ("parameter %s is a %s, not '%s'"):format(name, type(default), tostring(value)))
    end
  end
  return params
end

-- -------------------------------------------------------------------------------------------------- running

--- Runs a report file.
---@param db sessionquery.Store
---@param path string
---@param params? table<string, any> over the report's defaults
---@return sessionquery.Report?
---@return string? message
---@return table? detail
function report.run(db, path, params)
  check.type(path, "string", "report: path")
  check.type(params, "table|nil", "report: params")
  local chunk, message = loadfile(path)
  if not chunk then return nil, "report: " .. message, { code = "syntax" } end
  local loaded, definition = pcall(chunk)
  if not loaded then return wrong(path, tostring(definition)) end
  local good, why, detail = check_shape(path, definition)
  if not good then return nil, why, detail end
  local merged, wrong_param, more = merge(path, definition.params or {}, params or {})
  if not merged then return nil, wrong_param, more end
  local ran, rows, failure = pcall(definition.rows, db, merged)
  if not ran then return wrong(path, tostring(rows)) end
  if type(rows) ~= "table" then return wrong(path, failure or ("rows gave a " .. type(rows) .. ", not a list")) end
  local columns = {}
  for c, column in ipairs(definition.columns) do
    columns[c] = type(column) == "string" and { name = column } or column
  end
  return setmetatable({ title = definition.title, params = merged, columns = columns, rows = rows }, Result)
end

return report
