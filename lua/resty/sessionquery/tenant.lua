--- Whose a call is: by the key in Helicone-Auth, since Authorization is the provider's on the proxied path; without
--- one, the organization of the location or of `setup`.
local complain = require "resty.sessionquery.complain"
local counters = require "resty.sessionquery.counters"
local settings = require "resty.sessionquery.settings"
local threads = require "resty.sessionquery.threads"

local tenant = {}

local MOST_KEYS = 1000 -- remembered in a worker
local RETRY = 1

local known, count = {}, 0 -- what a key was found to be, and until when, by its text

local function look_up(text)
  local found = known[text]
  if found and found.until_time > ngx.now() then return found.state, found.key end
  local ok, state, key = threads.run("key", settings.path, text, settings.timeout_ms)
  if not ok then return nil, state end
  if not state then return nil, key end
  if not found then
    if count >= MOST_KEYS then known, count = {}, 0 end
    count = count + 1
  end
  known[text] = { state = state, key = key, until_time = ngx.now() + settings.key_cache_s }
  return state, key
end

local function refusal(status, kind, message)
  counters.add "refused_key"
  return nil, { status = status, kind = kind, message = message, retry_after = status == 503 and RETRY or nil }
end

local function text_of(header)
  if type(header) == "table" then header = header[1] end
  return header and header:match "^[Bb]earer%s+(%S+)%s*$"
end

--- The tenant of a call; or nil and how to refuse it.
---@param header? string|string[] Helicone-Auth
---@param options { organization?: string, project?: string, keys?: "optional"|"required" }
---@return { organization?: string, project?: string, key_id?: string }?
---@return { status: integer, kind: string, message: string, retry_after?: integer }?
function tenant.of(header, options)
  local default = { organization = options.organization or settings.organization, project = options.project or settings.project }
  local required = options.keys == "required"
  local text = text_of(header)
  if not text then
    if not header and not required then return default end
    return refusal(401, "invalid_api_key", "Helicone-Auth: Bearer KEY is missing")
  end
  local state, key = look_up(text)
  if not state then
    complain("keys cannot be read", key)
    return refusal(503, "unavailable", "keys cannot be read")
  end
  if state == "none" and not required then return default end
  if state ~= "key" then return refusal(401, "invalid_api_key", "the key in Helicone-Auth is not valid") end
  local elsewhere = default.organization and default.organization ~= key.organization
    or default.project and key.project and default.project ~= key.project
  if not key.rights.record or elsewhere then
    return refusal(403, "forbidden", "the key in Helicone-Auth may not record here")
  end
  return { organization = key.organization, project = key.project or default.project, key_id = key.id }
end

return tenant
