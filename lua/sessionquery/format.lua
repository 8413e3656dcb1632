--- Rows as text: an aligned table, CSV, JSON lines, Markdown.
local core = require "sessionquery.core"

local format = {}

--- A column of an output.
---@class sessionquery.Column
---@field name string the row's key
---@field title? string heading, else the name
---@field type? string catalogue type: "time", "money", "real", …

-- ---------------------------------------------------------------------------------------------------- cells

--- As many digits as the column wants for a person; `exact`: all of them.
local function number_cell(number, column, exact)
  if exact then return assert(core.encode(number)) end
  if column.type == "money" then return ("%.6f"):format(number) end
  if number == math.floor(number) and math.abs(number) < 2 ^ 53 then return ("%d"):format(number) end
  return (("%.3f"):format(number):gsub("0+$", ""):gsub("%.$", ""))
end

--- How a value stands in a table; `exact`: in a file that a program reads.
local function cell(value, column, exact)
  if value == nil or value == core.null then return "" end
  if type(value) == "table" then
    if value[1] ~= nil then
      local items = {}
      for i = 1, #value do items[i] = tostring(value[i]) end
      return table.concat(items, ", ")
    end
    return next(value) == nil and "" or (core.encode(value) or "")
  end
  if type(value) == "number" then
    if column.type == "time" then return (core.iso(value) or tostring(value)) end
    return number_cell(value, column, exact)
  end
  return tostring(value)
end

--- Control characters would break lines and columns (or drive a terminal).
local function one_line(text) return (text:gsub("[%z\1-\31\127]", " ")) end

--- Columns of the terminal that a text takes: code points, which is right for most of what is logged.
local function width(text) return select(2, text:gsub("[^\128-\191]", "")) end

local function right_aligned(column, rows)
  for _, row in ipairs(rows) do
    local value = row[column.name]
    if value ~= nil and type(value) ~= "number" then return false end
  end
  return column.type ~= "time"
end

local function title(column) return column.title or column.name end

-- -------------------------------------------------------------------------------------------------- outputs

local function as_table(columns, rows)
  local cells, widths, right = {}, {}, {}
  for c, column in ipairs(columns) do
    widths[c], right[c] = width(title(column)), right_aligned(column, rows)
  end
  for r, row in ipairs(rows) do
    cells[r] = {}
    for c, column in ipairs(columns) do
      cells[r][c] = one_line(cell(row[column.name], column))
      widths[c] = math.max(widths[c], width(cells[r][c]))
    end
  end
  local lines = {}
  local function add(values)
    local line = {}
    for c, text in ipairs(values) do
      local padding = (" "):rep(widths[c] - width(text))
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

--- RFC 4180. A cell that a spreadsheet would take for a formula gets a quote in front.
local function csv_cell(value, column)
  local text = cell(value, column, true)
  if type(value) == "string" and text:find "^[=+@\t\r-]" then text = "'" .. text end
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
  for i, line in ipairs(lines) do lines[i] = table.concat(line, ",") end
  return table.concat(lines, "\r\n") .. "\r\n"
end

local function as_jsonl(columns, rows)
  local lines = {}
  for r, row in ipairs(rows) do
    local members = {}
    for _, column in ipairs(columns) do
      local value = row[column.name]
      if value == nil then value = core.null end
      if column.type == "time" and type(value) == "number" then value = core.iso(value) end
      local is_list = type(value) == "table" and next(value) == nil and column.type == "list"
      members[#members + 1] = core.encode(column.name) .. ":" .. (is_list and "[]" or assert(core.encode(value)))
    end
    lines[r] = "{" .. table.concat(members, ",") .. "}\n"
  end
  return table.concat(lines)
end

local function as_markdown(columns, rows)
  local lines, titles, rules = {}, {}, {}
  for c, column in ipairs(columns) do
    titles[c], rules[c] = title(column), right_aligned(column, rows) and "---:" or "---"
  end
  lines[1] = "| " .. table.concat(titles, " | ") .. " |"
  lines[2] = "| " .. table.concat(rules, " | ") .. " |"
  for _, row in ipairs(rows) do
    local line = {}
    for c, column in ipairs(columns) do
      line[c] = one_line(cell(row[column.name], column)):gsub("([|\\])", "\\%1")
    end
    lines[#lines + 1] = "| " .. table.concat(line, " | ") .. " |"
  end
  return table.concat(lines, "\n") .. "\n"
end

local writers = { table = as_table, csv = as_csv, jsonl = as_jsonl, markdown = as_markdown }

--- The names of the outputs, sorted.
format.names = { "csv", "jsonl", "markdown", "table" }

--- Writes rows as text.
---@param name "table"|"csv"|"jsonl"|"markdown"
---@param columns (string|sessionquery.Column)[]
---@param rows table[]
---@return string? text nil and a message when there is no such output
---@return string? message
function format.write(name, columns, rows)
  local writer = writers[name]
  if not writer then
    return nil, ("unknown output '%s': there are %s"):format(tostring(name), table.concat(format.names, ", "))
  end
  local whole = {}
  for c, column in ipairs(columns) do whole[c] = type(column) == "string" and { name = column } or column end
  return writer(whole, rows)
end

return format
