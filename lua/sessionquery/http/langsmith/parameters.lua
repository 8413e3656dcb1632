--- What a LangSmith client says: values of a query string or of a body, each of a kind, by the rules of the vendor's
--- validator. What is wrong is told as it tells it: 422, {"detail":[{loc, msg, type}]}.
local check = require "sessionquery.check"
local core = require "sessionquery.core"
local json = require "sessionquery.http.json"

local parameters = {}

local MILLISECONDS_FROM = 2e10 -- a larger number of seconds would be later than the year 2600

--- A kind takes the text of a query string, or the value of a body, and gives the value, or nil, message, type.
local kinds = {}
parameters.kinds = kinds

function kinds.text(value, parameter)
  if type(value) ~= "string" then return nil, "Input should be a valid string", "string_type" end
  if parameter.filled and value == "" then return nil, "String should have at least 1 character", "string_too_short" end
  return value
end

--- In lower case, with hyphens.
function kinds.uuid(value)
  local digits = type(value) == "string" and value:lower():gsub("^urn:uuid:", ""):gsub("^{(.*)}$", "%1")
  if digits and (digits:find "^%x+$" or digits:find "^%x+%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x+$") then
    local plain = digits:gsub("%-", "")
    if #plain == 32 and (#digits == 32 or digits:find "^%x%x%x%x%x%x%x%x%-") then
      return ("%s-%s-%s-%s-%s"):format(plain:sub(1, 8), plain:sub(9, 12), plain:sub(13, 16), plain:sub(17, 20), plain:sub(21))
    end
  end
  return nil, "Input should be a valid UUID", "uuid_parsing"
end

local words = {
  ["true"] = true, t = true, yes = true, y = true, on = true, ["1"] = true,
  ["false"] = false, f = false, no = false, n = false, off = false, ["0"] = false,
}

function kinds.boolean(value)
  local said
  if type(value) == "boolean" then said = value elseif type(value) == "string" then said = words[value:lower()] end
  if said == nil then return nil, "Input should be a valid boolean, unable to interpret input", "bool_parsing" end
  return said
end

function kinds.integer(value, parameter)
  local number = tonumber(value)
  if type(value) == "string" and not value:find "^[+-]?%d+$" then number = nil end
  if not number or number ~= math.floor(number) or math.abs(number) >= 2 ^ 53 then
    return nil, "Input should be a valid integer, unable to parse string as an integer", "int_parsing"
  end
  if parameter.least and number < parameter.least then
    return nil, ("Input should be greater than or equal to %d"):format(parameter.least), "greater_than_equal"
  end
  if parameter.most and number > parameter.most then
    return nil, ("Input should be less than or equal to %d"):format(parameter.most), "less_than_equal"
  end
  return number
end

