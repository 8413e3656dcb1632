--- LangSmith's runs over HTTP, on their way in: POST /runs, PATCH /runs/{id}, POST /runs/batch, POST /runs/multipart; and GET
--- /runs/{id}, which gives them back. Lists are langsmith_query_spec.lua's.
local core = require "sessionquery.core"
local http = require "sessionquery.http"
local keys = require "sessionquery.keys"
local langsmith = require "spec.support.langsmith"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local ask = langsmith.ask
local null = core.null

local function uuid(n) return ("%08d-0000-4000-8000-000000000000"):format(n) end

local ID, CHILD, OTHER = uuid(1), uuid(2), uuid(3)
local START = "2023-11-14T22:13:20Z" -- 1700000000

--- A run with members replaced; false takes one away.
local function run_of(members)
  local run = { id = ID, name = "r", run_type = "chain", start_time = START, inputs = {}, session_name = "p" }
  for name, value in pairs(members or {}) do
    if value == false then run[name] = nil else run[name] = value end
  end
  return run
end

local function application(options)
  local db = assert(sq.open ":memory:")
  options = options or {}
  options.db = db
  return http.app(options), db
end

local function post(app, members)
  local status, answer, problem = ask(app, "POST", "/runs", nil, type(members) == "string" and members or run_of(members))
  assert.equal(202, status, tostring(problem) .. core.encode(answer))
end

local function patch(app, id, members)
  local status, answer, problem = ask(app, "PATCH", "/runs/" .. id, nil, members)
  assert.equal(202, status, tostring(problem) .. core.encode(answer))
end

local function get(app, id)
  local status, answer, problem = ask(app, "GET", "/runs/" .. (id or ID))
  assert.equal(200, status, tostring(problem) .. core.encode(answer))
  return answer
end

local USAGE = { input_tokens = 3, output_tokens = 4, total_tokens = 8, input_token_details = { cache_read = 2, cache_creation = 1 },
  input_cost = 0.001, output_cost = "0.002" }

