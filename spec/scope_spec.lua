--- A handle for one organization (or project) sees and changes nothing of another, whatever it is asked.
local random = require "spec.support.random"
local sq = require "sessionquery"
local vm = require "spec.support.vm"
local f = sq.field

local path, all, ours

local function record(organization, project, id, more)
  local made = { request_id = id, organization_id = organization, project = project, session_id = "s", trace_id = "t",
    created_at = 1, model = "secret-" .. organization, user_id = "user-" .. organization, properties = { key = organization } }
  for name, value in pairs(more or {}) do made[name] = value end
  return made
end

local function forbidden(result, message, detail)
  assert.is_nil(result)
  assert.equal("forbidden", detail.code, message)
end

describe("a handle of one organization", function()
  before_each(function()
    path = vm.path()
    all = assert(sq.open(path))
    for _, organization in ipairs { "ours", "theirs" } do
      assert(all:add { record(organization, "p", "r1"), record(organization, "q", "r2", { parent_id = "r1", error = "x" }) })
      assert(all:add { record(organization, "p", "only-" .. organization, { session_id = "only-" .. organization }) })
      for _, project in ipairs { "p", "q" } do
        local where = { organization = organization, project = project }
        assert(all:tag("s", "tag-" .. organization, where))
        assert(all:session("s", where):set { owner = organization })
        assert(all:session("s", where):feedback { key = "k-" .. organization, score = 1 })
      end
      assert(all:feedback { request_id = "r1", organization = organization, project = "p", key = "k-" .. organization, score = 1 })
    end
    ours = assert(sq.open(path, { organization = "ours" }))
  end)

  after_each(function()
    ours:close()
    all:close()
    vm.remove(path)
  end)

  it("reads its own rows only", function()
    for _, query in ipairs { ours:sessions(), ours:requests(), ours:projects(), ours:group_by "model", ours:group_by("user_id", sq.day) } do
      local text = assert(query:json())
      assert(not text:find "theirs", text)
      assert(text:find "ours", text)
      assert(not text:find "organization_id", text)
    end
    assert.equal(3, assert(ours:requests():count()))
    assert.equal(6, assert(all:requests():count()))
    assert.equal(3, assert(ours:stats()).requests)
    assert.equal(1, assert(ours:stats()).organizations)
    assert.equal(3, assert(ours:stats()).feedback)
  end)

  it("whatever the filter says", function()
    for _, source in ipairs {
      "true", "organization_id = 'theirs'", "organization_id != 'ours'", "not false", "model like '%theirs'",
        "organization_id in ('ours', 'theirs') or true",
      "in_trace(organization_id = 'theirs')", "root(model = 'secret-theirs')", "in_trace(error is present)",
      "entry(feedback, key = 'k-theirs')", "entry(scores, key like '%theirs')", "scores.\"k-theirs\" = 1", "properties.key = 'theirs'",
    } do
      local filter = assert(sq.filter("where", source))
      local text = assert(ours:requests():where(filter):json()) .. assert(ours:sessions():where(filter):json())
      assert(not text:find "theirs", source)
    end
    assert.equal(0, assert(ours:requests():where(f.organization_id:eq "theirs"):count()))
    assert.equal(3, assert(ours:requests():where(f.organization_id:eq "ours"):count()))
    for _, source in ipairs { "session.tags has 'tag-theirs'", "session.metadata.owner = 'theirs'", "some(organization_id = 'theirs')" } do
      assert.equal(0, assert(ours:sessions():where(source):count()), source)
    end
    for _, source in ipairs { "in_trace(model = 'secret-theirs')", "root(organization_id = 'theirs')",
      "entry(feedback, key = 'k-theirs')" } do
      assert.equal(0, assert(ours:requests():where(source):count()), source)
    end
    local status, text = sq.answer("helicone", ours, [[{"search":"","timeFilter":{"startTimeUnixMs":0,"endTimeUnixMs":9e12},
      "timezoneDifference":0,"filter":{"left":{"request_response_rmt":{"organization_id":{"equals":"theirs"}}},"operator":"or","right":"all"}}]])
    assert.equal(200, status)
    assert(not text:find "theirs", text)
  end)

  it("sees its own tags, metadata and feedback only", function()
    for row in ours:sessions():each() do
      assert(not (assert(require("sessionquery.core").encode(row)):find "theirs"))
    end
    local row = assert(ours:session("s", { project = "p" })):get()
    assert.same({ "tag-ours" }, row.tags)
    assert.same({ owner = "ours" }, row.metadata)
    assert.equal(1, row.own_feedback_stats["k-ours"].n)
    assert.equal(1, row.feedback_stats["k-ours"].n)
    assert.is_nil(row.feedback_stats["k-theirs"])
  end)

  it("writes its own rows only", function()
    forbidden(ours:add { organization_id = "theirs", created_at = 1 })
    forbidden(ours:add { { created_at = 1 }, { organization_id = "theirs", created_at = 1 } })
    forbidden(ours:update { request_id = "r1", organization_id = "theirs", project = "p", model = "x" })
    forbidden(ours:feedback { request_id = "r1", organization = "theirs", project = "p", key = "k" })
    forbidden(ours:tag("s", "x", { organization = "theirs" }))
    forbidden(ours:session("s", { organization = "theirs" }))
    forbidden(ours:delete { request = "r1", organization = "theirs" })
    local sum = assert(ours:import(vm.write(vm.path "x.jsonl", '{"request_id":"x","organization_id":"theirs","created_at":1}\n')))
    assert.equal(1, sum.failed)
    assert.equal("forbidden", sum.errors[1].code)
    assert.equal(6, assert(all:requests():count()))
    assert(ours:add { request_id = "new", created_at = 1 })
    assert.equal(1, assert(all:requests():where "request_id = 'new' and organization_id = 'ours'":count()))
    local count, message, detail = ours:update { request_id = "only-theirs", project = "p", model = "x" }
    assert.is_nil(count)
    assert.equal("not_found", detail.code, message)
  end)

  it("finds nothing of another by its id", function()
    for _, result in ipairs {
      { ours:feedback { request_id = "only-theirs", key = "k" } }, { ours:tag("only-theirs", "x") },
      { ours:session("only-theirs"):set { a = 1 } }, { ours:session("only-theirs"):tag "x" },
      { ours:session("only-theirs"):feedback { key = "k" } },
    } do
      assert.is_nil(result[1])
      assert.equal("not_found", result[3].code, result[2])
    end
    assert.is_nil((ours:session("only-theirs"):get()))
    assert.equal(0, assert(ours:session("only-theirs"):requests():count()))
  end)

  it("deletes its own rows only", function()
    for _, what in ipairs { { request = "only-theirs" }, { session = "only-theirs" }, { user = "user-theirs" } } do
      assert.equal(0, assert(ours:delete(what)).requests)
    end
    assert.equal(3, assert(ours:delete { before = 1e9 }).requests)
    assert.equal(3, assert(all:requests():count()))
    assert.equal(0, assert(ours:requests():count()))
    assert.equal(2, assert(all:sessions():where "session.tags has 'tag-theirs'":count()))
    assert.equal(0, assert(ours:delete { project = "p" }).requests)
    assert.equal(3, assert(all:requests():count()))
  end)

  it("exports its own rows only", function()
    local file = vm.path "export.jsonl"
    assert.equal(3, assert(ours:export(file)))
    local text = vm.read(file)
    assert(not text:find "theirs", text)
    os.remove(file)
  end)

  it("hands its scope to a snapshot", function()
    ours:snapshot(function(tx)
      assert.equal(3, assert(tx:requests():count()))
      assert.equal(0, assert(tx:requests():where(f.organization_id:eq "theirs"):count()))
    end)
  end)

  it("cannot page on with a cursor of another scope", function()
    local page = assert(all:requests():limit(1):page())
    local result, message, detail = ours:requests():limit(1):after(page.next):page()
    assert.is_nil(result)
    assert.equal("cursor", detail.code, message)
  end)

  it("on random filters", function()
    local rng = random.new(77)
    for _ = 1, 150 do
      local filter = random.to_filter(random.request_tree(rng, 3))
      for row in assert(ours:requests()):where(filter):each() do
        assert.equal("secret-ours", row.model)
      end
      assert(assert(ours:sessions():where(random.to_filter(random.mixed_tree(rng, 3, true))):json()):find "theirs" == nil)
    end
  end)
end)

