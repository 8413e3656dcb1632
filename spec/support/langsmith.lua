--- Asking an application as LangSmith's clients do; answers are held against the contract.
local contract = require "spec.support.langsmith_contract"
local core = require "sessionquery.core"
local schema = require "spec.support.schema"

local langsmith = {}

--- The status, the decoded answer (nil: an empty one), what the operator is told.
---@param more? table<string, string> headers
function langsmith.ask(app, method, path, query, body, more)
  local headers = { ["content-type"] = "application/json" }
  for name, value in pairs(more or {}) do headers[name] = value end
  local status, _, text, problem = app:handle {
    method = method, path = path, query = query, remote = "127.0.0.1", headers = headers,
    body = type(body) == "table" and core.encode(body) or body,
  }
  return status, text ~= "" and core.decode(text) or nil, problem
end

--- Percent-encoded.
function langsmith.encode(text) return (text:gsub("[^%w]", function(byte) return ("%%%02X"):format(byte:byte()) end)) end

--- The answer, valid by a schema.
function langsmith.valid(document, answer)
  local wrong = schema.check(document, answer)
  if wrong then error(wrong, 2) end
  return answer
end

--- The list that a query of GET /sessions gives.
function langsmith.list(app, query, more)
  local status, answer, problem = langsmith.ask(app, "GET", "/sessions", query, nil, more)
  assert(status == 200, tostring(problem) .. core.encode(answer))
  return langsmith.valid(contract.list, answer)
end

--- Names of projects, with a space between.
function langsmith.names(answer)
  local all = {}
  for i, session in ipairs(answer) do all[i] = session.name end
  return table.concat(all, " ")
end

return langsmith
