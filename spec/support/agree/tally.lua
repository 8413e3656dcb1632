--- What random queries have been about, counted.
local tally = { asked = 0, selective = 0 } -- cases, and those whose filter selects neither nothing nor everything

local counts = { fields = {}, operators = {}, states = {}, engines = {}, refusals = {}, kinds = {}, ways = {}, groups = {}, absent = {} }

--- Counts `name` under `what`, `by` times or once.
function tally.tick(what, name, by) counts[what][name] = (counts[what][name] or 0) + (by or 1) end

--- Counts the fields and operators of a tree.
function tally.tree(tree)
  local kind = tree[1]
  if kind == "is" then
    tally.tick("fields", tree[2])
    tally.tick("operators", tree[4])
    return
  end
  tally.tick("operators", kind)
  if kind == "entry" then tally.tick("fields", tree[2] .. " entries") end
  for i = 2, #tree do
    if type(tree[i]) == "table" then tally.tree(tree[i]) end
  end
end

--- How often it was counted.
function tally.count(what, name) return counts[what][name] or 0 end

--- Prints what was counted, the most frequent first.
function tally.show(what)
  local list = {}
  for name, count in pairs(counts[what]) do list[#list + 1] = { name, count } end
  table.sort(list, function(x, y) return x[2] > y[2] or (x[2] == y[2] and x[1] < y[1]) end)
  for i, one in ipairs(list) do list[i] = one[1] .. " " .. one[2] end
  io.write("# ", what, ": ", table.concat(list, ", "), "\n")
end

return tally
