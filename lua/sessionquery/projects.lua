--- Projects: what is known of them beside their requests. Methods of the store.
local check = require "sessionquery.check"
local core = require "sessionquery.core"
local filters = require "sessionquery.filter"

--- A project exists when it has requests, or was created. Its id is the one it was given, else made of its
--- organization and name (core.project_id), and stays when it is renamed.
---@class sessionquery.Project
---@field organization_id string
---@field name string
---@field id string UUID in lower case
---@field description? string
---@field start_time? number seconds, as given
---@field end_time? number
---@field default_dataset_id? string
---@field reference_dataset_id? string
---@field trace_tier? "longlived"|"shortlived"
---@field extra table as it was given, sq.null for null; empty when there is none
---@field tag_value_ids string[]
---@field created_at? number when it was created or first changed; nil: never
---@field stored boolean it was created or changed: false of one that only has requests
---@field requests integer
---@field first_request_at? number created_at of its first request
---@field last_request_at? number

---@class sessionquery.ProjectMembers
---@field organization_id? string of a new project; default: the handle's, else ""
---@field name? string of a new project it must be there
---@field id? string UUID, of a new project only; default: made of the name
---@field description? string
---@field start_time? number|string seconds, or RFC 3339 text
---@field end_time? number|string
---@field default_dataset_id? string UUID
---@field reference_dataset_id? string UUID
---@field trace_tier? "longlived"|"shortlived"
---@field extra? table an object
---@field tag_value_ids? string[] UUIDs

local projects = {}

--- The open handle of a method's `self`; raises at the method's caller.
local function core_of(db)
  if type(db) ~= "table" then error("expected a store: methods are called with a colon, db:method(…)", 3) end
  local open = rawget(db, "_core")
  if not open then error("the store is closed", 3) end
  return open
end

local member_names = {
  organization_id = true, name = true, id = true, description = true, start_time = true, end_time = true, default_dataset_id = true,
  reference_dataset_id = true, trace_tier = true, extra = true, tag_value_ids = true,
}

--- Members as JSON text; an unknown one raises at the method's caller.
local function text_of(members, what)
  check.type(members, "table", what, 1)
  for name in next, members do
    if not member_names[name] then
      error(("%s: a project has no member '%s'%s"):format(what, tostring(name), check.hint(tostring(name), member_names)), 3)
    end
  end
  return check.json(members, what, 1)
end

local list_known = { organization = "id", name = "id", id = "id", ids = "table" }

---@class sessionquery.ProjectQuery
---@field organization? string
---@field name? string
---@field id? string
---@field ids? string[] any of them

--- The projects within the handle's scope that are as named, by organization and name.
---@param options sessionquery.ProjectQuery
---@return sessionquery.Project[]?
---@return string? message
---@return table? detail
function projects.list(db, options)
  options = check.options(options, list_known, "projects", 1)
  local ids = options.ids
  if ids then
    check.list(ids, "projects: ids", 1)
    for i, id in ipairs(ids) do check.type(id, "id", ("projects: ids: %d"):format(i), 1) end
  end
  if options.id and ids then error("projects: id or ids, not both", 3) end
  ids = ids or options.id and { options.id }
  return core.project_list(db._core, { organization = options.organization, name = options.name, ids = ids })
end

--- Creates a project; code "conflict" when there is one of this name in the organization, or with this id.
--- `db:create_project{ name = "shop", description = "the shop's assistant" }`.
---@param members sessionquery.ProjectMembers
---@return sessionquery.Project?
---@return string? message
---@return table? detail
function projects:create_project(members)
  local open = core_of(self)
  local text, message, wrong = text_of(members, "create_project")
  if not text then return nil, message, wrong end
  local project, why, detail = core.project_create(open, text)
  if project then return project end
  return nil, why, filters.placeless(detail, members)
end

--- Changes what is named; sq.null clears it. A new name takes the project's requests, feedback, tags and keys along, in
--- one transaction: of a project with very many requests that takes its time.
---@param id string
---@param members sessionquery.ProjectMembers
---@param where? { organization?: string } for a handle that spans several
---@return sessionquery.Project?
---@return string? message
---@return table? detail code "not_found", or "conflict" when the name is another project's
function projects:update_project(id, members, where)
  local open = core_of(self)
  check.type(id, "id", "update_project: id")
  where = check.options(where, { organization = "id" }, "update_project")
  local text, message, wrong = text_of(members, "update_project")
  if not text then return nil, message, wrong end
  local project, why, detail = core.project_update(open, id, text, where.organization)
  if project then return project end
  return nil, why, filters.placeless(detail, members)
end

--- Deletes a project with its requests, their bodies and feedback, the tags and metadata of its sessions.
---@param id string
---@param where? { organization?: string, erase?: boolean } erase: as db:delete has it
---@return sessionquery.Deleted? counts
---@return string? message
---@return table? detail code "not_found"
function projects:delete_project(id, where)
  local open = core_of(self)
  check.type(id, "id", "delete_project: id")
  where = check.options(where, { organization = "id", erase = "boolean" }, "delete_project")
  return open:delete { project_id = id, organization = where.organization, erase = where.erase }
end

return projects
