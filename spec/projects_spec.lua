--- Projects: what is known of them beside their requests, by every method, member and mistake.
local core = require "sessionquery.core"
local keys = require "sessionquery.keys"
local random = require "spec.support.random"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local UPPER, LOWER = "0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D", "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
local OTHER = "11111111-2222-4333-8444-555555555555"

--- With a new store in memory, and one in a file.
local function each_store(run)
  for _, path in ipairs { ":memory:", vm.path() } do
    local db = assert(sq.open(path))
    run(db, path)
    db:close()
    if path ~= ":memory:" then vm.remove(path) end
  end
end

local function names(list)
  local all = {}
  for i, project in ipairs(list) do all[i] = (project.organization_id == "" and "" or project.organization_id .. "/") .. project.name end
  return table.concat(all, " ")
end

local function refused(code, project, message, detail)
  assert.is_nil(project)
  assert.equal(code, detail.code, message)
  return message, detail
end

describe("create_project", function()
  it("keeps every member", function()
    each_store(function(db)
      local made = assert(db:create_project {
        organization_id = "acme", name = "shöp", id = UPPER, description = "all of it", start_time = "2026-11-01T00:00:00.5Z",
        end_time = 1790000000.25, default_dataset_id = OTHER:upper(), reference_dataset_id = UPPER, trace_tier = "shortlived",
        extra = { metadata = { dataset_version = "7", none = sq.null, empty = core.decode "[]" } }, tag_value_ids = { UPPER, OTHER },
      })
      assert.near(os.time(), made.created_at, 10)
      made.created_at = nil
      local wanted = {
        organization_id = "acme", name = "shöp", id = LOWER, description = "all of it", start_time = core.seconds "2026-11-01T00:00:00.5Z",
        end_time = 1790000000.25, default_dataset_id = OTHER, reference_dataset_id = LOWER, trace_tier = "shortlived",
        extra = { metadata = { dataset_version = "7", none = sq.null, empty = {} } }, tag_value_ids = { LOWER, OTHER },
        stored = true, requests = 0,
      }
      assert.same(wanted, made)
      assert.equal("[]", core.encode(made.extra.metadata.empty)) -- no {}
      local read = assert(db:projects { id = UPPER })[1]
      read.created_at = nil
      assert.same(wanted, read)
    end)
  end)

  it("needs a name only: the id is made of it, the rest is absent", function()
    each_store(function(db)
      local made = assert(db:create_project { name = "a", description = sq.null, extra = sq.null, tag_value_ids = sq.null, id = sq.null })
      made.created_at = nil
      assert.same({ organization_id = "", name = "a", id = core.project_id("", "a"), extra = {}, tag_value_ids = {}, stored = true, requests = 0 }, made)
      assert.equal("[]", core.encode(made.tag_value_ids))
      assert.equal("{}", core.encode(made.extra))
      assert.same({}, assert(db:create_project { name = "b", tag_value_ids = {}, extra = {} }).tag_value_ids)
    end)
  end)

  local wrong = {
    { { name = "" }, "value", nil, "name is empty" },
    { {}, "missing", nil, "has a name" },
    { { name = sq.null }, "missing", nil, "has a name" },
    { { name = 7 }, "type", "/name", "name is text" },
    { { name = "a", organization_id = true }, "type", "/organization_id", "organization_id is text" },
    { { name = "a", id = "not-a-uuid" }, "value", "/id", "id is a UUID, which 'not-a-uuid' is not" },
    { { name = "a", id = "" }, "value", "/id", "is a UUID" },
    { { name = "a", id = LOWER .. "0" }, "value", "/id", "is a UUID" },
    { { name = "a", id = 5 }, "type", "/id", "id is text" },
    { { name = "a", description = {} }, "type", "/description", "description is text" },
    { { name = "a", description = 1 }, "type", "/description", "description is text" },
    { { name = "a", start_time = "yesterday" }, "value", "/start_time", "'yesterday' is not a time" },
    { { name = "a", start_time = true }, "type", "/start_time", "is a time" },
    { { name = "a", start_time = 1790000000000 }, "value", "/start_time", "milliseconds given as seconds" },
    { { name = "a", end_time = -1 }, "value", "/end_time", "1970 to 2200" },
    { { name = "a", end_time = {} }, "type", "/end_time", "is a time" },
    { { name = "a", default_dataset_id = "x" }, "value", "/default_dataset_id", "default_dataset_id is a UUID" },
    { { name = "a", reference_dataset_id = "x" }, "value", "/reference_dataset_id", "reference_dataset_id is a UUID" },
    { { name = "a", trace_tier = "forever" }, "value", "/trace_tier", "longlived or shortlived, not 'forever'" },
    { { name = "a", trace_tier = 1 }, "type", "/trace_tier", "trace_tier is text" },
    { { name = "a", extra = { 1 } }, "type", "/extra", "extra is an object" },
    { { name = "a", extra = "{}" }, "type", "/extra", "extra is an object" },
    { { name = "a", extra = core.decode "[]" }, "type", "/extra", "extra is an object" },
    { { name = "a", tag_value_ids = LOWER }, "type", "/tag_value_ids", "list of UUIDs" },
    { { name = "a", tag_value_ids = { a = LOWER } }, "type", "/tag_value_ids", "list of UUIDs" },
    { { name = "a", tag_value_ids = { LOWER, "x" } }, "value", "/tag_value_ids/1", "tag_value_ids is a UUID, which 'x' is not" },
    { { name = "a", tag_value_ids = { LOWER, 5 } }, "type", "/tag_value_ids", "list of UUIDs" },
    { { name = "a", tag_value_ids = { { LOWER } } }, "type", "/tag_value_ids", "list of UUIDs" },
  }
  for i, case in ipairs(wrong) do
    it("refuses wrong members, " .. i .. ": " .. case[4], function()
      local db = assert(sq.open ":memory:")
      local message, detail = refused(case[2], db:create_project(case[1]))
      assert(message:find(case[4], 1, true), message)
      assert.equal(case[3], detail.pointer)
      assert.same({}, assert(db:projects {}))
      db:close()
    end)
  end

  it("refuses a name and an id that are there, of a project that has requests only, too", function()
    each_store(function(db)
      assert(db:add { request_id = "r", created_at = 1, project = "used" })
      assert(db:create_project { name = "made", id = LOWER })
      assert(refused("conflict", db:create_project { name = "made" }):find "there is a project 'made' already")
      refused("conflict", db:create_project { name = "used" })
      assert(refused("conflict", db:create_project { name = "new", id = UPPER }):find("there is a project with the id '" .. LOWER .. "' already", 1, true))
      refused("conflict", db:create_project { name = "new", id = core.project_id("", "used") })
      refused("conflict", db:create_project { name = "made", id = LOWER })
      assert.equal("made used", names(assert(db:projects {})))
      -- another organization's names and ids are its own
      assert(db:create_project { organization_id = "o", name = "made", id = LOWER })
      assert(db:create_project { organization_id = "o", name = "used" })
      assert.equal("made used o/made o/used", names(assert(db:projects {})))
      assert.equal(2, #assert(db:projects { id = LOWER }))
    end)
  end)

  it("repairs text as records do, so that both name the same project", function()
    local db = assert(sq.open ":memory:")
    assert(db:add { request_id = "r", created_at = 1, project = "a\255b\0c" })
    refused("conflict", db:create_project { name = "a\255b\0c" })
    assert.equal("a\239\191\189b\239\191\189c", assert(db:projects {})[1].name)
    db:close()
  end)

  it("raises at the caller's mistakes", function()
    local db = assert(sq.open ":memory:")
    local function raises(pattern, run)
      local good, message = pcall(run)
      assert(not good)
      assert(message:find(pattern) and message:find("projects_spec.lua:", 1, true), message)
    end
    raises("create_project: a project has no member 'nmae', did you mean 'name'%?", function() db:create_project { nmae = "x" } end)
    raises("create_project: expected table, got nil", function() db:create_project() end)
    raises("update_project: id: expected string, got nil", function() db:update_project() end)
    raises("update_project: a project has no member 'x'", function() db:update_project(LOWER, { x = 1 }) end)
    raises("update_project: unknown option 'org'", function() db:update_project(LOWER, {}, { org = "x" }) end)
    raises("delete_project: id: expected string, got table", function() db:delete_project {} end)
    raises("projects: unknown option 'names', did you mean 'name'%?", function() db:projects { names = {} } end)
    raises("projects: name: expected string, got number", function() db:projects { name = 7 } end)
    raises("projects: ids: expected a list", function() db:projects { ids = { a = 1 } } end)
    raises("projects: ids: 1: expected string, got number", function() db:projects { ids = { 5 } } end)
    raises("projects: id or ids, not both", function() db:projects { id = LOWER, ids = {} } end)
    db:close()
    raises("the store is closed", function() db:create_project { name = "x" } end)
    raises("the store is closed", function() db:projects {} end)
    raises("the store is closed", function() db:delete_project(LOWER) end)
  end)
end)

describe("projects", function()
  --- Both have requests, one has a row, and one has nothing but a row.
  local function fill(db)
    assert(db:add {
      { request_id = "1", created_at = 10.5, project = "b", organization_id = "o" },
      { request_id = "2", created_at = 30, project = "b", organization_id = "o", session_id = "s" },
      { request_id = "3", created_at = 20, project = "a", organization_id = "o", session_id = "s" },
      { request_id = "4", created_at = 5, project = "b", organization_id = "n" },
    })
    assert(db:update_project(core.project_id("o", "a"), { description = "of a" }))
    assert(db:create_project { organization_id = "o", name = "c", id = LOWER })
  end

  it("are those with requests and those that were made, by organization and name", function()
    each_store(function(db, path)
      fill(db)
      local states = { "in the tail", path ~= ":memory:" and "sealed" or nil, path ~= ":memory:" and "changed" or nil }
      for _, state in ipairs(states) do
        if state == "sealed" then assert(db:seal()) end
        if state == "changed" then assert(db:add { request_id = "1", created_at = 10.5, project = "b", organization_id = "o", model = "m" }) end
        for _, engine in ipairs(path == ":memory:" and { "auto" } or { "auto", "sql", "columns" }) do
          local reader = path == ":memory:" and db or assert(sq.open(path, { readonly = true, engine = engine }))
          local list = assert(reader:projects {})
          assert.equal("n/b o/a o/b o/c", names(list), state .. engine)
          for _, project in ipairs(list) do project.created_at = nil end
          assert.same({
            { organization_id = "n", name = "b", id = core.project_id("n", "b"), extra = {}, tag_value_ids = {}, stored = false, requests = 1,
              first_request_at = 5, last_request_at = 5 },
            { organization_id = "o", name = "a", id = core.project_id("o", "a"), description = "of a", extra = {}, tag_value_ids = {}, stored = true,
              requests = 1, first_request_at = 20, last_request_at = 20 },
            { organization_id = "o", name = "b", id = core.project_id("o", "b"), extra = {}, tag_value_ids = {}, stored = false, requests = 2,
              first_request_at = 10.5, last_request_at = 30 },
            { organization_id = "o", name = "c", id = LOWER, extra = {}, tag_value_ids = {}, stored = true, requests = 0 },
          }, list)
          local cases = {
            { { name = "b" }, "n/b o/b" }, { { name = "b", organization = "o" }, "o/b" }, { { organization = "o" }, "o/a o/b o/c" },
            { { organization = "" }, "" }, { { name = "none" }, "" }, { { id = UPPER }, "o/c" }, { { id = core.project_id("o", "b") }, "o/b" },
            { { id = core.project_id("o", "a") }, "o/a" }, { { ids = { core.project_id("o", "b"), LOWER, OTHER } }, "o/b o/c" }, { { ids = {} }, "" },
            { { id = core.project_id("o", "none") }, "" }, { { id = "no UUID" }, "" }, { { id = LOWER, name = "a" }, "" },
            { { id = LOWER, organization = "n" }, "" },
          }
          for i, case in ipairs(cases) do assert.equal(case[2], names(assert(reader:projects(case[1]))), i .. state .. engine) end
          if reader ~= db then reader:close() end
        end
      end
      assert.equal(3, #assert(db:projects():all())) -- without an argument it is a query
    end)
  end)

  it("are seen as of a snapshot in it", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    fill(db)
    db:snapshot(function(view)
      assert(db:create_project { name = "later" })
      assert(db:update_project(LOWER, { name = "d" }))
      assert.equal("n/b o/a o/b o/c", names(assert(view:projects {})))
      refused("readonly", view:create_project { name = "x" })
    end)
    assert.equal("later n/b o/a o/b o/d", names(assert(db:projects {})))
    db:close()
    vm.remove(path)
  end)
end)

describe("update_project", function()
  it("sets what is named, null clears, and the rest stays", function()
    each_store(function(db)
      local made = assert(db:create_project { name = "a", description = "d", extra = { k = 1 }, trace_tier = "longlived" })
      local values = {
        description = { "e", "e" }, start_time = { "2026-01-01", core.seconds "2026-01-01" }, end_time = { 5, 5 },
        default_dataset_id = { UPPER, LOWER }, reference_dataset_id = { OTHER, OTHER }, trace_tier = { "shortlived", "shortlived" },
        extra = { { x = { 1, sq.null } }, { x = { 1, sq.null } }, {} }, tag_value_ids = { { UPPER }, { LOWER }, {} },
      }
      local wanted = made
      for name, value in pairs(values) do
        wanted[name] = value[2]
        assert.same(wanted, assert(db:update_project(made.id:upper(), { [name] = value[1] })), name)
      end
      assert.same(wanted, assert(db:update_project(made.id, {})))
      for name, value in pairs(values) do
        wanted[name] = value[3]
        assert.same(wanted, assert(db:update_project(made.id, { [name] = sq.null })), name)
      end
      assert.same({ wanted }, assert(db:projects {}))
    end)
  end)

  it("makes a row for a project that has requests only", function()
    each_store(function(db)
      assert(db:add { request_id = "r", created_at = 7, project = "p" })
      local id = core.project_id("", "p")
      local project = assert(db:update_project(id, { description = "d" }))
      assert.same({ true, "d", id, 7, 1 }, { project.stored, project.description, project.id, project.first_request_at, project.requests })
    end)
  end)

  it("refuses what is wrong, and changes nothing then", function()
    each_store(function(db)
      local made = assert(db:create_project { name = "a", description = "d" })
      assert(db:create_project { name = "b" })
      assert(db:add { request_id = "r", created_at = 1, project = "used" })
      local cases = {
        { made.id, { id = LOWER }, "value", "id stays" }, { made.id, { organization_id = "o" }, "value", "stays its organization's" },
        { made.id, { name = sq.null }, "missing", "has a name" }, { made.id, { name = "" }, "value", "name is empty" },
        { made.id, { name = "b" }, "conflict", "there is a project 'b' already" }, { made.id, { name = "used", description = "x" }, "conflict", "'used'" },
        { made.id, { description = "x", trace_tier = "y" }, "value", "trace_tier" }, { LOWER, { description = "x" }, "not_found", LOWER },
        { "no uuid", {}, "not_found", "no uuid" }, { core.project_id("", "none"), {}, "not_found", "there is no project" },
      }
      for i, case in ipairs(cases) do
        local message = refused(case[3], db:update_project(case[1], case[2]))
        assert(message:find(case[4], 1, true), i .. message)
      end
      assert.same(made, assert(db:projects { name = "a" })[1])
    end)
  end)

  it("wants to know which organization's, where several have the id", function()
    local db = assert(sq.open ":memory:")
    for _, organization in ipairs { "o", "p" } do assert(db:create_project { organization_id = organization, name = organization, id = LOWER }) end
    refused("ambiguous", db:update_project(LOWER, { description = "x" }))
    refused("ambiguous", db:delete_project(LOWER))
    assert.equal("p", assert(db:update_project(LOWER, { description = "x" }, { organization = "p" })).name)
    assert.equal(1, assert(db:delete_project(LOWER, { organization = "p" })).projects)
    assert.is_nil(assert(db:projects { id = LOWER })[1].description)
    db:close()
  end)

  it("and where two spellings of a UUID are two organizations: one tenant, whose projects of one name have one id", function()
    local db = assert(sq.open ":memory:")
    for _, organization in ipairs { UPPER, LOWER } do assert(db:add { request_id = "r", created_at = 1, organization_id = organization, project = "p" }) end
    assert.equal(core.project_id(UPPER, "p"), core.project_id(LOWER, "p"))
    refused("ambiguous", db:update_project(core.project_id(LOWER, "p"), { description = "x" }))
    assert(db:update_project(core.project_id(LOWER, "p"), { description = "x" }, { organization = UPPER }))
    db:close()
  end)
end)

-- ------------------------------------------------------------------------------------------------ renaming

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

-- ------------------------------------------------------------------------------------------------ deleting

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

-- --------------------------------------------------------------------------------------------------- scope

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

describe("random work", function()
  --- What there should be: by name its id, its requests, and whether it has a row. An id that is not made of the name is
  --- taken over from the store when it is first seen, and stays from then on.
  local function check(db, model, taken, what)
    local list = assert(db:projects {})
    local seen, count = {}, 0
    for _, project in ipairs(list) do
      local known = model[project.name]
      assert(known and not seen[project.id], what)
      seen[project.id] = project.name
      known.id = known.id or project.id
      assert.same({ known.id, known.stored, known.requests }, { project.id, project.stored, project.requests }, what)
      assert.is_nil(known.is_new and taken[project.id] or nil, what)
      known.is_new, taken[project.id], count = nil, true, count + 1
    end
    for name, known in pairs(model) do
      assert(known.requests == 0 and not known.stored or seen[known.id] == name, what .. ": " .. name)
    end
    assert.equal(#list, count)
  end

  --- The id that a name gets: its own, unless another has that one; nil: a new one.
  local function id_of(model, name)
    local own = core.project_id("", name)
    for _, other in pairs(model) do
      if other.id == own then return nil end
    end
    return own
  end

  it("leaves each project its id, its requests and its name", function()
    for seed = 1, 6 do
      local rng = random.new(seed)
      local path = vm.path()
      local db = assert(sq.open(path))
      local model, taken, last = {}, {}, 0
      local all = { "a", "b", "c", "d" }
      for step = 1, 120 do
        local what = ("seed %d, step %d"):format(seed, step)
        local name, to, kind = rng.pick(all), rng.pick(all), rng.int(1, 10)
        local known = model[name]
        if kind <= 4 then
          last = last + 1
          if not known then
            known = { requests = 0, stored = false, id = id_of(model, name), is_new = true }
            model[name] = known
          end
          known.requests = known.requests + 1
          assert(db:add { request_id = "r" .. last, session_id = "s" .. last % 3, created_at = last, project = name })
        elseif kind == 5 then
          local made, _, detail = db:create_project { name = name }
          if known then
            assert.equal("conflict", detail.code, what)
          else
            model[name] = { requests = 0, stored = true, id = id_of(model, name) or made.id }
          end
        elseif kind <= 8 and known then
          local renamed, _, detail = db:update_project(known.id, { name = to })
          if name ~= to and model[to] then
            assert.equal("conflict", detail.code, what)
          else
            assert.equal(known.id, renamed.id, what)
            model[name] = nil
            model[to] = known
            known.stored = true
          end
        elseif kind == 9 and known then
          assert.equal(known.requests, assert(db:delete_project(known.id)).requests, what)
          model[name] = nil
          taken[known.id] = nil
        elseif kind == 10 then
          assert(db:seal())
        end
        check(db, model, taken, what)
      end
      local total = 0
      for name, known in pairs(model) do
        total = total + known.requests
        for _, engine in ipairs { "sql", "auto" } do
          local reader = assert(sq.open(path, { readonly = true, engine = engine }))
          assert.equal(known.requests, assert(reader:requests():where(sq.field.project_id:eq(known.id)):count()), name)
          assert.equal(known.requests, assert(reader:requests():where(sq.field.project:eq(name)):count()), name)
          reader:close()
        end
      end
      assert.equal(total, assert(db:check()))
      db:close()
      vm.remove(path)
    end
  end)
end)
