local core = require "sessionquery.core"

local command = { summary = "Print numbers about the store." }

local names = {
  "requests", "sessions", "without_session", "bodies", "feedback", "held", "organizations", "projects",
  "first_created_at", "last_created_at", "bytes", "wal_bytes", "schema_version",
  "sealed", "unsealed", "dead", "segments", "index_bytes", "index_state", "last_error",
}

function command.options() end

function command.run(args, shared)
  local db = shared.open(args, { readonly = true })
  local stats, message = db:stats()
  if not stats then shared.fail(message) end
  for _, name in ipairs(names) do
    local value = stats[name]
    if value ~= nil then
      if name:find "_at$" then value = core.iso(value) end
      shared.write(("%-17s %s\n"):format(name, tostring(value)))
    end
  end
  db:close()
end

return command
