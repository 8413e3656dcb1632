--- spec/golden/translate.txt: a filter in `where`, and below it, indented, the same in each dialect, or what that
--- dialect cannot say of it and why. Lines that begin with # and empty ones are comments.
local sq = require "sessionquery"

local translations = { path = "spec/golden/translate.txt" }

local function one_line(text) return (text:gsub("\n", "⏎")) end

--- The lines below a filter, as they are now.
function translations.lines(source)
  local filter, lines = assert(sq.filter("where", (source:gsub("⏎", "\n")))), {}
  for _, dialect in ipairs { "where", "langsmith", "freeplay", "helicone" } do
    local text, parts = filter:to(dialect)
    if text then lines[#lines + 1] = ("  %-10s %s"):format(dialect, one_line(text)) end
    for _, part in ipairs(parts or {}) do
      lines[#lines + 1] = ("  %-10s cannot: %s: %s"):format(dialect, one_line(part.part), part.reason)
    end
  end
  return lines
end

--- The file's parts: { comment } or { source, line, lines }.
function translations.read()
  local cases, number = {}, 0
  for line in io.lines(translations.path) do
    number = number + 1
    if line == "" or line:find "^#" then cases[#cases + 1] = { comment = line }
    elseif line:find "^  " then table.insert(cases[#cases].lines, line)
    else cases[#cases + 1] = { source = line, line = number, lines = {} } end
  end
  return cases
end

--- Writes the file anew from what the writers say now.
function translations.rewrite()
  local cases, out = translations.read(), {}
  for _, case in ipairs(cases) do
    out[#out + 1] = case.comment or case.source
    if case.source then out[#out + 1] = table.concat(translations.lines(case.source), "\n") end
  end
  local file = assert(io.open(translations.path, "w"))
  file:write(table.concat(out, "\n"), "\n")
  file:close()
  return #cases
end

return translations
