--- LangSmith's projects over HTTP: POST, PATCH and DELETE /sessions, and who sees what.
local contract = require "spec.support.langsmith_contract"
local core = require "sessionquery.core"
local http = require "sessionquery.http"
local keys = require "sessionquery.keys"
local langsmith = require "spec.support.langsmith"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local ask, list, names, valid = langsmith.ask, langsmith.list, langsmith.names, langsmith.valid

local ID, DATASET, TAG = "55555555-5555-4555-8555-555555555555", "11111111-1111-4111-8111-111111111111", "33333333-3333-4333-8333-333333333333"
local null = core.null

local function application()
  local db = assert(sq.open ":memory:")
  return http.app { db = db }, db
end

describe("POST /sessions", function()
  it("makes a project, and tells it without statistics", function()
    local app = application()
    local status, made = ask(app, "POST", "/sessions", nil, { name = "p", id = ID:upper(), description = "d", start_time = "2024-01-01T00:00:00",
      end_time = 1704070800000, extra = { metadata = { a = 1 }, list = core.decode "[]" }, default_dataset_id = DATASET, reference_dataset_id = DATASET,
      trace_tier = "shortlived", tag_value_ids = { TAG }, num_examples = 3, num_repetitions = 1, evaluator_keys = { "k" } })
    assert.equal(200, status, core.encode(made))
    valid(contract.changed, made)
    assert.same({ id = ID, tenant_id = core.tenant_id "", name = "p", description = "d", start_time = "2024-01-01T00:00:00Z",
      end_time = "2024-01-01T01:00:00Z", extra = { metadata = { a = 1 }, list = {} }, default_dataset_id = DATASET, reference_dataset_id = DATASET,
      trace_tier = "shortlived", last_run_start_time_live = null }, made)
    assert.equal("[]", core.encode(made.extra.list))
    local seen = list(app, "tag_value_id=" .. TAG)[1]
    for name, value in pairs(made) do assert.same(value, seen[name], name) end
  end)

  it("gives an id by its name, a start, and nulls where nothing is said; null is as nothing", function()
    local app = application()
    local status, made = ask(app, "POST", "/api/v1/sessions", nil, { name = "p", description = null, extra = null, id = null, end_time = null })
    assert.equal(200, status, core.encode(made))
    valid(contract.changed, made)
    assert.same({ core.project_id("", "p"), null, null, {} }, { made.id, made.description, made.end_time, made.extra })
    assert.equal(os.date("!%Y-%m-%dT%H", os.time()), made.start_time:sub(1, 13))
    assert.equal("default", select(2, ask(app, "POST", "/sessions", nil, "{}")).name)
  end)

  it("says that it is there already, by its name, by its runs, by its id", function()
    local app, db = application()
    assert(db:add { request_id = "r", project = "runs", created_at = 100, run_type = "chain" })
    assert.equal(200, (ask(app, "POST", "/sessions", nil, { name = "p", id = ID })))
    for _, body in ipairs { { name = "p" }, { name = "runs" }, { name = "q", id = ID } } do
      local status, answer = ask(app, "POST", "/sessions", nil, body)
      assert.equal(409, status)
      assert.is_string(answer.detail)
    end
    assert.equal(409, (ask(app, "POST", "/sessions", "upsert=true", { name = "q", id = ID }))) -- another one's
    assert.equal("p runs", names(list(app, "sort_by=name&sort_by_desc=false")))
  end)

  it("with upsert changes what is there, or makes it", function()
    local app, db = application()
    assert(db:add { request_id = "r", project = "runs", created_at = 100, run_type = "chain" })
    local function upsert(body)
      local status, answer = ask(app, "POST", "/sessions", "upsert=true", body)
      assert.equal(200, status, core.encode(answer))
      return valid(contract.changed, answer)
    end
    local runs = upsert { name = "runs", description = "now known" }
    assert.same({ core.project_id("", "runs"), "now known", "1970-01-01T00:01:40Z" }, { runs.id, runs.description, runs.last_run_start_time_live })
    assert.equal(ID, upsert({ name = "p", id = ID, description = "first" }).id)
    local again = upsert { name = "p", extra = { a = 1 }, description = null }
    assert.same({ ID, "first", { a = 1 } }, { again.id, again.description, again.extra })
    assert.equal(ID, upsert({ name = "p", id = DATASET }).id) -- which it has, it keeps
    assert.equal(409, (ask(app, "POST", "/sessions", "upsert=false", { name = "p" })))
  end)

  it("with upsert changes the one of its own organization, whoever else has the id", function()
    local app, db = application()
    for _, who in ipairs { "acme", "" } do assert(db:create_project { organization_id = who, name = "p", id = ID }) end
    local status, now = ask(app, "POST", "/sessions", "upsert=true", { name = "p", description = "mine" })
    assert.same({ 200, core.tenant_id "", "mine" }, { status, now.tenant_id, now.description })
  end)

  for _, case in ipairs {
    { "no JSON", "{", nil, "json_invalid" },
    { "no object", "[1]", nil, "dict_type" },
    { "an empty name", { name = "" }, { "body", "name" }, "string_too_short" },
    { "a name that is no text", { name = 5 }, { "body", "name" }, "string_type" },
    { "an id that is no UUID", { name = "p", id = "x" }, { "body", "id" }, "uuid_parsing" },
    { "a dataset that is no UUID", { name = "p", reference_dataset_id = 7 }, { "body", "reference_dataset_id" }, "uuid_parsing" },
    { "a time that is none", { name = "p", start_time = "soon" }, { "body", "start_time" }, "datetime_from_date_parsing" },
    { "a tier that is none", { name = "p", trace_tier = "eternal" }, { "body", "trace_tier" }, "enum" },
    { "an extra that is no object", { name = "p", extra = { 1 } }, { "body", "extra" }, "dict_type" },
    { "tags that are no list", { name = "p", tag_value_ids = TAG }, { "body", "tag_value_ids" }, "list_type" },
    { "tags that are an object", { name = "p", tag_value_ids = { a = TAG } }, { "body", "tag_value_ids" }, "list_type" },
    { "a tag that is no UUID", { name = "p", tag_value_ids = { TAG, "x" } }, { "body", "tag_value_ids", 1 }, "uuid_parsing" },
  } do
    it("of " .. case[1] .. " says 422", function()
      local app = application()
      local status, answer = ask(app, "POST", "/sessions", nil, case[2])
      assert.equal(422, status)
      valid(contract.problems, answer)
      assert.equal(case[4], answer.detail[1].type)
      if case[3] then assert.same(case[3], answer.detail[1].loc) end
      assert.equal("", names(list(app, "")))
    end)
  end

  it("of a wrong upsert says 422", function() assert.equal(422, (ask(application(), "POST", "/sessions", "upsert=x", { name = "p" }))) end)
end)

