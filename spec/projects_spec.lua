--- Projects: what is known of them beside their requests, by every method, member and mistake.
local core = require "sessionquery.core"
local projects = require "spec.support.projects"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local UPPER, LOWER, OTHER = projects.UPPER, projects.LOWER, projects.OTHER
local each_store, names, refused = projects.each_store, projects.names, projects.refused

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