describe("a run", function()
  -- what is posted, and what of the run comes back
  local cases = {
    { "has its id, name, type and project", {}, { id = ID, name = "r", run_type = "chain", session_id = core.project_id("", "p") } },
    { "goes to the project 'default'", { session_name = false }, { session_id = core.project_id("", "default") } },
    { "has an id in lower case", { id = ID:upper() }, { id = ID } },
    { "has a name of nothing", { name = false }, { name = "" } },
    { "is pending without an end", {}, { status = "pending", end_time = null, error = null } },
    { "is a success with an end", { end_time = "2023-11-14T22:13:21.5Z" }, { status = "success", end_time = "2023-11-14T22:13:21.500Z" } },
    { "is an error with one", { error = "bad" }, { status = "error", error = "bad" } },
    { "is an error with one of another kind", { error = { code = 7 } }, { status = "error", error = '{"code":7}' } },
    { "is an error by its status", { status = "error", end_time = START }, { status = "error", error = null } },
    { "is no error with an empty one", { error = "", end_time = START }, { status = "success", error = null } },
    { "takes epoch milliseconds", { start_time = 1700000000123, end_time = 1700000001000.5 },
      { start_time = "2023-11-14T22:13:20.123Z", end_time = "2023-11-14T22:13:21.000500Z" } },
    { "takes epoch seconds", { start_time = 1700000000 }, { start_time = START } },
    { "takes times without a zone as UTC", { start_time = "2023-11-14T22:13:20.000001" }, { start_time = "2023-11-14T22:13:20.000001Z" } },
    { "takes times with an offset", { start_time = "2023-11-14T23:13:20+01:00" }, { start_time = START } },
    { "has inputs and outputs", { inputs = { q = { 1, { a = core.decode "[]" } } }, outputs = { a = "é" } }, { outputs = { a = "é" } } },
    { "without outputs has null", { inputs = null }, { inputs = null, outputs = null } },
    { "whose inputs are no object shows them as one", { inputs = { 1, 2 }, outputs = "text" }, { inputs = { input = { 1, 2 } }, outputs = { output = "text" } } },
    { "has tags", { tags = { "b", "a" } }, { tags = { "b", "a" } } },
    { "without tags has none", { tags = null }, { tags = {} } },
    { "has metadata of any types, nested too", { extra = { metadata = { s = "x", n = 1.5, b = false, deep = { { a = 1 } } }, runtime = { sdk = "s" }, level = 3 } },
      { extra = { metadata = { s = "x", n = 1.5, b = false, deep = { { a = 1 } } }, runtime = { sdk = "s" }, level = 3 } } },
    { "without metadata has none", { extra = null }, { extra = { metadata = {} } } },
    { "names its thread by session_id", { extra = { metadata = { session_id = "t" } } }, { thread_id = "t" } },
    { "names its thread by thread_id", { extra = { metadata = { thread_id = "t" } } }, { thread_id = "t" } },
    { "names its thread by conversation_id", { extra = { metadata = { conversation_id = 12 } } }, { thread_id = "12" } },
    { "is in no thread", {}, { thread_id = null } },
    { "keeps what has no field", { events = { { name = "start", time = START } }, serialized = { lc = 1 }, reference_example_id = OTHER,
      manifest_id = CHILD, revision_id = "v1", new_member = { 1 } },
      { events = { { name = "start", time = START } }, serialized = { lc = 1 }, reference_example_id = OTHER, manifest_id = CHILD,
        revision_id = "v1", new_member = { 1 } } },
    { "has a first token", { events = { { name = "start" }, { name = "new_token", time = "2023-11-14T22:13:20.250" }, { name = "new_token", time = 1700000000900 } } },
      { first_token_time = "2023-11-14T22:13:20.250Z" } },
    { "has no first token", { events = {} }, { first_token_time = null, events = {} } },
    { "is the root of its trace", {}, { trace_id = ID, parent_run_id = null, parent_run_ids = {}, execution_order = 1,
      dotted_order = "20231114T221320000000Z" .. ID } },
    { "has the order that it was given", { execution_order = 7 }, { execution_order = 7 } },
    { "is of a trace", { trace_id = OTHER, parent_run_id = CHILD, dotted_order = "20231114T221319000000Z" .. OTHER
        .. ".20231114T221319500000Z" .. CHILD .. ".20231114T221320000000Z" .. ID },
      { trace_id = OTHER, parent_run_id = CHILD, parent_run_ids = { OTHER, CHILD }, execution_order = null } },
    { "is of the trace that its order names", { dotted_order = "20231114T221319000000Z" .. OTHER .. ".20231114T221320000000Z" .. ID },
      { trace_id = OTHER, parent_run_id = OTHER, parent_run_ids = { OTHER } } },
    { "keeps an order that is none", { dotted_order = "1" }, { dotted_order = "1", trace_id = ID } },
    { "counts tokens of LangChain's usage", { outputs = { usage_metadata = USAGE } },
      { total_tokens = 8, prompt_tokens = 3, completion_tokens = 4, total_cost = "0.003", prompt_cost = "0.001", completion_cost = "0.002" } },
    { "counts tokens of the metadata", { extra = { metadata = { usage_metadata = USAGE } } }, { total_tokens = 8, prompt_tokens = 3 } },
    { "counts tokens of a message", { outputs = { generations = { { { message = { kwargs = { usage_metadata = USAGE } } } } } } }, { total_tokens = 8 } },
    { "counts tokens of an answer of many models", { outputs = { llm_output = { token_usage = { prompt_tokens = 1, completion_tokens = 2 }, model_name = "m" } } },
      { total_tokens = 3, prompt_tokens = 1, completion_tokens = 2, total_cost = null } },
    { "counts tokens of OpenAI's answer", { outputs = { usage = { prompt_tokens = 5, completion_tokens = 6, total_tokens = 11 } } }, { total_tokens = 11 } },
    { "takes counts that are none for unknown", { outputs = { usage_metadata = { input_tokens = -1, output_tokens = "x", total_tokens = 1.5, total_cost = "dear" } } },
      { total_tokens = 0, prompt_tokens = 0, completion_tokens = 0, total_cost = null } },
    { "has a path in the app", {}, { app_path = ("/o/%s/projects/p/%s/r/%s?trace_id=%s&start_time=2023-11-14T22%%3A13%%3A20Z")
      :format(core.tenant_id "", core.project_id("", "p"), ID, ID) } },
    { "has a preview", { inputs = { text = ("é"):rep(200) } }, { inputs_preview = '{"text":"' .. ("é"):rep(70) } },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local app = application()
      post(app, case[2])
      local run = get(app)
      for name, value in pairs(case[3]) do assert.same(value, run[name], name) end
    end)
  end

  it("is a request like others", function()
    local app, db = application()
    post(app, { run_type = "llm", end_time = "2023-11-14T22:13:21.5Z", tags = { "t" }, error = "bad", execution_order = 3, inputs = { a = 1 },
      events = { { name = "new_token", time = "2023-11-14T22:13:20.250Z" } }, trace_id = OTHER, parent_run_id = CHILD, dotted_order = "x",
      extra = { metadata = { ls_model_name = "gpt", ls_provider = "openai", session_id = "s", k = true } }, outputs = { usage_metadata = USAGE } })
    local row = db:requests({ bodies = true }):first()
    assert.same({ ID, "p", "r", "llm", 1700000000, 1700000001.5, 1500, 250, true, 200, "bad", "gpt", "openai", "s", OTHER, CHILD, "x", 3 },
      { row.request_id, row.project, row.name, row.run_type, row.created_at, row.responded_at, row.latency_ms, row.time_to_first_token_ms, row.streamed,
        row.status, row.error, row.model, row.provider, row.session_id, row.trace_id, row.parent_id, row.dotted_order, row.execution_order })
    assert.same({ 3, 4, 8, 2, 1 }, { row.prompt_tokens, row.completion_tokens, row.total_tokens, row.prompt_cache_read_tokens, row.prompt_cache_write_tokens })
    assert.same({ '{"a":1}', { "t" }, { ls_model_name = "gpt", ls_provider = "openai", session_id = "s", k = true } }, { row.request_body, row.tags, row.properties })
    post(app, { id = OTHER, run_type = "tool", extra = { invocation_params = { model = "m" } } })
    row = db:requests():where("request_id = '" .. OTHER .. "'"):first()
    assert.same({ -2, "pending", "m" }, { row.status, row.outcome, row.model })
    assert.is_nil(row.streamed)
  end)

  it("comes back as it was written: numbers of any length, the order of its members, lists and objects without members", function()
    local app = application()
    local inputs = '{"z":9007199254740993,"a":1.0,"e":[],"o":{},"n":null,"s":"\\u00e9\\n"}'
    post(app, ('{"id":"%s","name":"r","run_type":"llm","start_time":%d,"inputs":%s,\n "outputs" : %s ,"extra":{"metadata":{"big":12345678901234567890,"l":[]},"x":{"l":[]}}}')
      :format(ID, 1700000000000, inputs, inputs))
    local _, _, text = app:handle { method = "GET", path = "/runs/" .. ID, remote = "127.0.0.1" }
    for _, part in ipairs { '"inputs":' .. inputs, '"outputs":' .. inputs, '"x":{"l":[]}', '"metadata":{"big":"12345678901234567890","l":[]}', '"tags":[]' } do
      assert(text:find(part, 1, true), part .. "\n" .. text)
    end
  end)

  it("without an id is given one", function()
    local app, db = application()
    post(app, { id = false })
    local row = db:requests():first()
    assert(row.request_id:find "^%x+%-%x+%-7")
    assert.same({ row.request_id, row.request_id }, { row.trace_id, get(app, row.request_id).id })
  end)

  it("without a start begins now", function()
    local app = application()
    post(app, { start_time = false })
    assert.equal(os.date "!%Y-%m-%dT%H", get(app).start_time:sub(1, 13))
  end)

  it("is put into its parent's trace, be that in the store, in the same batch, or unknown", function()
    local app = application()
    post(app, {})
    post(app, { id = CHILD, parent_run_id = ID, start_time = "2023-11-14T22:13:20.5Z" })
    local child = get(app, CHILD)
    local above = "20231114T221320000000Z" .. ID
    assert.same({ ID, above .. ".20231114T221320500000Z" .. CHILD, { ID } }, { child.trace_id, child.dotted_order, child.parent_run_ids })
    local batch = { post = { run_of { id = uuid(10) }, run_of { id = uuid(11), parent_run_id = uuid(10) }, run_of { id = uuid(12), parent_run_id = uuid(11) } } }
    assert.equal(202, (ask(app, "POST", "/runs/batch", nil, batch)))
    local deepest = get(app, uuid(12))
    assert.same({ uuid(10), { uuid(10), uuid(11) } }, { deepest.trace_id, deepest.parent_run_ids })
    post(app, { id = uuid(20), parent_run_id = uuid(99) })
    local orphan = get(app, uuid(20))
    assert.same({ uuid(99), { uuid(99) } }, { orphan.trace_id, orphan.parent_run_ids })
  end)

  it("brings those that are posted within it", function()
    local app = application()
    post(app, { child_runs = { { id = CHILD, name = "c", run_type = "llm", start_time = START, inputs = {}, child_runs = {
      { id = OTHER, name = "d", run_type = "tool", start_time = START, inputs = {} } } } } })
    assert.same({ ID, ID, core.project_id("", "p") }, { get(app, CHILD).parent_run_id, get(app, CHILD).trace_id, get(app, CHILD).session_id })
    assert.same({ CHILD, ID }, { get(app, OTHER).parent_run_id, get(app, OTHER).trace_id })
  end)

  it("goes to the project of an id", function()
    local app = application()
    local _, made = ask(app, "POST", "/sessions", nil, { name = "made", id = OTHER })
    post(app, { session_name = false, session_id = made.id })
    assert.equal(OTHER, get(app).session_id)
    local status, answer = ask(app, "POST", "/runs", nil, run_of { session_id = uuid(99) })
    assert.same({ 422, { { loc = { "body", "session_id" }, msg = "there is no such project", type = "value_error" } } }, { status, answer.detail })
  end)
end)

