--- Checks files of vendors' filters against what should become of them: `lua5.4 spec/tools/filters.lua FILE …`. Each line
--- is JSON: LangSmith's has "filter", and "default" and "strict", each "accept" or "reject"; Freeplay's has "filters", and
--- is accepted. The exit status is 1 when a line becomes something else, or cannot be written back.
package.path = "./?.lua;lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = "build/5.4/?.so;" .. package.cpath
local core = require "sessionquery.core"
local sq = require "sessionquery"

local passed, failed = 0, 0

local function check(good, place, message)
  if good then
    passed = passed + 1
  else
    failed = failed + 1
    print(place .. ": " .. message)
  end
end

--- Whether the source is accepted as the line says; the filter.
local function accept(place, dialect, source, wanted, strict)
  local filter, message = sq.filter(dialect, source, { strict = strict })
  check((filter ~= nil) == (wanted == "accept"), place, ("should be %sed%s: %s"):format(wanted, strict and " when strict" or "", message or "it was accepted"))
  return filter
end

--- What is written back compiles to the same tree.
local function write_back(place, dialect, filter)
  local text, parts = filter:to(dialect)
  local again = text and sq.filter(dialect, text)
  check(again and again:dump() == filter:dump(), place, ("%s is written back as %s"):format(filter:dump(), text or core.encode(parts)))
end

for _, path in ipairs(arg) do
  local number = 0
  for line in io.lines(path) do
    number = number + 1
    local place, case = ("%s:%d"):format(path, number), assert(core.decode(line))
    local dialect = case.filters and "freeplay" or "langsmith"
    local source = case.filters and assert(core.encode(case.filters)) or case.filter
    local filter = accept(place, dialect, source, case.default or "accept", false)
    if case.strict then accept(place, dialect, source, case.strict, true) end
    if filter then write_back(place, dialect, filter) end
  end
end

print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and passed > 0 and 0 or 1)
