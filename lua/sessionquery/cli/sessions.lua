local format = require "sessionquery.format"

local command = { summary = "Print sessions." }

local columns = {
  { name = "id" },
  { name = "name" },
  { name = "total_requests", title = "requests" },
  { name = "errors" },
  { name = "total_tokens", title = "tokens" },
  { name = "total_cost_usd", title = "cost_usd", type = "money" },
  { name = "latency_p50_ms", title = "p50_ms" },
  { name = "latency_p99_ms", title = "p99_ms" },
  { name = "latest_request_created_at", title = "latest", type = "time" },
}

function command.options(parser, shared)
  shared.query_options(parser)
  parser:option("--format", "Output."):choices(format.names):default "table"
end

function command.run(args, shared)
  local db = shared.open(args, { readonly = true })
  local rows, message = shared.sessions(db, args):all()
  if not rows then shared.fail(message) end
  shared.write(assert(format.write(args.format, columns, rows)))
  db:close()
end

return command