describe("an update of a run", function()
  it("ends it, and says what was not known", function()
    local app, db = application()
    post(app, { inputs = { a = 1 }, tags = { "a" }, extra = { metadata = { a = 1 }, runtime = { r = 1 } } })
    patch(app, ID, { end_time = 1700000001250, outputs = { b = 2 }, tags = { "b" }, extra = { metadata = { b = 2 } }, events = { { name = "new_token", time = 1700000000100 } } })
    local run = get(app)
    assert.same({ "success", "2023-11-14T22:13:21.250Z", { a = 1 }, { b = 2 }, { "b" }, "2023-11-14T22:13:20.100Z" },
      { run.status, run.end_time, run.inputs, run.outputs, run.tags, run.first_token_time })
    assert.same({ metadata = { a = 1, b = 2 }, runtime = { r = 1 } }, run.extra)
    local row = db:requests():first()
    assert.same({ 1250, 100, true, 200 }, { row.latency_ms, row.time_to_first_token_ms, row.streamed, row.status })
  end)

  it("leaves what it says nothing of, or null", function()
    local app = application()
    post(app, { end_time = "2023-11-14T22:13:21Z", error = "bad", outputs = { b = 2 }, tags = { "a" } })
    patch(app, ID, { name = null, error = null, end_time = null, outputs = null, tags = null, extra = null })
    patch(app, ID, {})
    local run = get(app)
    assert.same({ "r", "error", "bad", "2023-11-14T22:13:21Z", { b = 2 }, { "a" } }, { run.name, run.status, run.error, run.end_time, run.outputs, run.tags })
  end)

  it("finds its run in whichever project", function()
    local app, db = application()
    post(app, { session_name = "q" })
    patch(app, ID, { tags = { "x" } })
    patch(app, ID, { name = "named", session_name = "p" })
    assert.same({ "named", { "x" } }, { get(app).name, get(app).tags })
    assert.equal(1, db:requests():count())
  end)

  it("names a project where several have the id", function()
    local app, db = application()
    post(app, { session_name = "p" })
    post(app, { session_name = "q" })
    local status, answer = ask(app, "PATCH", "/runs/" .. ID, nil, { name = "x" })
    assert.same({ 422, { "body", "session_name" } }, { status, answer.detail[1].loc })
    patch(app, ID, { name = "of q", session_name = "q" })
    assert.same({ "r", "of q" }, { db:requests():where "project = 'p'":first().name, db:requests():where "project = 'q'":first().name })
    assert.equal(400, (ask(app, "GET", "/runs/" .. ID)))
    assert.equal("of q", (select(2, ask(app, "GET", "/runs/" .. ID, "session_id=" .. core.project_id("", "q")))).name)
  end)

  it("that comes first waits for its run, and is measured with it", function()
    local app, db = application()
    patch(app, ID, { end_time = 1700000002000, outputs = { a = 1 } })
    patch(app, ID, { tags = { "late" } })
    assert.same({ 404, "Run not found" }, { ask(app, "GET", "/runs/" .. ID), (select(2, ask(app, "GET", "/runs/" .. ID))).detail })
    assert.equal(0, db:requests():count())
    post(app, {})
    local run = get(app)
    assert.same({ "success", "2023-11-14T22:13:22Z", { a = 1 }, { "late" } }, { run.status, run.end_time, run.outputs, run.tags })
    assert.equal(2000, db:requests():first().latency_ms)
  end)

  it("is not lost when its run is posted again", function()
    local app = application()
    post(app, {})
    patch(app, ID, { end_time = 1700000002000, outputs = { a = 1 }, extra = { metadata = { k = 1 } } })
    post(app, { extra = { metadata = { m = 2 } } })
    local run = get(app)
    assert.same({ "success", { a = 1 }, { k = 1, m = 2 } }, { run.status, run.outputs, run.extra.metadata })
  end)
end)

