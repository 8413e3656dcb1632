--- Deleting a project: all that belongs to it goes, and nothing else.
local core = require "sessionquery.core"
local projects = require "spec.support.projects"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local each_store, names, refused = projects.each_store, projects.names, projects.refused

describe("delete_project", function()
  local function fill(db)
    for _, project in ipairs { "gone", "stays" } do
      for i = 1, 3 do
        assert(db:add { request_id = "r" .. i, session_id = "s", created_at = i, organization_id = "o", project = project, request_body = "b" })
      end
      local where = { organization = "o", project = project }
      assert(db:tag("s", "t", where))
      assert(db:session("s", where):set { k = 1 })
      assert(db:session("s", where):feedback { key = "session", score = 1 })
      assert(db:feedback { request_id = "r1", organization = "o", project = project, key = "request", score = 1 })
      assert(db:feedback { organization = "o", project = project, key = "project", score = 1 })
      assert(db:update({ request_id = "later", organization_id = "o", project = project, model = "m" }, { hold = true }))
    end
  end

  local all = { requests = 3, bodies = 3, feedback = 3, tags = 1, metadata = 1, projects = 0, held = 1 }

  it("takes all that belongs to it", function()
    each_store(function(db)
      fill(db)
      assert.same(all, assert(db:delete_project(core.project_id("o", "gone"):upper())))
      assert.equal("o/stays", names(assert(db:projects {})))
      refused("not_found", db:delete_project(core.project_id("o", "gone")))
      refused("not_found", db:delete_project "what")
      local stays = assert(db:update_project(core.project_id("o", "stays"), { description = "d" }))
      all.projects = 1
      assert.same(all, assert(db:delete_project(stays.id)))
      all.projects = 0
      assert.same({}, assert(db:projects {}))
      assert.equal(1, assert(db:delete_project(assert(db:create_project { name = "empty" }).id)).projects)
    end)
  end)

  it("is what deleting by the project's name does, too", function()
    each_store(function(db)
      fill(db)
      assert.same(all, assert(db:delete { project = "gone" }))
      assert(db:create_project { name = "elsewhere", description = "x" })
      assert.equal(1, assert(db:delete { project = "elsewhere" }).projects)
      assert(db:create_project { name = "stays" })
      refused("ambiguous", db:delete { project = "stays" }) -- two organizations have one
      assert.equal(1, assert(db:delete { project = "stays", organization = "" }).projects)
      assert.equal("o/stays", names(assert(db:projects {})))
      -- a part of it is not the project
      local kept = assert(db:update_project(core.project_id("o", "stays"), { description = "d" }))
      assert.equal(0, assert(db:delete { project = "stays", before = 99 }).projects)
      kept.requests, kept.first_request_at, kept.last_request_at = 0, nil, nil
      assert.same({ kept }, assert(db:projects {}))
    end)
  end)

  it("may erase: no trace stays in the store's files", function()
    local path = vm.path()
    local db = assert(sq.open(path, { seal = "manual" }))
    assert(db:create_project { name = "stays" })
    local made = assert(db:create_project { name = "trace one", description = "trace two", extra = { k = "trace three" } })
    assert(db:add { request_id = "r", created_at = 1, project = "trace one" })
    assert(db:seal())
    assert(db:update({ request_id = "q", project = "trace one", model = "trace four" }, { hold = true }))
    assert(db:update_project(made.id, { name = "trace five" }))
    assert(db:delete_project(made.id, { erase = true }))
    db:close()
    for _, suffix in ipairs { "", "-wal", "-columns" } do
      local file = io.open(path .. suffix, "rb")
      local bytes = file and file:read "*a" or ""
      if file then file:close() end
      assert.is_nil(bytes:match "trace %l+", suffix)
    end
    vm.remove(path)
  end)

  it("leaves what a backup has of it", function()
    local path, copy_path = vm.path(), vm.path "copy.db"
    local db = assert(sq.open(path))
    local made = assert(db:create_project { name = "a", description = "d" })
    assert(db:update({ request_id = "r", project = "a", model = "m" }, { hold = true }))
    assert(db:backup(copy_path))
    assert(db:delete_project(made.id))
    db:close()
    local copy = assert(sq.open(copy_path))
    assert.same({ made }, assert(copy:projects {}))
    assert(copy:add { request_id = "r", created_at = 1, project = "a" })
    assert.equal("m", assert(copy:requests():first()).model)
    copy:close()
    vm.remove(path)
    vm.remove(copy_path)
  end)
end)
