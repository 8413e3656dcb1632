--- LangSmith's feedback over HTTP: POST and GET /feedback; GET, PATCH, DELETE /feedback/{id}.
local core = require "sessionquery.core"
local http = require "sessionquery.http"
local keys = require "sessionquery.keys"
local langsmith = require "spec.support.langsmith"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local ask = langsmith.ask
local null = core.null

local function uuid(n) return ("%08d-0000-4000-8000-000000000000"):format(n) end

local RUN, SECOND, ID, NOBODY = uuid(1), uuid(2), uuid(11), uuid(99)
local P, Q = core.project_id("", "p"), core.project_id("", "q")
local UUID7 = "^%x+%-%x+%-7%x+%-%x+%-%x+$"

local app, db

before_each(function()
  db = assert(sq.open ":memory:")
  assert(db:add { { request_id = RUN, project = "p", created_at = 100 }, { request_id = SECOND, project = "q", created_at = 200 } })
  app = http.app { db = db }
end)
after_each(function() db:close() end)

local function give(body, path)
  local status, answer, problem = ask(app, "POST", path or "/feedback", nil, body)
  assert.equal(200, status, tostring(problem) .. core.encode(answer))
  return answer
end

local function read(id)
  local status, answer = ask(app, "GET", "/feedback/" .. id)
  assert.equal(200, status, core.encode(answer))
  return answer
end

describe("POST /feedback", function()
  it("records all that is said, and tells it", function()
    local given = give { id = ID:upper(), run_id = RUN, key = "k", score = 0.5, value = { a = { 1 } }, comment = "c", correction = { b = 2 }, trace_id = RUN,
      session_id = P, feedback_source = { type = "model", metadata = { who = "x" } }, comparative_experiment_id = NOBODY, feedback_group_id = NOBODY,
      feedbackConfig = { type = "continuous" }, start_time = 5, extend_trace_retention = true, created_at = "2024-01-01T00:00:00", modified_at = null }
    assert(given.modified_at:find "^%d+%-%d+%-%d+T")
    given.modified_at = nil
    assert.same({ id = ID, run_id = RUN, key = "k", score = 0.5, value = { a = { 1 } }, comment = "c", correction = { b = 2 }, trace_id = RUN, session_id = P,
      feedback_source = { type = "model", metadata = { who = "x" } }, comparative_experiment_id = NOBODY, feedback_group_id = NOBODY,
      feedback_config = { type = "continuous" }, start_time = 5, created_at = "2024-01-01T00:00:00Z" }, given)
    given.modified_at = read(ID).modified_at
    assert.same(given, read(ID))
  end)

  it("makes an id, and has nulls for what is not said", function()
    local given = give({ run_id = RUN, key = "k", score = null }, "/api/v1/feedback")
    assert(given.id:find(UUID7))
    assert.same({ null, null, null, null, null, P, { type = "api", metadata = {} } },
      { given.score, given.value, given.comment, given.correction, given.trace_id, given.session_id, given.feedback_source })
  end)

  it("is part of its run", function()
    give { run_id = RUN, key = "k", score = 1 }
    give { run_id = RUN, key = "k", score = true, value = "yes" }
    local _, run = ask(app, "GET", "/runs/" .. RUN)
    assert.same({ k = { n = 2, avg = 1, values = { yes = 1 } } }, run.feedback_stats)
    assert.same({ k = true }, db:requests():where "project = 'p'":first().scores)
  end)

  it("is given to a project", function()
    local given = give { session_id = Q, key = "grade", score = 3 }
    assert.same({ null, Q }, { given.run_id, given.session_id })
    local _, project = ask(app, "GET", "/sessions/" .. Q, "include_stats=true")
    assert.same({ { grade = { n = 1, avg = 3, values = {} } }, {} }, { project.session_feedback_stats, project.feedback_stats })
  end)

  it("of an id that is there says it anew, if it is on the same run", function()
    give { id = ID, run_id = RUN, key = "k", score = 1, comment = "old" }
    local first = read(ID).created_at
    local again = give { id = ID, run_id = RUN, key = "k", score = 2 }
    assert.same({ 2, null, first }, { again.score, again.comment, again.created_at })
    assert.equal(2, db:requests():where "project = 'p'":first().scores.k)
    assert.equal(409, (ask(app, "POST", "/feedback", nil, { id = ID, run_id = SECOND, key = "k", score = 3 })))
    assert.equal(409, (ask(app, "POST", "/feedback", nil, { id = ID, session_id = P, key = "k", score = 3 })))
    assert.equal(2, read(ID).score)
  end)

  local wrong = {
    { { key = "k" }, 422, "body.run_id" }, { { run_id = RUN }, 422, "body.key" }, { { run_id = RUN, key = "" }, 422, "body.key" },
    { { run_id = RUN, key = "k", score = "1" }, 422, "body.score" }, { { run_id = RUN, key = "k", score = { 1 } }, 422, "body.score" },
    { { run_id = RUN, key = "k", id = "x" }, 422, "body.id" }, { { run_id = RUN, key = "k", correction = 5 }, 422, "body.correction" },
    { { run_id = RUN, key = "k", session_id = "x" }, 422, "body.session_id" }, { { run_id = RUN, key = "k", comment = 5 }, 422, "body.comment" },
    { { run_id = RUN, key = "k", feedback_source = "x" }, 422, "body.feedback_source" }, { { run_id = RUN, key = "k", created_at = "x" }, 422, "body.created_at" },
    { { run_id = RUN, key = "k", scroe = 1 }, 422, "body.scroe" }, { { run_id = NOBODY, key = "k" }, 404, "Run not found" },
    { { run_id = RUN, key = "k", session_id = NOBODY }, 404, "Project not found" }, { { run_id = RUN, key = "k", session_id = Q }, 404, "Run not found" },
    { { session_id = NOBODY, key = "k" }, 404, "Project not found" }, { "[]", 422, "body" }, { "{", 400, "too early" },
  }
  for _, case in ipairs(wrong) do
    it("refuses " .. (type(case[1]) == "table" and core.encode(case[1]) or case[1]), function()
      local status, answer = ask(app, "POST", "/feedback", nil, case[1])
      assert.equal(case[2], status, core.encode(answer))
      local told = type(answer.detail) == "string" and answer.detail or table.concat(answer.detail[1].loc, ".")
      assert(told:find(case[3], 1, true), told)
      assert.equal("[]", db._core:list_feedback {})
    end)
  end
end)

