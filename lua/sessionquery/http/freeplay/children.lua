--- Rows as a forest, nested as they were recorded: a row stands below the row that its parent_id names or, where that is
--- not there, below the one that its trace_id names. Every row stands once: a circle is cut above the row of it that was
--- recorded first.
local children = {}

--- The row above each row; rows in the order of recording.
local function find_parents(rows)
  local by_id, parents = {}, {}
  for _, row in ipairs(rows) do by_id[row.request_id] = row end
  for _, row in ipairs(rows) do
    local parent = row.parent_id and by_id[row.parent_id]
    if not parent then parent = row.trace_id and by_id[row.trace_id] end
    if parent ~= row then parents[row] = parent end
  end
  return parents
end

--- Takes a link out of each circle: above the first of its rows.
local function cut_circles(rows, parents)
  local walk_of, place = {}, {}
  for i, row in ipairs(rows) do place[row] = i end
  for i, row in ipairs(rows) do
    local at = row
    while at and not walk_of[at] do
      walk_of[at] = i
      at = parents[at]
    end
    if at and walk_of[at] == i then
      local earliest, around = at, parents[at]
      while around ~= at do
        if place[around] < place[earliest] then earliest = around end
        around = parents[around]
      end
      parents[earliest] = nil
    end
  end
end

---@class sessionquery.http.freeplay.Forest
---@field roots table[] rows below no other
---@field below table<table, table[]> the rows right below a row

--- The forest of rows in the order of recording.
---@param rows table[]
---@return sessionquery.http.freeplay.Forest
function children.forest(rows)
  local parents = find_parents(rows)
  cut_circles(rows, parents)
  local forest = { roots = {}, below = {} }
  for _, row in ipairs(rows) do
    local parent = parents[row]
    local list = forest.roots
    if parent then
      list = forest.below[parent] or {}
      forest.below[parent] = list
    end
    list[#list + 1] = row
  end
  return forest
end

--- Appends to `parts` the JSON of rows with all that is below them, with commas between; `write(row)` is a row's own
--- object. However deep they stand, no call stands in another.
---@param parts string[]
---@param forest sessionquery.http.freeplay.Forest
---@param rows table[]
---@param write fun(row: table): string
function children.write(parts, forest, rows, write)
  local stack = { { rows = rows, next = 1 } }
  while #stack > 0 do
    local top = stack[#stack]
    local row = top.rows[top.next]
    if row then
      if top.next > 1 then parts[#parts + 1] = "," end
      top.next = top.next + 1
      parts[#parts + 1] = write(row):sub(1, -2)
      parts[#parts + 1] = ',"children":['
      stack[#stack + 1] = { rows = forest.below[row] or {}, next = 1 }
    else
      stack[#stack] = nil
      if #stack > 0 then parts[#parts + 1] = "]}" end
    end
  end
end

return children
