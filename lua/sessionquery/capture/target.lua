--- The URL of a call, without what is secret in it.

local secret = {
  key = true, api_key = true, apikey = true, ["api-key"] = true, access_token = true, token = true, auth = true,
  authorization = true, code = true, sig = true, signature = true, secret = true, client_secret = true, password = true,
}

local function unescape(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function is_secret(name)
  name = unescape(name):lower()
  return secret[name] or name:find "[-_]key$" or name:find "[-_]token$" or name:find "^x%-amz%-" or name:find "^x%-goog%-"
end

local target = {}

--- A query string with the values of secret parameters taken out.
function target.query(query)
  return (query:gsub("[^&;]+", function(pair)
    local name = pair:match "^[^=]*"
    if #name < #pair and is_secret(name) then return name .. "=[redacted]" end
  end))
end

--- scheme://host/path?query
function target.url(scheme, host, path, query)
  local plain, own = path:match "^([^?]*)%?(.*)$"
  path, query = plain or path, query or own
  host = host and host:gsub("^.*@", "")
  local url = (host and (scheme or "https") .. "://" .. host or "") .. path
  if query and query ~= "" then url = url .. "?" .. target.query(query) end
  return url
end

return target
