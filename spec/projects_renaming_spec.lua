--- Renaming a project: what goes along, what stays, and what of it several processes see.
local core = require "sessionquery.core"
local keys = require "sessionquery.keys"
local projects = require "spec.support.projects"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local names = projects.names

describe("renaming", function()
  local path, db

  --- Eleven requests, the first five of them sealed, in the project "old", and as many that look like them in others.
  local function fill()
    for i = 1, 11 do
      for _, owner in ipairs { { "o", "old" }, { "o", "other" }, { "n", "old" } } do
        assert(db:add { request_id = "r" .. i, session_id = "s" .. i % 3, trace_id = "t" .. i % 2, created_at = i, organization_id = owner[1],
          project = owner[2], latency_ms = i, cost_usd = i / 1000, properties = { i = i }, request_body = "body " .. i })
      end
      if i == 5 and path ~= ":memory:" then assert(db:seal()) end
    end
    for _, owner in ipairs { { "o", "old" }, { "o", "other" } } do
      local where = { organization = owner[1], project = owner[2] }
      assert(db:tag("s1", "tagged", where))
      assert(db:session("s1", where):set { k = owner[2] })
      assert(db:session("s1", where):feedback { key = "session", score = 1 })
      assert(db:feedback { request_id = "r1", organization = owner[1], project = owner[2], key = "request", score = 2 })
      assert(db:feedback { organization = owner[1], project = owner[2], key = "project", score = 3 })
    end
  end

  local function in_project(name, source)
    local query = db[source](db):where(sq.field.project:eq(name)):where(sq.field.organization_id:eq "o")
    return core.decode((assert(query:json()):gsub('"project":"' .. name .. '"', '"project":"?"')))
  end

  local function state(name)
    local seen = { sessions = in_project(name, "sessions"), requests = in_project(name, "requests") }
    seen.feedback = core.decode(assert(db._core:project_feedback { organization = "o", project = name }))
    for _, row in ipairs(seen.feedback) do row[2] = "?" end
    return seen
  end

  before_each(function()
    path = vm.path()
    db = assert(sq.open(path))
    fill()
  end)

  after_each(function()
    db:close()
    vm.remove(path)
  end)

  it("takes everything along, the id stays, and nobody else's moves", function()
    local before, other = state "old", state "other"
    local key = assert(keys.create(db, { organization = "o", project = "old" }))
    local reader = assert(sq.open(path, { readonly = true, engine = "columns" }))
    assert.equal(33, assert(reader:requests():count())) -- it knows the state before
    local id = core.project_id("o", "old")
    local project = assert(db:update_project(id, { name = "new" }))
    assert.same({ "new", id, 11, 1, 11 }, { project.name, project.id, project.requests, project.first_request_at, project.last_request_at })
    for _, at in ipairs { "before", "sealed" } do
      if at == "sealed" then assert(db:seal()) end
      assert.same(before, state "new", at)
      assert.same(other, state "other", at)
      assert.same({ sessions = {}, requests = {}, feedback = {} }, state "old", at)
      assert.equal(33, assert(db:check()), at)
      for _, engine in ipairs { "sql", "columns" } do
        local asked = assert(sq.open(path, { readonly = true, engine = engine }))
        assert.equal(11, assert(asked:requests():where "organization_id = 'o' and project = 'new'":count()), engine)
        assert.equal(11, assert(asked:requests():where "organization_id = 'n' and project = 'old'":count()), engine)
        asked:close()
      end
      assert.equal(11, assert(reader:requests():where "project = 'new'":count()))
      assert.equal(11, assert(db:requests():where(sq.field.project_id:eq(id)):count()))
    end
    assert.equal("new", assert(keys.check(db, key)).project)
    -- what is said by id finds it
    assert(db:update { request_id = "r3", organization_id = "o", project = "new", model = "m" })
    assert(db:feedback { request_id = "r3", organization = "o", project = "new", key = "k", score = 1 })
    assert.equal(1, assert(db:delete { request = "r4", organization = "o", project = "new" }).requests)
    assert.equal(3, assert(db:delete { session = "s1", organization = "o", project = "new" }).requests)
    assert(db:check())
    reader:close()
  end)

  it("leaves the old name to requests that come under it, with an id of its own", function()
    local id = core.project_id("o", "old")
    assert(db:update_project(id, { name = "new" }))
    assert.equal("o/new o/other", names(assert(db:projects { organization = "o" })))
    assert(db:add { request_id = "late", created_at = 1, organization_id = "o", project = "old" })
    local again = assert(db:projects { organization = "o", name = "old" })[1]
    assert.not_equal(id, again.id)
    assert.is_false(again.stored)
    assert.same({ "late" }, { assert(db:requests():where(sq.field.project_id:eq(again.id)):first()).request_id })
    assert.equal(11, assert(db:requests():where(sq.field.project_id:eq(id)):count()))
    assert.same({ again }, assert(db:projects { organization = "o", id = again.id }))
    -- it is a project like others: made, it keeps its id, and it goes
    local made = assert(db:update_project(again.id, { description = "again" }))
    assert.equal(again.id, made.id)
    assert.equal(1, assert(db:delete_project(again.id)).requests)
    assert.equal("", names(assert(db:projects { organization = "o", name = "old" })))
    assert.not_equal(id, assert(db:create_project { organization_id = "o", name = "old" }).id)
    assert.equal("o/new", names(assert(db:projects { id = id, organization = "o" })))
  end)

  it("back again is as it was", function()
    local before, id = state "old", core.project_id("o", "old")
    assert(db:update_project(id, { name = "new" }))
    local project = assert(db:update_project(id, { name = "old", description = "back" }))
    assert.same({ id, "old", "back" }, { project.id, project.name, project.description })
    assert.same(before, state "old")
    assert.equal(core.project_id("o", "new"), assert(db:create_project { organization_id = "o", name = "new" }).id)
    assert.equal(33, assert(db:check()))
  end)

  it("once the project is gone the name's own id is free", function()
    local id = core.project_id("o", "old")
    assert(db:update_project(id, { name = "new" }))
    assert.equal(11, assert(db:delete_project(id)).requests)
    assert(db:add { request_id = "late", created_at = 1, organization_id = "o", project = "old" })
    assert.equal(id, assert(db:projects { organization = "o", name = "old" })[1].id)
    local rows = vm.shell(("sqlite3 %s 'SELECT count(*) FROM project'"):format(path))
    assert.equal("0\n", rows)
  end)

  it("to its own name is none", function()
    local project = assert(db:update_project(core.project_id("o", "old"), { name = "old" }))
    assert.same({ "old", 11 }, { project.name, project.requests })
  end)

  it("takes place over what sessions of the new name have left behind", function()
    assert(db:add { request_id = "x", session_id = "s1", created_at = 1, organization_id = "o", project = "new" })
    local where = { organization = "o", project = "new" }
    assert(db:tag("s1", "tagged", where))
    assert(db:session("s1", where):set { k = "left" })
    assert(db:delete { request = "x", organization = "o", project = "new" })
    local before = state "old"
    assert(db:update_project(core.project_id("o", "old"), { name = "new" }))
    assert.same(before, state "new")
  end)

  it("of many sealed requests seals them again", function()
    local records = {}
    for i = 1, 66000 do records[i] = ('{"request_id":"m%d","session_id":"s%d","created_at":%d,"organization_id":"o","project":"many"}'):format(i, i % 99, i) end
    local i = 0
    assert(db:import(function()
      i = i + 1
      return records[i]
    end))
    assert(db:seal())
    local before = assert(db:stats()).dead
    assert(db:update_project(core.project_id("o", "many"), { name = "moved" }))
    assert.equal(before, assert(db:stats()).dead)
    local columns = assert(sq.open(path, { readonly = true, engine = "columns" }))
    assert.equal(66000, assert(columns:requests():where "project = 'moved'":count()))
    assert.equal(0, assert(columns:requests():where "project = 'many'":count()))
    columns:close()
  end)
end)

