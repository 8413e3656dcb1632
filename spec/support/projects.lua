--- What the specs of projects share: some ids, stores of both kinds, and how a list and a refusal are told.
local assert = require "luassert"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local projects = {
  UPPER = "0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D",
  LOWER = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
  OTHER = "11111111-2222-4333-8444-555555555555",
}

--- With a new store in memory, and one in a file.
function projects.each_store(run)
  for _, path in ipairs { ":memory:", vm.path() } do
    local db = assert(sq.open(path))
    run(db, path)
    db:close()
    if path ~= ":memory:" then vm.remove(path) end
  end
end

--- "organization/name …", without the organization that has no name.
function projects.names(list)
  local all = {}
  for i, project in ipairs(list) do all[i] = (project.organization_id == "" and "" or project.organization_id .. "/") .. project.name end
  return table.concat(all, " ")
end

--- Of a call that has to be refused so: what it said.
function projects.refused(code, project, message, detail)
  assert.is_nil(project)
  assert.equal(code, detail.code, message)
  return message, detail
end

return projects