describe("POST /runs/batch", function()
  it("takes runs and updates, under both prefixes", function()
    for _, prefix in ipairs { "", "/api/v1" } do
      local app = application()
      local status, answer = ask(app, "POST", prefix .. "/runs/batch", nil, {
        post = { run_of {}, run_of { id = CHILD, parent_run_id = ID } }, patch = { { id = ID, end_time = START }, { id = OTHER, end_time = START } } })
      assert.same({ 202, {} }, { status, answer })
      assert.same({ "success", "pending" }, { get(app, ID).status, get(app, CHILD).status })
    end
  end)

  it("takes nothing, too", function()
    local app, db = application()
    for _, body in ipairs { "{}", '{"post":[],"patch":[]}', '{"post":null}' } do assert.equal(202, (ask(app, "POST", "/runs/batch", nil, body))) end
    assert.equal(0, db:requests():count())
  end)

  it("stores what is good, and names each that is not", function()
    local app, db = application()
    local status, answer = ask(app, "POST", "/runs/batch", nil, {
      post = { run_of {}, run_of { id = "x" }, run_of { id = CHILD, run_type = "dance" }, run_of { id = uuid(4), start_time = "1492-01-01" }, 5, run_of { id = uuid(5), run_type = false } },
      patch = { { id = ID, tags = { "t" } }, { tags = { "t" } }, { id = uuid(6), end_time = "soon" } },
    })
    assert.equal(422, status)
    local places = {}
    for i, fault in ipairs(answer.detail) do places[i] = table.concat(fault.loc, ".") .. " " .. fault.type end
    assert.same({ "body.post.1.id uuid_parsing", "body.post.2.run_type enum", "body.post.4 dict_type", "body.post.5.run_type missing",
      "body.patch.1.id missing", "body.patch.2.end_time datetime_from_date_parsing", "body.post.3.start_time value_error" }, places)
    assert.equal(1, db:requests():count())
    assert.same({ "t" }, get(app).tags)
  end)
end)

