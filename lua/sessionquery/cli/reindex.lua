local command = { summary = "Make the column index anew, from the rows." }

function command.options() end

function command.run(args, shared)
  local db = shared.open_there(args)
  local made, message = db:reindex()
  if not made then shared.fail(message) end
  db:close()
end

return command
