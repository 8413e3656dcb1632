--- Rows as text: an aligned table, CSV, JSON lines, Markdown.
local core = require "sessionquery.core"

local format = {}

--- A column of an output.
---@class sessionquery.Column
---@field name string the row's key
---@field title? string heading, else the name
---@field type? string catalogue type: "time", "money", "real", …

-- ---------------------------------------------------------------------------------------------------- cells

local function is_finite(number) return number - number == 0 end

--- As many digits as the column wants for a person; `exact`: all of them. NaN and infinities are no values.
local function number_cell(number, column, exact)
  if not is_finite(number) then return "" end
  if exact then return core.encode(number) end
  if column.type == "money" then return ("%.6f"):format(number) end
  local size = math.abs(number)
  if size >= 1e15 or (size < 0.0005 and size > 0) then return core.encode(number) end
  if number == math.floor(number) then return ("%d"):format(number) end
  return (("%.3f"):format(number):gsub("0+$", ""):gsub("%.$", ""))
end

local function item_text(item)
  if item == core.null then return "" end
  return type(item) == "table" and core.encode(item) or tostring(item)
end

--- How a value stands in a table; `exact`: in a file that a program reads.
local function cell(value, column, exact)
  if value == nil or value == core.null then return "" end
  if type(value) == "table" then
    if value[1] ~= nil then
      local items = {}
      for i = 1, #value do items[i] = item_text(value[i]) end
      return table.concat(items, ", ")
    end
    return next(value) == nil and "" or (core.encode(value) or "")
  end
  if type(value) == "number" then
    if column.type == "time" then return core.iso(value) or number_cell(value, column, true) end
    return number_cell(value, column, exact)
  end
  return tostring(value)
end

-- What would break lines and columns, drive a terminal, or turn the direction of what follows: C0, DEL, C1,
-- the line and paragraph separators, and the marks of bidirectional text.
local breaking = {
  "[%z\1-\31\127]", "\194[\128-\159]", "\226\128[\168\169]", "\226\128[\142\143\170-\174]", "\226\129[\166-\169]",
}

local function one_line(text)
  for _, pattern in ipairs(breaking) do text = text:gsub(pattern, " ") end
  return text
end

local function right_aligned(column, rows)
  for _, row in ipairs(rows) do
    local value = row[column.name]
    if value ~= nil and type(value) ~= "number" then return false end
  end
  return column.type ~= "time"
end

local function title(column) return one_line(column.title or column.name) end

-- -------------------------------------------------------------------------------------------------- outputs

local function as_table(columns, rows)
  local cells, widths, right = {}, {}, {}
  for c, column in ipairs(columns) do
    widths[c], right[c] = core.width(title(column)), right_aligned(column, rows)
  end
  for r, row in ipairs(rows) do
    cells[r] = {}
    for c, column in ipairs(columns) do
      cells[r][c] = one_line(cell(row[column.name], column))
      widths[c] = math.max(widths[c], core.width(cells[r][c]))
    end
  end
  local lines = {}
  local function add(values)
    local line = {}
    for c, text in ipairs(values) do
      local padding = (" "):rep(widths[c] - core.width(text))
      line[c] = right[c] and padding .. text or text .. padding
    end
    lines[#lines + 1] = (table.concat(line, "  "):gsub("%s+$", ""))
  end
  local titles, rules = {}, {}
  for c, column in ipairs(columns) do titles[c], rules[c] = title(column), ("-"):rep(widths[c]) end
  add(titles)
  add(rules)
  for _, values in ipairs(cells) do add(values) end
  return table.concat(lines, "\n") .. "\n"
end

--- RFC 4180. Text that a spreadsheet would take for a formula gets a quote in front.
local function csv_cell(value, column)
  local text = cell(value, column, true)
  if type(value) ~= "number" and text:find "^[=+@\t\r-]" then text = "'" .. text end
  if text:find '[",\r\n]' then text = '"' .. text:gsub('"', '""') .. '"' end
  return text
end

local function as_csv(columns, rows)
  local lines = { {} }
  for c, column in ipairs(columns) do lines[1][c] = csv_cell(title(column), {}) end
  for r, row in ipairs(rows) do
    local line = {}
    for c, column in ipairs(columns) do line[c] = csv_cell(row[column.name], column) end
    lines[r + 1] = line
  end
  for i, line in ipairs(lines) do
    lines[i] = table.concat(line, ",")
    if lines[i] == "" then lines[i] = '""' end -- an empty line would be no record
  end
  return table.concat(lines, "\r\n") .. "\r\n"
end

local function as_jsonl(columns, rows)
  local lines = {}
  for r, row in ipairs(rows) do
    local members = {}
    for _, column in ipairs(columns) do
      local value = row[column.name]
      if column.type == "time" and type(value) == "number" then value = core.iso(value) or value end
      local is_list = type(value) == "table" and next(value) == nil and column.type == "list"
      -- what JSON cannot hold (NaN, an infinity, a function) is null
      local text = is_list and "[]" or value ~= nil and core.encode(value) or "null"
      members[#members + 1] = core.encode(column.name) .. ":" .. text
    end
    lines[r] = "{" .. table.concat(members, ",") .. "}\n"
  end
  return table.concat(lines)
end

local function markdown_text(text) return (one_line(text):gsub("([|\\])", "\\%1")) end

local function as_markdown(columns, rows)
  local lines, titles, rules = {}, {}, {}
  for c, column in ipairs(columns) do
    titles[c], rules[c] = markdown_text(title(column)), right_aligned(column, rows) and "---:" or "---"
  end
  lines[1] = "| " .. table.concat(titles, " | ") .. " |"
  lines[2] = "| " .. table.concat(rules, " | ") .. " |"
  for _, row in ipairs(rows) do
    local line = {}
    for c, column in ipairs(columns) do
      line[c] = markdown_text(cell(row[column.name], column))
    end
    lines[#lines + 1] = "| " .. table.concat(line, " | ") .. " |"
  end
  return table.concat(lines, "\n") .. "\n"
end

local writers = { table = as_table, csv = as_csv, jsonl = as_jsonl, markdown = as_markdown }

--- The names of the outputs, sorted.
format.names = { "csv", "jsonl", "markdown", "table" }

--- Columns as tables {name, title, type}; nil and a message when one of them is none.
---@param columns (string|sessionquery.Column)[]
---@return sessionquery.Column[]?
---@return string? message
function format.columns(columns)
  local whole = {}
  for c, column in ipairs(columns) do
    whole[c] = type(column) == "string" and { name = column } or column
    if type(whole[c]) ~= "table" or type(whole[c].name) ~= "string" then
      return nil, ("column %d is no name and no table with a name"):format(c)
    end
  end
  return whole
end

--- Writes rows as text.
---@param name "table"|"csv"|"jsonl"|"markdown"
---@param columns (string|sessionquery.Column)[]
---@param rows table[]
---@return string? text nil and a message when there is no such output, or a column is none
---@return string? message
function format.write(name, columns, rows)
  local writer = writers[name]
  if not writer then
    return nil, ("unknown output '%s': there are %s"):format(tostring(name), table.concat(format.names, ", "))
  end
  local whole, message = format.columns(columns)
  if not whole then return nil, message end
  return writer(whole, rows)
end

return format