describe("a handle of one project", function()
  it("reads and writes this one only", function()
    path = vm.path()
    local db = assert(sq.open(path, { project = "p" }))
    assert(db:add { request_id = "r", created_at = 1, session_id = "s" })
    forbidden(db:add { request_id = "r", project = "q", created_at = 1 })
    local whole = assert(sq.open(path))
    assert(whole:add { request_id = "r", project = "q", session_id = "s", created_at = 1 })
    assert.equal("p", assert(whole:requests():where "project = 'p'":first()).project)
    assert.equal(1, assert(db:sessions():count()))
    assert.is_nil(assert(db:sessions():first()).project)
    assert.equal("", assert(db:sessions():first()).organization_id)
    assert.equal(1, assert(db:delete { before = 100 }).requests)
    assert.equal(1, assert(whole:requests():count()))
    whole:close()
    db:close()
    vm.remove(path)
  end)
end)

describe("a handle for all", function()
  it("shows whose rows are whose", function()
    local db = assert(sq.open ":memory:")
    assert(db:add { record("a", "p", "r"), record("b", "p", "r"), record("b", "q", "r") })
    local rows = assert(db:sessions():all())
    assert.equal(3, #rows)
    assert.same({ "a", "b", "b" }, { rows[1].organization_id, rows[2].organization_id, rows[3].organization_id })
    assert.same({ "p", "p", "q" }, { rows[1].project, rows[2].project, rows[3].project })
    assert.equal(2, #assert(db:group_by "trace_id":all()))
    db:close()
  end)

  it("must be told whose session or request is meant, where an id names several", function()
    local db = assert(sq.open ":memory:")
    assert(db:add { record("a", "p", "r"), record("b", "p", "r") })
    for _, result in ipairs {
      { db:feedback { request_id = "r", key = "k" } }, { db:tag("s", "x") }, { db:session "s" }, { db:delete { request = "r" } },
      { db:delete { session = "s" } }, { db:delete { project = "p" } }, { db:feedback { session_id = "s", key = "k" } },
    } do
      assert.is_nil(result[1])
      assert.equal("ambiguous", result[3].code, result[2])
    end
    assert(db:feedback { request_id = "r", organization = "a", key = "k" })
    assert(db:tag("s", "x", { organization = "b" }))
    assert.same({ "x" }, assert(db:session("s", { organization = "b" })):get().tags)
    assert.same({}, assert(db:session("s", { organization = "a" })):get().tags)
    assert.equal(1, assert(db:session("s", { organization = "a" })):requests():count())
    assert.equal(1, assert(db:delete { session = "s", organization = "a" }).requests)
    assert.equal(1, assert(db:delete { session = "s" }).requests)
    db:close()
  end)
end)