describe("what no run is", function()
  local cases = {
    { "POST", "/runs", "[]", 422, "body" }, { "POST", "/runs", "{", 422, "body" }, { "POST", "/runs", { id = 5 }, 422, "body.id" },
    { "POST", "/runs", run_of { run_type = false }, 422, "body.run_type" }, { "POST", "/runs", run_of { run_type = "x" }, 422, "body.run_type" },
    { "POST", "/runs", run_of { name = 5 }, 422, "body.name" }, { "POST", "/runs", run_of { start_time = {} }, 422, "body.start_time" },
    { "POST", "/runs", run_of { end_time = "x" }, 422, "body.end_time" }, { "POST", "/runs", run_of { tags = { {} } }, 422, "body.tags.0" },
    { "POST", "/runs", run_of { extra = "x" }, 422, "body.extra" }, { "POST", "/runs", run_of { extra = { metadata = { 1 } } }, 422, "body.extra.metadata" },
    { "POST", "/runs", run_of { parent_run_id = "x" }, 422, "body.parent_run_id" }, { "POST", "/runs", run_of { trace_id = "x" }, 422, "body.trace_id" },
    { "POST", "/runs", run_of { session_id = "x" }, 422, "body.session_id" }, { "POST", "/runs", run_of { execution_order = 1.5 }, 422, "body.execution_order" },
    { "POST", "/runs", run_of { child_runs = {} }, 422, "body.child_runs" }, { "POST", "/runs", run_of { start_time = 9e12 }, 422, "body.start_time" },
    { "PATCH", "/runs/" .. ID, "[]", 422, "body" }, { "PATCH", "/runs/" .. ID, { end_time = "x" }, 422, "body.end_time" },
    { "PATCH", "/runs/" .. ID, { session_id = OTHER }, 422, "body.session_id" },
    { "POST", "/runs/batch", "[]", 422, "body" }, { "POST", "/runs/batch", { post = 5 }, 422, "body.post" },
    { "POST", "/runs/batch", { put = { 1 } }, 422, "body.put" }, { "POST", "/runs/batch", "{", 400 },
    { "GET", "/runs/" .. OTHER, nil, 404 }, { "GET", "/runs/nothing", nil, 404 }, { "DELETE", "/runs/" .. ID, nil, 405 },
    { "GET", "/runs", nil, 405 }, { "GET", "/api/v1/none", nil, 404 }, { "GET", "/runs/" .. ID .. "/none", nil, 404 },
  }
  for _, case in ipairs(cases) do
    it(("is answered with %d: %s %s %s"):format(case[4], case[1], case[2], type(case[3]) == "table" and core.encode(case[3]) or tostring(case[3])), function()
      local app, db = application()
      local status, answer, problem = ask(app, case[1], case[2], nil, case[3])
      assert.equal(case[4], status, tostring(problem) .. core.encode(answer))
      if case[5] then
        assert.equal(case[5], table.concat(answer.detail[1].loc, "."))
      else
        assert.is_string(answer.detail)
      end
      assert.equal(0, db:requests():count())
    end)
  end

  it("is told of GET /runs/{id}'s arguments", function()
    local app = application()
    post(app, {})
    assert.equal(200, (ask(app, "GET", "/runs/" .. ID, "exclude_serialized=true&start_time=x")))
    assert.same({ "query", "session_id" }, select(2, ask(app, "GET", "/runs/" .. ID, "session_id=x")).detail[1].loc)
    assert.equal(404, (ask(app, "GET", "/runs/" .. ID, "session_id=" .. OTHER)))
    assert.same({ "query", "sesion_id" }, select(2, ask(app, "GET", "/runs/" .. ID, "sesion_id=x")).detail[1].loc)
  end)
end)

