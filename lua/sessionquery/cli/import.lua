local prices = require "sessionquery.prices"

local command = { summary = "Take in JSON lines (plain or gzip)." }

function command.options(parser)
  parser:argument("files", "Files of JSON lines; - is standard input."):args "+"
  parser:option("--format", "Names of the fields."):choices({ "canonical", "helicone" }):default "canonical"
  parser:option("--map", "Lua file that returns a function from a decoded line to a record."):argname "<file>"
  parser:option("--on-conflict", "When the request_id is known."):choices({ "replace", "skip", "update" }):default "replace"
  parser:option("--on-error", "When a line is bad."):choices({ "skip", "stop" }):default "skip"
  parser:option("--prices", "LiteLLM's JSON file of prices, or a table of them as JSON or Lua: fills costs in."):argname "<file>"
  parser:flag("-q --quiet", "No progress.")
end

local function load_map(path, shared)
  if not path then return nil end
  local loaded, map = pcall(dofile, path)
  if not loaded then shared.fail(map) end
  if type(map) ~= "function" then shared.fail(path .. " returns no function") end
  return map
end

local function report(file, sum, shared)
  for _, detail in ipairs(sum.errors) do
    io.stderr:write(("%s:%d: %s\n"):format(file, detail.line, detail.message))
  end
  if sum.failed > #sum.errors then io.stderr:write(("%s: and %d bad lines more\n"):format(file, sum.failed - #sum.errors)) end
  local parts = { ("%s: %d lines"):format(file, sum.lines) }
  for _, name in ipairs { "added", "replaced", "updated", "skipped", "failed", "repaired" } do
    if sum[name] > 0 then parts[#parts + 1] = ("%d %s"):format(sum[name], name) end
  end
  shared.write(table.concat(parts, ", ") .. "\n")
end

function command.run(args, shared)
  local priced, wrong
  if args.prices then
    priced, wrong = prices.load(args.prices)
    if not priced then shared.fail(wrong) end
  end
  local db = shared.open(args, { prices = priced })
  local failed = false
  for _, file in ipairs(args.files) do
    local progress = not args.quiet and function(lines, _, _, _, bad)
      io.stderr:write(("\r%s: %d lines, %d failed"):format(file, lines, bad))
    end or nil
    local source = file == "-" and "/dev/stdin" or file
    local sum, message = db:import(source, {
      format = args.format,
      map = load_map(args.map, shared),
      on_conflict = args.on_conflict,
      on_error = args.on_error,
      progress = progress,
    })
    if progress then io.stderr:write "\n" end
    if not sum then
      db:close()
      shared.fail(file .. ": " .. message)
    end
    report(file, sum, shared)
    failed = failed or sum.failed > 0
  end
  if priced then shared.tell_unknown(priced.unknown) end
  db:close()
  if failed then os.exit(2) end
end

return command
