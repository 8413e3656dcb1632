--- `storeless`: it needs no store, and has no options of one.
local command = { summary = "Write a filter of one dialect in another.", storeless = true }

function command.options(parser)
  local core = require "sessionquery.core"
  local dialects = core.dialects()
  parser:option("--from", "The dialect of the filter."):choices(dialects):default "where"
  parser:option("--to", "The dialect to write it in."):choices(dialects):default "where"
  parser:argument("filter", "The filter's text; - reads it from standard input.")
end

local function read_filter(text, shared)
  if text ~= "-" then return text end
  local source, message = io.read "*a"
  if not source then shared.fail("standard input: " .. tostring(message)) end
  return (source:gsub("[\r\n]+$", ""))
end

function command.run(args, shared)
  local sq = require "sessionquery"
  local filter, message = sq.filter(args.from, read_filter(args.filter, shared))
  if not filter then shared.fail(message) end
  local text, parts = filter:to(args.to)
  if text then return shared.write(text .. "\n") end
  local lines = { ("%s cannot say:"):format(args.to) }
  for _, part in ipairs(parts) do lines[#lines + 1] = ("  %s\n    %s"):format(part.part, part.reason) end
  shared.fail(table.concat(lines, "\n"))
end

return command