describe("PATCH /sessions/{id}", function()
  local app, db
  before_each(function()
    app, db = application()
    assert.equal(200, (ask(app, "POST", "/sessions", nil, { name = "p", id = ID, description = "d", extra = { a = 1 }, reference_dataset_id = DATASET })))
    assert(db:add { request_id = "r", project = "runs", created_at = 100, run_type = "chain" })
  end)

  local function patch(id, body)
    local status, answer = ask(app, "PATCH", "/sessions/" .. id, nil, body)
    return status, status == 200 and valid(contract.changed, answer) or answer
  end

  it("changes what it names; a null leaves the field", function()
    -- as the SDK sends it: all four members, null for what is not to change
    local status, now = patch(ID, { name = null, extra = null, description = null, end_time = "2024-01-01T01:00:00.000Z" })
    assert.equal(200, status)
    assert.same({ "p", { a = 1 }, "d", "2024-01-01T01:00:00Z", DATASET }, { now.name, now.extra, now.description, now.end_time, now.reference_dataset_id })
    status, now = patch(ID, { extra = { b = 2 }, description = "", trace_tier = "longlived", default_dataset_id = TAG, tag_value_ids = { TAG } })
    assert.equal(200, status)
    assert.same({ { b = 2 }, "", "longlived", TAG }, { now.extra, now.description, now.trace_tier, now.default_dataset_id })
    assert.same(now.extra, list(app, "tag_value_id=" .. TAG)[1].extra)
    status, now = patch(ID, "{}")
    assert.same({ 200, "longlived" }, { status, now.trace_tier })
  end)

  it("of a project that only has runs", function()
    local id = core.project_id("", "runs")
    local status, now = patch(id, { description = "x" })
    assert.same({ 200, id, "x", "1970-01-01T00:01:40Z", "1970-01-01T00:01:40Z" }, { status, now.id, now.description, now.start_time, now.last_run_start_time_live })
  end)

  it("renames, with all runs, and keeps the id; not to what is there", function()
    local id = core.project_id("", "runs")
    local status, now = patch(id, { name = "renamed" })
    assert.same({ 200, id, "renamed" }, { status, now.id, now.name })
    assert.equal(1, list(app, "name=renamed&include_stats=true")[1].run_count)
    assert.equal("", names(list(app, "name=runs")))
    assert.equal(409, (patch(id, { name = "p" })))
    assert.equal(200, (patch(id, { name = "renamed" })))
    assert.equal(422, (patch(id, { name = "" })))
  end)

  it("says what is wrong", function()
    local status, answer = patch(ID, { end_time = "x", trace_tier = 1 })
    assert.equal(422, status)
    assert.equal(2, #valid(contract.problems, answer).detail)
  end)
end)

describe("DELETE /sessions/{id}", function()
  it("takes its runs and feedback along", function()
    local app, db = application()
    assert(db:add { { request_id = "r", project = "p", created_at = 100 }, { request_id = "r", project = "q", created_at = 100 } })
    assert(db:feedback { project = "p", organization = "", key = "k", score = 1 })
    assert(db:feedback { request_id = "r", project = "p", key = "k", score = 1 })
    local id = core.project_id("", "p")
    local status, answer = ask(app, "DELETE", "/api/v1/sessions/" .. id)
    assert.same({ 200, "Project 'p' is deleted" }, { status, answer.message })
    assert.equal("q", names(list(app, "")))
    assert.equal(1, db:requests():count())
    assert.equal(404, (ask(app, "DELETE", "/sessions/" .. id)))
    assert.equal(404, (ask(app, "GET", "/sessions/" .. id)))
    assert(db:add { request_id = "new", project = "p", created_at = 100 })
    local again = list(app, "name=p&include_stats=true")[1]
    assert.same({ 1, {}, {} }, { again.run_count, again.feedback_stats, again.session_feedback_stats })
  end)
end)

describe("tenants", function()
  local path = vm.path "langsmith_tenants.db"
  local app, db, headers
  setup(function()
    db = assert(sq.open(path))
    headers = {}
    for _, who in ipairs { "acme", "zen" } do
      local text = assert(keys.create(db, { organization = who, rights = { "query", "record" } }))
      headers[who] = { ["x-api-key"] = text }
    end
    headers.reader = { ["x-api-key"] = assert(keys.create(db, { organization = "acme", rights = { "query" } })) }
    headers.one = { ["x-api-key"] = assert(keys.create(db, { organization = "acme", project = "shared", rights = { "query", "record" } })) }
    app = http.app { path = path }
    assert(db:add {
      { request_id = "1", organization_id = "acme", project = "shared", created_at = 100 },
      { request_id = "1", organization_id = "zen", project = "shared", created_at = 200 },
      { request_id = "2", organization_id = "zen", project = "shared", created_at = 300 },
      { request_id = "3", organization_id = "zen", project = "zen's", created_at = 300, tags = { "zen's" } },
    })
    assert(db:feedback { organization = "zen", project = "shared", key = "zen's", score = 1 })
    assert(db:feedback { request_id = "1", organization = "zen", project = "shared", key = "zen's", score = 1 })
  end)
  teardown(function()
    app:close()
    db:close()
    vm.remove(path)
  end)

  it("never see one another's projects, runs, feedback", function()
    local mine = list(app, "include_stats=true&facets=true", headers.acme)
    assert.equal("shared", names(mine))
    assert.same({ 1, {}, {}, "1970-01-01T00:01:40Z", core.tenant_id "acme", core.project_id("acme", "shared") },
      { mine[1].run_count, mine[1].feedback_stats, mine[1].session_feedback_stats, mine[1].last_run_start_time_live, mine[1].tenant_id, mine[1].id })
    assert.equal("", names(list(app, "name=zen%27s", headers.acme)))
    assert.equal("", names(list(app, "id=" .. core.project_id("zen", "shared"), headers.acme)))
    assert.same({ 2, 1 }, (function(s) return { s.run_count, s.session_feedback_stats["zen's"].n } end)(
      list(app, "include_stats=true&name=shared", headers.zen)[1]))
  end)

  it("have ids, names and conflicts of their own", function()
    for _, method in ipairs { "GET", "PATCH", "DELETE" } do
      local status = ask(app, method, "/sessions/" .. core.project_id("zen", "shared"), nil, method == "PATCH" and "{}" or nil, headers.acme)
      assert.equal(404, status, method)
    end
    -- the same name, the same id, the same dataset: nobody is told of the other
    for _, who in ipairs { "zen", "acme" } do
      local status, made = ask(app, "POST", "/sessions", nil, { name = "new", id = ID, reference_dataset_id = DATASET }, headers[who])
      assert.same({ 200, ID, core.tenant_id(who) }, { status, made.id, made.tenant_id })
      assert.equal(1, list(app, "name=new", headers[who])[1].test_run_number)
      assert.equal(409, (ask(app, "POST", "/sessions", nil, { name = "new" }, headers[who])))
    end
    assert.equal(200, (ask(app, "PATCH", "/sessions/" .. ID, nil, { description = "acme's" }, headers.acme)))
    assert.equal(null, list(app, "name=new", headers.zen)[1].description)
    assert.equal(200, (ask(app, "DELETE", "/sessions/" .. ID, nil, nil, headers.acme)))
    assert.equal("new", names(list(app, "id=" .. ID, headers.zen)))
  end)

  it("need the right for it, and a key for one project sees that one", function()
    assert.equal(200, (ask(app, "GET", "/sessions", nil, nil, headers.reader)))
    for _, call in ipairs { { "POST", "/sessions" }, { "PATCH", "/sessions/" .. ID }, { "DELETE", "/sessions/" .. ID } } do
      local status, answer = ask(app, call[1], call[2], nil, "{}", headers.reader)
      assert.same({ 403, "the key has not the right 'record'" }, { status, answer.detail })
    end
    assert.same({ 401, "string" }, (function(status, answer) return { status, type(answer.detail) } end)(ask(app, "GET", "/sessions")))
    assert(db:add { request_id = "9", organization_id = "acme", project = "other", created_at = 100 })
    assert.equal("other shared", names(list(app, "sort_by=name&sort_by_desc=false", headers.acme)))
    assert.equal("shared", names(list(app, "sort_by=name&include_stats=true", headers.one)))
    assert.equal(404, (ask(app, "GET", "/sessions/" .. core.project_id("acme", "other"), nil, nil, headers.one)))
    assert.equal(403, (ask(app, "POST", "/sessions", nil, { name = "third" }, headers.one)))
  end)

  it("are all seen where there are no keys; an id that two have is asked about", function()
    local all, everyone = application()
    for _, who in ipairs { "acme", "zen" } do
      assert(everyone:create_project { organization_id = who, name = "p", id = ID, reference_dataset_id = DATASET, extra = { metadata = { who = who } } })
      assert(everyone:add { request_id = who, organization_id = who, project = "p", created_at = who == "zen" and 100 or 50 })
    end
    local both = list(all, "include_stats=true&sort_by=last_run_start_time")
    assert.same({ "zen", "acme" }, { both[1].extra.metadata.who, both[2].extra.metadata.who })
    assert.same({ 1, 1, 1, 1 }, { both[1].run_count, both[2].run_count, both[1].test_run_number, both[2].test_run_number })
    assert.equal(2, #list(all, "name_contains=P"))
    local status, answer = ask(all, "GET", "/sessions/" .. ID)
    assert.same({ 400, "'" .. ID .. "' is the id of projects of several organizations" }, { status, answer.detail })
  end)
end)
