--- POST /runs/multipart: the runs of a batch in parts of a form, post.ID or patch.ID with the run, post.ID.inputs and so on
--- with members that are large. A client sends it that has not seen GET /info, which asks for JSON batches.
local multipart = {}

local MEMBERS = { inputs = true, outputs = true, events = true, extra = true, error = true, serialized = true }

--- The boundary that a Content-Type names.
---@param kind string?
---@return string?
function multipart.boundary(kind)
  kind = kind or ""
  return kind:match 'boundary="([^"]+)"' or kind:match "boundary=([^%s;]+)"
end

--- The parts of a form: their names and contents; nil and why where it is none.
---@param body string
---@param boundary string
---@return { name: string, text: string }[]?
---@return string? message
function multipart.parts(body, boundary)
  local mark = "--" .. boundary
  local found, at = {}, body:sub(1, #mark) == mark and 1 or nil
  if not at then return nil, "the form does not begin with its boundary" end
  while true do
    at = at + #mark
    if body:sub(at, at + 1) == "--" then return found end
    if body:sub(at, at + 1) ~= "\r\n" then return nil, "a boundary is not the end of its line" end
    local head_end, text = body:find("\r\n\r\n", at, true)
    local stop = text and body:find("\r\n" .. mark, text + 1, true)
    if not stop then return nil, "the form ends too early" end
    local name = body:sub(at, head_end):lower():find "content%-disposition:" and body:sub(at, head_end):match '[%s;]name="([^"]*)"'
    if not name then return nil, "a part has no name" end
    found[#found + 1] = { name = name, text = body:sub(text + 1, stop - 1) }
    at = stop + 2
  end
end

---@class sessionquery.langsmith.Form
---@field post { id: string, text: string }[] runs as JSON text
---@field patch { id: string, text: string }[]
---@field unknown string[] names of parts that say nothing here: attachments, and others

--- The runs of the parts of a form: members that came apart stand in them again.
---@param parts { name: string, text: string }[]
---@return sessionquery.langsmith.Form
function multipart.runs(parts)
  local form, by_name = { post = {}, patch = {}, unknown = {} }, {}
  for _, part in ipairs(parts) do
    local event, id, member = part.name:match "^(%a+)%.([^.]+)%.?(.*)$"
    local run = id and by_name[event .. "." .. id]
    if member == "" and form[event] and event ~= "unknown" and not run then
      run = { id = id, texts = { (part.text:gsub("}%s*$", "")) }, empty = part.text:find "^%s*{%s*}%s*$" ~= nil }
      by_name[part.name] = run
      table.insert(form[event], run)
    elseif run and MEMBERS[member] then
      local comma = run.empty and "" or ","
      run.empty = false
      table.insert(run.texts, ('%s"%s":%s'):format(comma, member, part.text))
    else
      form.unknown[#form.unknown + 1] = part.name
    end
  end
  for _, run in pairs(by_name) do run.text = table.concat(run.texts) .. "}" end
  return form
end

return multipart