describe("GET /feedback", function()
  before_each(function()
    for i, body in ipairs {
      { run_id = RUN, key = "a", score = 1, feedback_source = { type = "api" } }, { run_id = RUN, key = "b", comment = "c", feedback_source = { type = "model" } },
      { run_id = SECOND, key = "a", score = false }, { session_id = P, key = "c", score = 2 },
    } do
      body.created_at = 1700000000 + i
      give(body)
    end
  end)

  local cases = {
    { "", "c a b a" }, { "run=" .. RUN, "b a" }, { ("run=%s&run=%s"):format(RUN, SECOND:upper()), "a b a" }, { "run=" .. NOBODY, "" },
    { "key=a", "a a" }, { "key=a&key=c", "c a a" }, { "source=model", "b" }, { "source=model&source=app", "b" }, { "session=" .. P, "c b a" },
    { ("session=%s&session=%s"):format(Q, NOBODY), "a" }, { "session=" .. NOBODY, "" }, { "level=run", "a b a" }, { "level=session", "c" },
    { "has_score=true", "c a a" }, { "has_score=false", "b" }, { "has_comment=true", "b" }, { "has_comment=false", "c a a" },
    { "min_created_at=2023-11-14T22:13:23", "c a" }, { "max_created_at=2023-11-14T22:13:23Z", "b a" }, { "limit=2", "c a" }, { "limit=2&offset=3", "a" },
    { "offset=4", "" }, { "include_user_names=true&key=b", "b" }, { ("run=%s&key=a&source=api&level=run&has_score=true"):format(RUN), "a" },
  }
  for _, case in ipairs(cases) do
    it("gives by '" .. case[1] .. "'", function()
      for _, prefix in ipairs { "", "/api/v1" } do
        local status, answer = ask(app, "GET", prefix .. "/feedback", case[1])
        assert.equal(200, status, core.encode(answer))
        local all = {}
        for i, one in ipairs(answer) do all[i] = one.key end
        assert.equal(case[2], table.concat(all, " "))
        if #all == 0 then assert.equal("[]", core.encode(answer)) end
      end
    end)
  end

  for _, case in ipairs {
    { "limit=0", "limit" }, { "limit=101", "limit" }, { "offset=-1", "offset" }, { "level=x", "level" }, { "has_score=x", "has_score" },
    { "session=x", "session" }, { "min_created_at=x", "min_created_at" }, { "user=" .. NOBODY, "user" }, { "limit=1&limit=2", "limit" },
  } do
    it("refuses " .. case[1], function()
      local status, answer = ask(app, "GET", "/feedback", case[1])
      assert.same({ 422, "query", case[2] }, { status, answer.detail[1].loc[1], answer.detail[1].loc[2] })
    end)
  end

  it("shows what came in another way under an id of its own, and changes it", function()
    assert(db:feedback { request_id = RUN, key = "plain", score = 1, source = "somebody" })
    local _, list = ask(app, "GET", "/feedback", "key=plain")
    local id = list[1].id
    assert.same({ "somebody", list[1] }, { list[1].feedback_source.type, read(id) })
    assert.equal(7, select(2, ask(app, "PATCH", "/feedback/" .. id, nil, { score = 7 })).score)
    assert.equal(7, db:requests():where "project = 'p'":first().scores.plain)
    assert.equal(200, (ask(app, "DELETE", "/feedback/" .. id)))
    assert.equal("[]", core.encode(select(2, ask(app, "GET", "/feedback", "key=plain"))))
  end)
end)

