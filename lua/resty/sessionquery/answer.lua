--- Answers that the gateway gives by itself.
local core = require "sessionquery.core"
local vendors = require "sessionquery.http.vendors"

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

local said = {
  [400] = "the request is malformed",
  [404] = "there is nothing at this path",
  [405] = "the server takes no such method",
  [408] = "the request came too slowly",
  [413] = "the body is larger than the server takes",
  [494] = "the header is larger than the server takes",
  [414] = "the request line is longer than the server takes",
  [501] = "the server knows no such transfer encoding",
  [505] = "the server speaks HTTP/1.0 and HTTP/1.1",
}

--- In content_by_lua of an error_page's location: what nginx refuses by itself, as JSON with its status, in the envelope of
--- whose path it is.
function answer.error_page()
  local status = ngx.status
  ngx.header["Content-Type"] = "application/json"
  ngx.header["Cache-Control"] = "no-store"
  -- the request's line, since of a path that nginx itself finds malformed there is no $request_uri
  local raw = (ngx.var.request or ""):match "^%S+ ([^?%s]*)" or "/"
  ngx.print(vendors.refusal(raw, nil, status, said[status] or "the server refuses this"))
end

return answer