function kinds.enum(value, parameter)
  for _, option in ipairs(parameter.options) do
    if value == option then return value end
  end
  local shown = {}
  for i, option in ipairs(parameter.options) do shown[i] = "'" .. option .. "'" end
  local last = table.remove(shown)
  return nil, "Input should be " .. (#shown > 0 and table.concat(shown, ", ") .. " or " or "") .. last, "enum"
end

--- RFC 3339 text of a time: as text, or as a number of seconds or milliseconds.
function kinds.time(value)
  local number = type(value) == "number" and value
  if type(value) == "string" and value:find "^[+-]?%d+%.?%d*$" then number = tonumber(value) end
  if number and math.abs(number) > MILLISECONDS_FROM then number = number / 1000 end
  local text = (number or type(value) == "string") and core.iso(number or value)
  if not text then return nil, "Input should be a valid datetime or date", "datetime_from_date_parsing" end
  return text
end

function kinds.object(value)
  if not json.is_object(value) then return nil, "Input should be a valid dictionary", "dict_type" end
  return value
end

--- A JSON object as text.
function kinds.json_object(value)
  local decoded, message = core.decode(value)
  if decoded == nil then return nil, "Invalid JSON: " .. message, "json_invalid" end
  return kinds.object(decoded)
end

local function problem(where, parameter, index, message, kind)
  return { loc = { where, parameter.name, index }, msg = message, type = kind }
end

local function read_list(values, parameter, where, problems)
  local list = {}
  for i, value in ipairs(values) do
    local read, message, kind = kinds[parameter.kind](value, parameter)
    if read == nil then problems[#problems + 1] = problem(where, parameter, i - 1, message, kind) end
    list[#list + 1] = read
  end
  return list
end

local function read_one(value, parameter, where, problems)
  local read, message, kind = kinds[parameter.kind](value, parameter)
  if read == nil then problems[#problems + 1] = problem(where, parameter, nil, message, kind) end
  return read
end

--- All that stands in a query string for a list: the name again and again, or with brackets, or values with commas.
local function listed(arguments, name)
  local values = {}
  local function take(more)
    for _, value in ipairs(more or {}) do
      for part in (value .. ","):gmatch "([^,]*)," do values[#values + 1] = part end
    end
  end
  take(arguments[name])
  take(arguments[name .. "[]"])
  local index = 0
  while arguments[("%s[%d]"):format(name, index)] do
    take(arguments[("%s[%d]"):format(name, index)])
    index = index + 1
  end
  return values
end

---@class sessionquery.http.langsmith.Parameter
---@field name string
---@field kind "text"|"uuid"|"boolean"|"integer"|"enum"|"time"|"object"|"json_object"
---@field list? boolean
---@field default? any
---@field least? number of an integer
---@field most? number of an integer
---@field options? string[] of an enum
---@field filled? boolean of a text: not ""
---@field required? boolean in a body

--- What nobody has asked for: a filter that is misspelt would be none.
local function find_strangers(arguments, known, problems)
  local names, strangers = {}, {}
  for _, parameter in ipairs(known) do names[parameter.name] = parameter end
  for name in pairs(arguments) do
    local parameter = names[name:match "^(.-)%[%d*%]$" or name]
    if not (parameter and (parameter.list or parameter.name == name)) then strangers[#strangers + 1] = name end
  end
  table.sort(strangers)
  for _, name in ipairs(strangers) do
    problems[#problems + 1] = { loc = { "query", name }, msg = "is not known here" .. check.hint(name, names), type = "extra_forbidden" }
  end
end

--- Values by name of a query string; of a name that stands twice the last one counts.
---@param arguments table<string, string[]>
---@param known sessionquery.http.langsmith.Parameter[]
---@return table? values nil when something is wrong
---@return table[]? problems
function parameters.of_query(arguments, known)
  local values, problems = {}, {}
  for _, parameter in ipairs(known) do
    local name = parameter.name
    if parameter.list then
      local given = listed(arguments, name)
      if #given > 0 then values[name] = read_list(given, parameter, "query", problems) end
    else
      local given = arguments[name]
      values[name] = parameter.default
      if given then values[name] = read_one(given[#given], parameter, "query", problems) end
    end
  end
  find_strangers(arguments, known, problems)
  if #problems > 0 then return nil, problems end
  return values
end

--- Values by name of a body. null is as absent.
---@param text string JSON
---@param known sessionquery.http.langsmith.Parameter[]
---@return table? values nil when something is wrong
---@return table[]? problems
function parameters.of_body(text, known)
  local body, message, detail = core.decode(text, true)
  if body == nil then
    return nil, { { loc = { "body", detail.offset or 0 }, msg = "JSON decode error: " .. message, type = "json_invalid" } }
  end
  if not json.is_object(body) then return nil, { { loc = { "body" }, msg = "Input should be a valid dictionary", type = "dict_type" } } end
  local values, problems = {}, {}
  for _, parameter in ipairs(known) do
    local given = body[parameter.name]
    if given == core.null then given = nil end
    if given == nil then
      values[parameter.name] = parameter.default
      if parameter.required then problems[#problems + 1] = problem("body", parameter, nil, "Field required", "missing") end
    elseif not parameter.list then
      values[parameter.name] = read_one(given, parameter, "body", problems)
    elseif type(given) ~= "table" or (json.is_object(given) and next(given) ~= nil) then
      problems[#problems + 1] = problem("body", parameter, nil, "Input should be a valid list", "list_type")
    else
      values[parameter.name] = read_list(given, parameter, "body", problems)
    end
  end
  if #problems > 0 then return nil, problems end
  return values
end

--- The value of a path's segment.
---@param text string
---@param parameter sessionquery.http.langsmith.Parameter
---@return any value nil when it is wrong
---@return table[]? problems
function parameters.of_path(text, parameter)
  local problems = {}
  local value = read_one(text, parameter, "path", problems)
  if value == nil then return nil, problems end
  return value
end

--- The answer to problems.
---@param problems table[]
---@return integer status
---@return string body
function parameters.refuse(problems) return 422, (assert(core.encode { detail = problems })) end

return parameters
