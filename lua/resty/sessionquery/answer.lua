--- Answers that the gateway gives by itself.
local core = require "sessionquery.core"

local answer = {}

--- Ends the request with an error as the providers' clients read one: { "error": { "message", "type", … } }.
---@param status integer
---@param kind string
---@param message string
---@param more? table further members
---@param retry_after? integer seconds
function answer.refuse(status, kind, message, more, retry_after)
  local told = { message = message, type = kind }
  for name, value in pairs(more or {}) do told[name] = value end
  ngx.status = status
  ngx.header["Content-Type"] = "application/json"
  ngx.header["Cache-Control"] = "private, no-store"
  ngx.header["Retry-After"] = retry_after
  ngx.print(core.encode({ error = told }))
  return ngx.exit(ngx.HTTP_OK)
end

return answer
