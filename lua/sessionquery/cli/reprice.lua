local prices = require "sessionquery.prices"

local command = { summary = "Compute costs anew, where none were recorded." }

function command.options(parser)
  parser:option("--prices", "LiteLLM's JSON file of prices, or a table of them as JSON or Lua."):argname "<file>":count(1)
  parser:option("--from", "Only requests from then on: RFC 3339, a date, or an age (90m, 24h, 7d)."):argname "<time>"
  parser:option("--to", "Only requests before then."):argname "<time>"
end

function command.run(args, shared)
  local loaded, wrong = prices.load(args.prices)
  if not loaded then shared.fail(wrong) end
  local db = shared.open_there(args)
  local from, to = shared.time(args.from), shared.time(args.to)
  local ran, sum, message = pcall(db.reprice, db, { prices = loaded, from = from, to = to })
  if not ran then shared.fail((tostring(sum):gsub("^[^\n]-reprice: ", "--"))) end
  if not sum then shared.fail(message) end
  shared.write(("%d costs changed, by %.9f USD; %d requests have a model without a price\n"):format(sum.changed,
    sum.difference_usd, sum.unknown))
  shared.tell_unknown(sum.models)
  db:close()
end

return command