describe("POST /runs/multipart", function()
  local function form(app, parts, kind)
    local lines = {}
    for _, part in ipairs(parts) do
      lines[#lines + 1] = ('--B\r\nContent-Disposition: form-data; name="%s"\r\nContent-Type: application/json; length=%d\r\n\r\n%s\r\n'):format(part[1], #part[2], part[2])
    end
    lines[#lines + 1] = "--B--\r\n"
    return ask(app, "POST", "/runs/multipart", nil, table.concat(lines), { ["content-type"] = kind or "multipart/form-data; boundary=B" })
  end

  it("takes runs in parts", function()
    local app = application()
    local run = ('{"id":"%s","name":"r","run_type":"chain","start_time":"%s"}'):format(ID, START)
    local status, answer = form(app, { { "post." .. ID, run }, { "post." .. ID .. ".inputs", '{"a":"--B\\r\\n"}' }, { "post." .. ID .. ".extra", '{"metadata":{"k":1}}' },
      { "patch." .. CHILD, "{}" }, { "patch." .. CHILD .. ".outputs", '{"late":1}' }, { "patch." .. CHILD .. ".error", '"no"' } }, 'multipart/form-data; boundary="B"')
    assert.same({ 422, { "body", "patch." .. CHILD, "id" } }, { status, answer.detail[1].loc })
    assert.same({ { a = "--B\r\n" }, { k = 1 } }, { get(app).inputs, get(app).extra.metadata })
    status = form(app, { { "patch." .. ID, ('{"id":"%s"}'):format(ID) }, { "patch." .. ID .. ".outputs", '{"o":1}' } })
    assert.same({ 202, { o = 1 } }, { status, get(app).outputs })
  end)

  it("says what it does not keep, and what is no form", function()
    local app = application()
    local run = core.encode(run_of {})
    local status, answer = form(app, { { "post." .. ID, run }, { "attachment." .. ID .. ".image", "PNG" }, { "post." .. OTHER .. ".inputs", "{}" } })
    assert.same({ 422, { "body", "attachment." .. ID .. ".image" }, { "body", "post." .. OTHER .. ".inputs" } }, { status, answer.detail[1].loc, answer.detail[2].loc })
    assert.equal("r", get(app).name)
    local function refused(text, kind) return (ask(app, "POST", "/runs/multipart", nil, text, { ["content-type"] = kind or "multipart/form-data; boundary=B" })) end
    assert.same({ 422, 422, 422, 422, 422, 415 }, { refused "", refused "--B\r\n", refused "--B\r\nContent-Type: x\r\n\r\n{}\r\n--B--", refused "--BC\r\n\r\n\r\n--B--",
      refused("--B--", "multipart/form-data"), refused("{}", "application/json") })
  end)
end)

describe("who brings a key", function()
  local app, db, key

  local function send(name, method, path, body, query)
    return ask(app, method, path, query, body, { ["x-api-key"] = key[name], ["x-tenant-id"] = OTHER })
  end

  before_each(function()
    local path = vm.path "runs_keys.db"
    vm.remove(path)
    db = assert(sq.open(path))
    local both = { "query", "record" }
    key = {
      one = keys.create(db, { organization = "one", rights = both }), two = keys.create(db, { organization = "two", rights = both }),
      narrow = keys.create(db, { organization = "one", project = "p", rights = both }),
      reader = keys.create(db, { organization = "one", rights = { "query" } }), writer = keys.create(db, { organization = "one", rights = { "record" } }),
    }
    app = http.app { path = path }
  end)
  after_each(function()
    app:close()
    db:close()
  end)

  it("may record, or ask, as its rights say; /info tells anybody", function()
    assert.equal(202, (send("writer", "POST", "/runs", run_of {})))
    assert.equal(403, (send("writer", "GET", "/runs/" .. ID)))
    assert.equal(403, (send("reader", "POST", "/runs", run_of {})))
    assert.equal(200, (send("reader", "GET", "/runs/" .. ID)))
    assert.equal(403, (send("reader", "POST", "/feedback", { run_id = ID, key = "k" })))
    local status, told = ask(app, "GET", "/info")
    assert.same({ 200, false, 100 }, { status, told.batch_ingest_config.use_multipart_endpoint, told.batch_ingest_config.size_limit })
    assert.equal(401, (ask(app, "GET", "/runs/" .. ID)))
    assert.is_string(select(2, ask(app, "GET", "/runs/" .. ID)).detail)
  end)

  it("never reaches another organization's runs: by id, by parent, by project, by an update", function()
    assert.equal(202, (send("one", "POST", "/runs", run_of { inputs = { secret = 1 } })))
    local project = core.project_id("one", "p")
    assert.equal(404, (send("two", "GET", "/runs/" .. ID)))
    assert.equal(404, (send("two", "GET", "/runs/" .. ID, nil, "session_id=" .. project)))
    assert.equal(422, (send("two", "POST", "/runs", run_of { id = CHILD, session_name = false, session_id = project })))
    assert.equal(202, (send("two", "PATCH", "/runs/" .. ID, { name = "mine now" })))
    assert.equal(202, (send("two", "POST", "/runs", run_of { id = CHILD, parent_run_id = ID })))
    assert.same({ "r", 404 }, { select(2, send("one", "GET", "/runs/" .. ID)).name, (send("one", "GET", "/runs/" .. CHILD)) })
    assert.equal("20231114T221320000000Z" .. CHILD, select(2, send("two", "GET", "/runs/" .. CHILD)).dotted_order) -- not below a parent of others
    assert.equal(202, (send("two", "POST", "/runs", run_of {}))) -- an id of its own, with the update that waited
    assert.equal("mine now", select(2, send("two", "GET", "/runs/" .. ID)).name)
    assert.equal("r", select(2, send("one", "GET", "/runs/" .. ID)).name)
  end)

  it("of one project records there, and nowhere else", function()
    assert.equal(202, (send("narrow", "POST", "/runs", run_of { session_name = false })))
    assert.equal(core.project_id("one", "p"), select(2, send("one", "GET", "/runs/" .. ID)).session_id)
    local status, answer = send("narrow", "POST", "/runs", run_of { id = CHILD, session_name = "q" })
    assert.same({ 422, { "body" } }, { status, { answer.detail[1].loc[1] } })
    assert.equal(202, (send("one", "POST", "/runs", run_of { id = OTHER, session_name = "q" })))
    assert.equal(404, (send("narrow", "GET", "/runs/" .. OTHER)))
  end)
end)
