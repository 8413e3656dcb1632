--- The request's body, whether nginx kept it in memory or in a temporary file.
local complain = require "resty.sessionquery.complain"

local body = {}

--- Reads the body from the client, as far as nginx's client_max_body_size lets it come.
---@return string? text nil: there is none, or it is in a file
---@return string? path of that file, which lives as long as the request
function body.read()
  ngx.req.read_body()
  local text = ngx.req.get_body_data()
  if text then return text end
  return nil, ngx.req.get_body_file()
end

--- The whole body as text. A file is read in the event loop: it was written a moment ago, so the pages are there;
--- with client_body_buffer_size = client_max_body_size there is none.
---@return string
function body.text()
  local text, path = body.read()
  if not path then return text or "" end
  local file, message = io.open(path, "rb")
  if not file then
    complain("a body cannot be read", message)
    return ""
  end
  text = file:read "*a"
  file:close()
  return text
end

return body
