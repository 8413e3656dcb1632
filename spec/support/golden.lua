--- Golden files: one case on a line, `dialect | source | ir | sqlite`, or `dialect | source | error …`. A line
--- break within a part is written ⏎. Lines that begin with # and empty ones are comments.
local sq = require "sessionquery"

local golden = {}

golden.files = {
  "spec/golden/freeplay.txt", "spec/golden/helicone.txt", "spec/golden/helicone_body.txt", "spec/golden/helicone_endpoints.txt",
  "spec/golden/langsmith.txt", "spec/golden/where.txt",
}

local function one_line(text) return (text:gsub("\n", "⏎")) end
local function lines_again(text) return (text:gsub("⏎", "\n")) end

local function error_part(message, detail)
  local place = ""
  if detail.offset then place = (" at %d+%d"):format(detail.offset, detail.length) end
  if detail.pointer then place = place .. " " .. detail.pointer end
  return ("error %s%s: %s"):format(detail.code, place, message)
end

--- A whole request body, as explain shows what became of it.
local function body_parts(source, endpoint)
  local query, message, detail = sq.query("helicone", source, { endpoint = endpoint })
  if not query then return { error_part(message, detail) } end
  local db = assert(sq.open(":memory:", { engine = "sql" }))
  local text = assert(query:on(db):explain())
  db:close()
  return { assert(text:match "\nquery: ([^\n]*)"), "values " .. assert(text:match "\nvalues: ([^\n]*)") }
end

--- What the compiler says of a case now: the parts behind the source.
function golden.parts(dialect, source)
  if dialect == "helicone body" then return body_parts(source) end
  local endpoint = dialect:match "^helicone (%l+)$"
  if endpoint then return body_parts(source, endpoint) end
  local name = dialect:gsub(" strict$", "")
  local filter, message, detail = sq.filter(name, source, { strict = name ~= dialect })
  if not filter then return { error_part(message, detail) } end
  return { filter:dump(), filter:sql "sqlite" }
end

--- The cases of a file: { line, dialect, source, parts } and the comments between them.
function golden.read(path)
  local cases, number = {}, 0
  for line in io.lines(path) do
    number = number + 1
    local dialect, rest = line:match "^([%l -]+) | (.*)$"
    if line == "" or line:find "^#" or not dialect then
      cases[#cases + 1] = { line = number, comment = line }
    else
      local source, expected = rest:match "^(.-) | (.*)$"
      cases[#cases + 1] = { line = number, dialect = dialect, source = lines_again(source or rest), expected = expected }
    end
  end
  return cases
end

--- The line of a case as it should be.
function golden.write(case)
  if case.comment then return case.comment end
  local parts = golden.parts(case.dialect, case.source)
  local line = { case.dialect, one_line(case.source) }
  for _, part in ipairs(parts) do line[#line + 1] = one_line(part) end
  return table.concat(line, " | ")
end

return golden
