local format = require "sessionquery.format"

local command = { summary = "Run a report file." }

function command.options(parser)
  parser:argument("file", "Lua file that returns a report.")
  parser:option("-p --param", "A parameter of the report."):args(1):count("*"):argname "<name=value>"
  parser:option("--format", "Output."):choices(format.names):default "table"
end

function command.run(args, shared)
  local params = {}
  for _, text in ipairs(args.param) do
    local name, value = (type(text) == "table" and text[1] or text):match "^([%w_]+)=(.*)$"
    if not name then shared.fail "a parameter is written name=value" end
    params[name] = value
  end
  local db = shared.open(args, { readonly = true })
  local result, message = require("sessionquery.report").run(db, args.file, params)
  if not result then shared.fail(message) end
  if args.format == "table" then shared.write(result.title .. "\n\n") end
  shared.write(assert(result:format(args.format)))
  db:close()
end

return command
