local command = { summary = "Move the rows that wait into the column index." }

function command.options() end

function command.run(args, shared)
  local db = shared.open_there(args)
  local sealed, message = db:seal()
  if not sealed then shared.fail(message) end
  db:close()
end

return command