describe("/feedback/{id}", function()
  before_each(function() give { id = ID, run_id = RUN, key = "k", score = 1, value = "v", comment = "c", correction = "x" } end)

  it("is changed in what is named; null leaves it", function()
    local cases = {
      { { score = 2 }, { 2, "v", "c", "x" } }, { { value = { 1 } }, { 1, { 1 }, "c", "x" } }, { { comment = "d" }, { 1, "v", "d", "x" } },
      { { correction = { a = 1 } }, { 1, "v", "c", { a = 1 } } }, { { score = null, value = null, comment = null, correction = null }, { 1, "v", "c", "x" } }, { "{}", { 1, "v", "c", "x" } },
    }
    for _, case in ipairs(cases) do
      local status, answer = ask(app, "PATCH", "/feedback/" .. ID, nil, case[1])
      assert.equal(200, status, core.encode(answer))
      assert.same(case[2], { answer.score, answer.value, answer.comment, answer.correction })
      assert.same({ "k", RUN }, { answer.key, answer.run_id })
      give { id = ID, run_id = RUN, key = "k", score = 1, value = "v", comment = "c", correction = "x" }
    end
  end)

  it("is deleted, and is not there then", function()
    assert.equal(200, (ask(app, "DELETE", "/api/v1/feedback/" .. ID)))
    for _, method in ipairs { "GET", "PATCH", "DELETE" } do
      local status, answer = ask(app, method, "/feedback/" .. ID, nil, method == "PATCH" and "{}" or nil)
      assert.same({ 404, "Feedback not found" }, { status, answer.detail })
    end
    assert.same({}, db:requests():where "project = 'p'":first().scores)
  end)

  it("refuses what it does not know", function()
    assert.same({ 422, 422, 422, 422, 400, 405 }, { (ask(app, "GET", "/feedback/x")), (ask(app, "PATCH", "/feedback/" .. ID, nil, { key = "x" })),
      (ask(app, "PATCH", "/feedback/" .. ID, nil, { score = "x" })), (ask(app, "GET", "/feedback/" .. ID, "x=1")), (ask(app, "PATCH", "/feedback/" .. ID, nil, "{")),
      (ask(app, "POST", "/feedback/" .. ID, nil, "{}")) })
  end)

  it("is never another organization's", function()
    local path = vm.path "feedback_keys.db"
    vm.remove(path)
    local store = assert(sq.open(path))
    local rights = { "query", "record" }
    local key = { one = keys.create(store, { organization = "one", rights = rights }), two = keys.create(store, { organization = "two", rights = rights }) }
    assert(store:add { request_id = RUN, created_at = 1, organization_id = "one", project = "p" })
    local server = http.app { path = path }
    local function send(name, method, where, body, query) return ask(server, method, where, query, body, { ["x-api-key"] = key[name] }) end
    assert.equal(200, (send("one", "POST", "/feedback", { id = ID, run_id = RUN, key = "k", score = 1 })))
    assert(store:feedback { request_id = RUN, key = "plain" })
    for _, id in ipairs { ID, "00000000-0000-8000-8000-000000000002" } do
      assert.equal(200, (send("one", "GET", "/feedback/" .. id)))
      for _, method in ipairs { "GET", "PATCH", "DELETE" } do assert.equal(404, (send("two", method, "/feedback/" .. id, method == "PATCH" and { score = 5 } or nil))) end
    end
    assert.equal("[]", core.encode(select(2, send("two", "GET", "/feedback"))))
    assert.equal("[]", core.encode(select(2, send("two", "GET", "/feedback", nil, "run=" .. RUN))))
    assert.equal("[]", core.encode(select(2, send("two", "GET", "/feedback", nil, "session=" .. core.project_id("one", "p")))))
    assert.equal(404, (send("two", "POST", "/feedback", { run_id = RUN, key = "k", score = 5 })))
    assert.equal(404, (send("two", "POST", "/feedback", { session_id = core.project_id("one", "p"), key = "k", score = 5 })))
    -- an id that others have is free here
    assert(store:add { request_id = SECOND, created_at = 1, organization_id = "two", project = "p" })
    assert.equal(200, (send("two", "POST", "/feedback", { id = ID, run_id = SECOND, key = "mine", score = 9 })))
    assert.same({ "k", "mine" }, { select(2, send("one", "GET", "/feedback/" .. ID)).key, select(2, send("two", "GET", "/feedback/" .. ID)).key })
    server:close()
    store:close()
    vm.remove(path)
  end)
end)
