local command = { summary = "Move the rows that wait into the column index." }

function command.options(parser)
  parser:flag("--words", "Also put the words of bodies into an index, for 'phrase'.")
end

function command.run(args, shared)
  local db = shared.open_there(args)
  local done, message = db:seal()
  if done and args.words then done, message = db:index_words() end
  if not done then shared.fail(message) end
  db:close()
end

return command
