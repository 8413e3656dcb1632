local command = { summary = "Compare the column index with the rows." }

function command.options() end

function command.run(args, shared)
  local db = shared.open(args, { readonly = true })
  local rows, message = db:check()
  if not rows then shared.fail(message) end
  shared.write(("%d requests are in the column index as in their rows\n"):format(rows))
  db:close()
end

return command
