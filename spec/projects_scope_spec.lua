--- Projects by handles that see one organization or one project, or only read.
local core = require "sessionquery.core"
local projects = require "spec.support.projects"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local LOWER, OTHER = projects.LOWER, projects.OTHER
local names, refused = projects.names, projects.refused

describe("a handle of one", function()
  local path, db, secret

  before_each(function()
    path = vm.path()
    db = assert(sq.open(path))
    secret = assert(db:create_project { organization_id = "theirs", name = "secret", id = LOWER, description = "secret" })
    assert(db:add { request_id = "r", created_at = 1, organization_id = "theirs", project = "used" })
    assert(db:add { request_id = "r", created_at = 1, organization_id = "ours", project = "p" })
    assert(db:create_project { organization_id = "ours", name = "q", id = OTHER })
  end)

  after_each(function()
    assert.same({ secret }, assert(db:projects { id = LOWER, organization = "theirs" }))
    db:close()
    vm.remove(path)
  end)

  it("organization does not learn of another's, by name, id, conflict or error", function()
    local ours = assert(sq.open(path, { organization = "ours" }))
    assert.equal("ours/p ours/q", names(assert(ours:projects {})))
    for _, which in ipairs { { id = LOWER }, { name = "secret" }, { organization = "theirs" }, { id = core.project_id("theirs", "used") },
      { organization = "theirs", name = "secret" } } do
      assert.same({}, assert(ours:projects(which)))
    end
    for _, id in ipairs { LOWER, core.project_id("theirs", "used") } do
      local absent = "11111111-1111-4111-8111-111111111111"
      for _, run in ipairs { function(of) return ours:update_project(of, { description = "x" }) end, function(of) return ours:delete_project(of) end } do
        local message, detail = refused("not_found", run(id))
        local other, like = refused("not_found", run(absent))
        assert.equal(message, (other:gsub(absent:gsub("%-", "%%-"), id)))
        assert.same(detail, like)
      end
    end
    refused("forbidden", ours:create_project { organization_id = "theirs", name = "new" })
    refused("forbidden", ours:update_project(OTHER, {}, { organization = "theirs" }))
    refused("forbidden", ours:delete_project(LOWER, { organization = "theirs" }))
    -- what another has is free here
    assert.equal("ours", assert(ours:create_project { name = "secret", id = LOWER }).organization_id)
    assert.equal("used", assert(ours:create_project { name = "used" }).name)
    assert(refused("conflict", ours:create_project { name = "p" }))
    assert(refused("conflict", ours:create_project { name = "z", id = OTHER }))
    ours:close()
  end)

  it("project has that one only, whatever it is called and whatever ids there are", function()
    local ours = assert(sq.open(path, { organization = "ours", project = "p" }))
    local id = core.project_id("ours", "p")
    assert.equal("ours/p", names(assert(ours:projects {})))
    assert.equal("ours/p", names(assert(ours:projects { ids = { id, OTHER } })))
    assert.same({}, assert(ours:projects { name = "q" }))
    refused("not_found", ours:update_project(OTHER, { description = "x" }))
    refused("not_found", ours:delete_project(OTHER))
    refused("forbidden", ours:create_project { name = "q" })
    refused("forbidden", ours:create_project { name = "new" })
    refused("forbidden", ours:update_project(id, { name = "q" }))
    refused("forbidden", ours:update_project(id, { name = "new" }))
    refused("conflict", ours:create_project { name = "p" })
    assert.equal("x", assert(ours:update_project(id, { description = "x" })).description)
    assert.equal(1, assert(ours:delete_project(id)).requests)
    for _, given in ipairs { OTHER, "22222222-2222-4222-8222-222222222222" } do -- an id of another project, and nobody's
      assert.equal("the handle was opened for one project, and does not choose its id", refused("forbidden", ours:create_project { name = "p", id = given }))
    end
    assert.equal(id, assert(ours:create_project { name = "p" }).id)
    ours:close()
    assert.is_nil(assert(db:projects { id = OTHER })[1].description)
  end)

  it("that is read-only lists, and changes nothing", function()
    local reader = assert(sq.open(path, { readonly = true }))
    assert.equal(4, #assert(reader:projects {}))
    refused("readonly", reader:create_project { name = "x" })
    refused("readonly", reader:update_project(LOWER, { description = "x" }))
    refused("readonly", reader:delete_project(LOWER))
    reader:close()
  end)
end)
