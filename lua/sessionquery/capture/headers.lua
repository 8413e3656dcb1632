--- Helicone's headers of a call: fields of the record, and what the provider must not see.
local headers = {}

local fields = {
  ["helicone-session-id"] = "session_id",
  ["helicone-session-name"] = "session_name",
  ["helicone-session-path"] = "session_path",
  ["helicone-user-id"] = "user_id",
  ["helicone-request-id"] = "request_id",
  ["helicone-prompt-id"] = "prompt_id",
}

--- Where a header stands several times, a list, the first that says something counts. "" is as if absent.
local function value_of(value)
  if type(value) == "table" then
    for i = 1, #value do
      if type(value[i]) == "string" and value[i] ~= "" then return value[i] end
    end
    return nil
  end
  if type(value) == "string" and value ~= "" then return value end
end

--- One header's value, or nil.
function headers.get(all, name) return value_of(all[name]) end

local function is_on(value)
  value = value and value:lower()
  return value ~= nil and value ~= "false" and value ~= "0"
end

--- Sets the record's fields. Gives the names to clear, sorted, and which bodies are not to be kept.
function headers.read(all, record)
  local clear, properties = {}, {}
  for name, value in pairs(all) do
    local lower = type(name) == "string" and name:lower() or ""
    if lower:sub(1, 9) == "helicone-" then
      clear[#clear + 1] = name
      local text = value_of(value)
      local property = lower:match "^helicone%-property%-(.+)$"
      if property then properties[property] = text elseif fields[lower] then record[fields[lower]] = text end
      if lower == "helicone-cache-enabled" and text then record.cache_enabled = is_on(text) end
    end
  end
  table.sort(clear)
  if next(properties) then record.properties = properties end
  return clear, {
    request = is_on(headers.get(all, "helicone-omit-request")),
    response = is_on(headers.get(all, "helicone-omit-response")),
  }
end

return headers
