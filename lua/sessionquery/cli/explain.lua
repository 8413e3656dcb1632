local command = { summary = "Tell how a query of sessions is answered." }

function command.options(parser, shared) shared.query_options(parser) end

function command.run(args, shared)
  local db = shared.open(args, { readonly = true })
  local text, message = shared.sessions(db, args):explain()
  if not text then shared.fail(message) end
  shared.write(text)
  db:close()
end

return command
