local format = require "sessionquery.format"
local keys = require "sessionquery.keys"

local actions = {}

--- `actions`: it has subcommands, and each of them the store's options.
local command = { summary = "Make, list and revoke the keys of a server.", actions = actions }

local columns = {
  { name = "id" },
  { name = "name" },
  { name = "organization" },
  { name = "project" },
  { name = "rights" },
  { name = "created_at", type = "time" },
  { name = "revoked_at", type = "time" },
}

function command.options(parser, shared)
  parser:command_target "action"
  local add = parser:command("add", "Make a key for --organization and --project, and print it: it is told this once.")
  shared.store_options(add)
  add:option("--right", "What it may do, as often as wanted; query when none is named."):choices(keys.rights):count("*")
  add:option("--name", "For people."):argname "<text>"
  local list = parser:command("list", "Print the keys, without what is secret.")
  shared.store_options(list)
  list:option("--format", "Output."):choices(format.names):default "table"
  local revoke = parser:command("revoke", "End keys for good.")
  shared.store_options(revoke)
  revoke:argument("ids", "What stands before the dot."):args "+"
end

function actions.add(db, args, shared)
  local rights = #args.right > 0 and args.right or nil
  local text, message = keys.create(db, { rights = rights, name = args.name }) -- the handle has the organization
  if not text then shared.fail(message) end
  shared.write(text .. "\n")
end

function actions.list(db, args, shared)
  local list, message = keys.list(db)
  if not list then shared.fail(message) end
  for _, key in ipairs(list) do key.rights = table.concat(key.rights, ",") end
  shared.write(assert(format.write(args.format, columns, list)))
end

function actions.revoke(db, args, shared)
  local failed = {}
  for _, id in ipairs(args.ids) do
    id = id:match "^[^.]*" -- of a whole key too, whose secret is not to be told
    local revoked, message = keys.revoke(db, id)
    if not revoked then failed[#failed + 1] = message end
  end
  if #failed > 0 then shared.fail(table.concat(failed, "; ")) end
end

function command.run(args, shared)
  local open = args.action == "revoke" and shared.open_there or shared.open
  local db = open(args, args.action == "list" and { readonly = true } or nil)
  actions[args.action](db, args, shared)
  db:close()
end

return command
