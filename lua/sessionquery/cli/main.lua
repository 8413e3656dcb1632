--- The command: `sessionquery SUBCOMMAND …`; gives a function of its arguments. A subcommand is one module here and one line in `registry`.
local registry = { "import", "sessions", "report", "explain", "stats", "seal", "reindex", "check", "keys", "reprice", "translate" }

--- What subcommands share.
local shared = {}

--- Ends the command with a message on standard error.
function shared.fail(message)
  io.stderr:write("sessionquery: ", (tostring(message):gsub("\n*$", "")), "\n")
  os.exit(1)
end

--- Opens the store that --db names, and fails when that is not possible.
function shared.open(args, options)
  local sq = require "sessionquery"
  options = options or {}
  if args.db == "" then shared.fail "--db: the path is empty" end
  options.organization, options.project = args.organization, args.project
  local db, message = sq.open(args.db, options)
  if not db then shared.fail(message) end
  return db
end

--- Opens a store for writing that must be there already.
function shared.open_there(args)
  local file = io.open(args.db, "rb")
  if not file then shared.fail(("there is no store at %s"):format(args.db)) end
  file:close() -- before SQLite's locks are there to be lost
  return shared.open(args)
end

--- A time of the command line: RFC 3339, a date, or an age such as 90m, 24h, 7d, 2w before now.
function shared.time(text)
  if not text then return nil end
  local count, unit = text:match "^(%d+)([mhdw])$"
  if not count then return text end
  return os.time() - tonumber(count) * ({ m = 60, h = 3600, d = 86400, w = 604800 })[unit]
end

local BROKEN_PIPE = 32 -- EPIPE

--- A reader that has gone away (head) ends the command in silence; any other loss of output is a failure.
local function check_output(written, message, code)
  if written then return end
  if code == BROKEN_PIPE then os.exit(0) end
  shared.fail("standard output: " .. tostring(message))
end

--- Writes text to standard output, at once: what a buffer loses at the exit nobody is told.
function shared.write(text)
  check_output(io.stdout:write(text))
  check_output(io.stdout:flush())
end

--- Tells on standard error which models have no price, the most frequent first.
function shared.tell_unknown(models)
  local names = {}
  for name in pairs(models) do names[#names + 1] = name end
  table.sort(names, function(a, b)
    if models[a] ~= models[b] then return models[a] > models[b] end
    return a < b
  end)
  for _, name in ipairs(names) do
    io.stderr:write(("no price for %s: %d requests\n"):format(name == "" and "requests without a model" or name, models[name]))
  end
end

--- A count of the command line; nil and a message otherwise.
function shared.count(text)
  local number = tonumber(text)
  if number and number >= 0 and number <= 2 ^ 53 and number == math.floor(number) then return number end
  return nil, ("a count is a whole number, not '%s'"):format(text)
end

--- --db, --organization and --project, for every subcommand.
function shared.store_options(parser)
  parser:option("--db", "The store."):default(os.getenv "SESSIONQUERY_DB" or "llm.db"):argname "<file>"
  parser:option("--organization", "Only this organization."):argname "<id>"
  parser:option("--project", "Only this project."):argname "<name>"
end

--- --where, --since, --until, --order, --limit: what chooses sessions.
function shared.query_options(parser)
  parser:option("--where", "Only what passes this filter, as in: cost_usd > 0.5 and model like 'gpt-%'. Of several: each.")
    :argname("<filter>"):args(1):count "*"
  parser:option("--since", "Only requests from then on: RFC 3339, a date, or an age (90m, 24h, 7d)."):argname "<time>"
  parser:option("--until", "Only requests before then."):target("before"):argname "<time>"
  parser:option("--order", "A field, with - before it descending."):default("-latest_request_created_at"):argname "<field>"
  parser:option("--limit", "How many at most."):default("20"):convert(shared.count):argname "<count>"
end

--- The query of sessions that these options describe.
function shared.sessions(db, args)
  local sq = require "sessionquery"
  --- A mistake in an option's value is told with the option's name.
  local function with(option, build)
    local built, query = pcall(build)
    if not built then shared.fail(option .. ": " .. tostring(query):gsub("^[^\n]-%.lua:%d+: ", ""):gsub("^created_at: ", "")) end
    return query
  end
  local query = with("--since", function() return (db:sessions():window(shared.time(args.since), nil)) end)
  query = with("--until", function() return (query:window(nil, shared.time(args.before))) end)
  query = with("--order", function() return (query:order_by(args.order):limit(args.limit)) end)
  for _, where in ipairs(args.where) do
    local text = type(where) == "table" and where[1] or where -- as argparse's versions have it
    local filter, message = sq.filter("where", text)
    if not filter then shared.fail(message) end
    query = with("--where", function() return (query:where(filter)) end)
  end
  return query
end

--- "--order -cost" as "--order=-cost": the field's sign is no option.
local function join_signs(arguments)
  local joined, i = {}, 1
  while i <= #arguments do
    local argument, following = arguments[i], arguments[i + 1]
    if argument == "--order" and following and following:find "^%-%a" then
      joined[#joined + 1] = argument .. "=" .. following
      i = i + 2
    else
      joined[#joined + 1] = argument
      i = i + 1
    end
  end
  return joined
end

---@param arguments string[]
return function(arguments)
  local found, argparse = pcall(require, "argparse")
  if not found then
    shared.fail "the command needs the Lua module argparse: luarocks install argparse, or apt install lua-argparse"
  end
  local parser = argparse("sessionquery", "Sessions of LLM calls, from a SQLite store."):add_help_command()
  parser:flag("--version", "Print the version."):action(function()
    shared.write("sessionquery " .. require("sessionquery")._VERSION .. "\n")
    os.exit(0)
  end)
  parser:command_target "command"
  local commands = {}
  for _, name in ipairs(registry) do
    commands[name] = require("sessionquery.cli." .. name)
    local subparser = parser:command(name, commands[name].summary)
    if not commands[name].actions and not commands[name].storeless then shared.store_options(subparser) end
    commands[name].options(subparser, shared)
  end
  local args = parser:parse(join_signs(arguments))
  commands[args.command].run(args, shared)
end
