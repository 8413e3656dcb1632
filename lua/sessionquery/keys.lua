--- Keys of a server: whom it lets in, as whom, for what. A key's text, "id.secret", is told once, when it is
--- made; the store keeps its SHA-256.
local check = require "sessionquery.check"
local core = require "sessionquery.core"

local keys = {
  --- The names of the rights. None includes another.
  ---@type string[]
  rights = core.rights,
}

local known_rights = {}
for _, name in ipairs(core.rights) do known_rights[name] = true end

--- The open handle of a store; raises at the caller of the function.
local function core_of(db, what)
  local open = type(db) == "table" and rawget(db, "_core")
  if not open then error(what .. ": expected an open store", 3) end
  return open
end

--- A set of rights of a list of their names.
local function set_of(list)
  local what = "keys.create: rights"
  local set = {}
  for i = 1, check.list(list, what, 1) do
    local name = list[i]
    if type(name) ~= "string" or not known_rights[name] then
      local hint = type(name) == "string" and check.hint(name, known_rights) or ""
      error(("%s: no right '%s'%s: there are %s"):format(what, tostring(name), hint, table.concat(core.rights, ", ")), 3)
    end
    set[name] = true
  end
  if next(set) == nil then error(("%s: one or more of %s"):format(what, table.concat(core.rights, ", ")), 3) end
  return set
end

---@class sessionquery.KeyOptions
---@field organization? string whose rows it reaches, and whose it records; default: the handle's, else ""
---@field project? string default: the handle's, else every project of the organization
---@field rights? ("query"|"record"|"admin")[] default { "query" }
---@field name? string for people

local create_known = { organization = "id", project = "id", rights = "table", name = "id" }

--- Makes a key: `local text = assert(keys.create(db, { organization = "acme", rights = { "query", "record" } }))`.
---@param db sessionquery.Store
---@param options? sessionquery.KeyOptions
---@return string? text "id.secret": nobody can tell it again
---@return string? message
---@return table? detail
function keys.create(db, options)
  local open = core_of(db, "keys.create")
  options = check.options(options, create_known, "keys.create")
  local set = set_of(options.rights or { "query" })
  return core.key_create(open, options, set)
end

---@class sessionquery.Key
---@field id string the part before the dot
---@field name? string
---@field organization string
---@field project? string nil: every one
---@field rights string[]
---@field created_at number seconds
---@field revoked_at? number seconds; nil: it is valid

--- The keys within the handle's scope, oldest first, revoked ones too: neither secrets nor hashes.
---@param db sessionquery.Store
---@return sessionquery.Key[]?
---@return string? message
---@return table? detail
function keys.list(db) return core.key_list(core_of(db, "keys.list")) end

--- Ends a key for good. Whoever keeps answers of `check` lets it in until they are old.
---@param db sessionquery.Store
---@param id string
---@return true?
---@return string? message
---@return table? detail code "not_found"
function keys.revoke(db, id)
  local open = core_of(db, "keys.revoke")
  check.type(id, "id", "keys.revoke: id")
  return core.key_revoke(open, id)
end

---@class sessionquery.Grant
---@field id string
---@field name? string
---@field organization string
---@field project? string nil: every one; of a handle with a project, that one
---@field rights table<string, true>

--- Whose key this is. One that is malformed, unknown, wrong, revoked or of another scope than the handle's is
--- refused with the same message (code "unauthorized"); an error of the store has another code.
---@param db sessionquery.Store a read-only handle will do
---@param text string as it came
---@return sessionquery.Grant?
---@return string? why
---@return table? detail
function keys.check(db, text)
  local open = core_of(db, "keys.check")
  check.type(text, "string", "keys.check: text")
  local key, message, detail = core.key_check(open, text)
  if not key then return nil, message, detail end
  local rights = {}
  for _, name in ipairs(key.rights) do rights[name] = true end
  return { id = key.id, name = key.name, organization = key.organization, project = key.project, rights = rights }
end

--- Whether a key was ever made in this store, whatever the handle's scope. Revoking the last one opens nothing.
---@param db sessionquery.Store
---@return boolean?
---@return string? message
---@return table? detail
function keys.any(db) return core.key_any(core_of(db, "keys.any")) end

return keys