describe("several processes", function()
  it("make a project once, and rename it without a request lost", function()
    local path = vm.path()
    assert(sq.open(path)):close()
    local child = vm.write(vm.path "maker.lua", [[
      local sq = require "sessionquery"
      local db = assert(sq.open(arg[1], { organization = "o" }))
      local made, moved = 0, 0
      for i = 1, 40 do
        local project, message, detail = db:create_project { name = "p" .. i }
        if project then made = made + 1 else assert(detail.code == "conflict", message) end
        assert(db:add { request_id = arg[2] .. "-" .. i, project = "p" .. i, created_at = i })
        local id = require "sessionquery.core".project_id("o", "p" .. i)
        local renamed, why, more = db:update_project(id, { name = "q" .. i })
        if renamed then moved = moved + 1 else assert(more.code == "conflict" or more.code == "not_found", why) end
      end
      print(made)
      db:close()]])
    local output, status = vm.shell(("for n in 1 2 3; do %s %s %s $n & done; wait"):format(vm.command, child, path))
    assert.equal(0, status)
    local made = 0
    for count in output:gmatch "(%d+)\n" do made = made + tonumber(count) end
    assert(made >= 40, output)
    local db = assert(sq.open(path))
    assert.equal(120, assert(db:requests():count()))
    local ids, requests = {}, 0
    for _, project in ipairs(assert(db:projects {})) do
      assert.is_nil(ids[project.id])
      ids[project.id] = true
      requests = requests + project.requests
    end
    assert.equal(120, requests)
    assert(db:seal())
    assert.equal(120, assert(db:check()))
    db:close()
    vm.remove(path)
    os.remove(child)
  end)
end)
