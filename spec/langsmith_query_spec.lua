--- LangSmith's runs over HTTP, on their way out: POST /runs/query, /runs/stats, /runs/group, and /api/v2/runs.
local core = require "sessionquery.core"
local http = require "sessionquery.http"
local langsmith = require "spec.support.langsmith"
local sq = require "sessionquery"

local ask = langsmith.ask
local null = core.null

local function uuid(n) return ("%08d-0000-4000-8000-000000000000"):format(n) end

local P, Q = core.project_id("", "p"), core.project_id("", "q")
local EXAMPLE, NOBODY = uuid(77), uuid(99)

-- Two traces of the thread t, one of u, and a run alone: a root with two below it, each.
local records = {}
local function add(n, name, members)
  local record = { request_id = uuid(n), name = name, project = "p", run_type = "chain", created_at = 1700000000 + n, status = 200,
    responded_at = 1700000000 + n + 1, latency_ms = 1000, trace_id = uuid(math.floor(n / 10) * 10), dotted_order = "x" .. n }
  for key, value in pairs(members or {}) do record[key] = value end
  records[#records + 1] = record
end
add(10, "root a", { session_id = "t", execution_order = 1, request_body = '{"q":"find the needle"}', response_body = '{"a":1}', tags = { "red" } })
add(11, "model a", { parent_id = uuid(10), run_type = "llm", prompt_tokens = 3, completion_tokens = 4, cost_usd = 0.01, latency_ms = 500, streamed = true,
  time_to_first_token_ms = 100, responded_at = 1700000011.5 })
add(12, "tool a", { parent_id = uuid(10), run_type = "tool", error = "bad" })
add(20, "root b", { session_id = "t", execution_order = 1, request_body = '{"q":"again"}', response_body = '{"a":2}', latency_ms = 3000, responded_at = 1700000023,
  extra = { reference_example_id = EXAMPLE }, properties = { level = 2 } })
add(21, "model b", { parent_id = uuid(20), run_type = "llm", prompt_tokens = 10, completion_tokens = 20, cost_usd = 0.02, streamed = false })
add(30, "root c", { session_id = "u", execution_order = 1, request_body = '{"q":"other"}', tags = { "red", "blue" } })
add(31, "embedding c", { parent_id = uuid(30), run_type = "embedding", prompt_tokens = 5, execution_order = 2 })
add(40, "pending", { status = -2, project = "q" })
records[#records].responded_at, records[#records].latency_ms = nil, nil
add(50, "of nothing known", { project = "q", dotted_order = "x", request_body = "plain text", response_body = "[1]" })
records[#records].trace_id = nil

local app, db

setup(function()
  db = assert(sq.open ":memory:")
  assert(db:add(records))
  assert(db:feedback { request_id = uuid(10), key = "good", score = 1, value = "yes" })
  assert(db:feedback { request_id = uuid(10), key = "good", score = 0 })
  assert(db:feedback { request_id = uuid(11), key = "long", value = "no" })
  app = http.app { db = db }
end)
teardown(function() db:close() end)

local function query(body, path)
  local status, answer, problem = ask(app, "POST", path or "/runs/query", nil, type(body) == "table" and next(body) == nil and "{}" or body)
  assert.equal(200, status, tostring(problem) .. core.encode(answer))
  return answer
end

local function names(runs)
  local all = {}
  for i, run in ipairs(runs) do all[i] = run.name end
  return table.concat(all, ", ")
end

local ALL = "of nothing known, pending, embedding c, root c, model b, root b, tool a, model a, root a"

describe("POST /runs/query", function()
  local cases = {
    { "all runs, newest first", "{}", ALL },
    { "nulls are as nothing", { session = null, filter = null, error = null, is_root = null, start_time = null, id = null, order = null, select = null, cursor = null }, ALL },
    { "of a project", { session = { Q } }, "of nothing known, pending" },
    { "of projects, one of which nobody knows", { session = { Q, NOBODY } }, "of nothing known, pending" },
    { "of a project that nobody knows", { session = { NOBODY } }, "" },
    { "of no project", { session = core.decode "[]" }, "" },
    { "a project without brackets", { session = Q }, "of nothing known, pending" },
    { "ids", { id = { uuid(10), uuid(12), NOBODY } }, "tool a, root a" },
    { "an id in upper case", { id = uuid(10):upper() }, "root a" },
    { "no ids", { id = core.decode "[]" }, "" },
    { "a trace", { trace = uuid(10) }, "tool a, model a, root a" },
    { "a parent", { parent_run = uuid(30) }, "embedding c" },
    { "a type", { run_type = "llm" }, "model b, model a" },
    { "roots", { is_root = true }, "of nothing known, pending, root c, root b, root a" },
    { "others than roots", { is_root = false }, "embedding c, model b, tool a, model a" },
    { "errors", { error = true }, "tool a" },
    { "no errors", { error = false, run_type = "tool" }, "" },
    { "pending ones are no errors", { error = false, session = { Q } }, "of nothing known, pending" },
    { "an execution order", { execution_order = 2 }, "embedding c" },
    { "an example", { reference_example = { EXAMPLE, NOBODY } }, "root b" },
    { "no example", { reference_example = core.decode "[]" }, "" },
    { "from a start", { start_time = "2023-11-14T22:13:50Z" }, "of nothing known, pending, embedding c, root c" },
    { "before an end, which is not in it", { end_time = "2023-11-14T22:13:31" }, "root a" },
    { "words", { query = "NEEDLE find" }, "root a" },
    { "words with marks of their own", { query = 'the "needle" \\' }, "root a" },
    { "no words", { query = "", run_type = "tool" }, "tool a" },
    { "a filter", { filter = 'has(tags, "blue")' }, "root c" },
    { "a search_filter", { search_filter = 'has(tags, "blue")' }, "root c" },
    { "a filter of the metadata", { filter = 'and(eq(metadata_key, "level"), eq(metadata_value, 2))' }, "root b" },
    { "a filter of the project", { filter = ('eq(session_id, "%s")'):format(Q) }, "of nothing known, pending" },
    { "a filter of feedback", { filter = 'and(eq(feedback_key, "good"), eq(feedback_score, 0))' }, "root a" },
    { "a filter of the root", { trace_filter = 'eq(name, "root b")' }, "model b, root b" },
    { "a filter of any run of the trace", { tree_filter = 'eq(status, "error")' }, "tool a, model a, root a" },
    { "all of them at once", { session = { P }, is_root = true, filter = 'has(tags, "red")', tree_filter = 'eq(run_type, "llm")' }, "root a" },
    { "the oldest first", { order = "asc", limit = 2 }, "root a, model a" },
    { "the newest first", { order = "desc", limit = 2 }, "of nothing known, pending" },
    { "how the hosted service works is its own affair", { data_source_type = "lite", skip_pagination = true, use_experimental_search = false, limit = 1 }, "of nothing known" },
  }
  for _, case in ipairs(cases) do
    it("gives " .. case[1], function()
      for _, prefix in ipairs { "", "/api/v1" } do assert.equal(case[3], names(query(case[2], prefix .. "/runs/query").runs)) end
    end)
  end

  it("gives pages by cursors, each run once", function()
    for _, order in ipairs { "asc", "desc" } do
      local seen, cursor, pages = {}, nil, 0
      repeat
        local answer = query { limit = 2, order = order, cursor = cursor, select = { "name" } }
        for _, run in ipairs(answer.runs) do seen[#seen + 1] = run end
        cursor, pages = answer.cursors.next, pages + 1
        assert.equal(null, answer.cursors.prev)
      until cursor == null
      assert.equal(5, pages)
      if order == "desc" then assert.equal(ALL, names(seen)) end
      assert.equal(9, #seen)
    end
  end)

  it("gives what is selected, and what a client always wants", function()
    local run = query({ id = { uuid(11) }, select = { "total_tokens", "total_cost", "feedback_stats", "extra", "inputs" } }).runs[1]
    assert.same({
      id = uuid(11), name = "model a", run_type = "llm", status = "success", session_id = P, trace_id = uuid(10), dotted_order = "x11", parent_run_id = uuid(10),
      total_tokens = 7, total_cost = "0.01", feedback_stats = { long = { n = 1, avg = null, values = { no = 1 } } }, extra = { metadata = {} }, inputs = null,
    }, run)
  end)

  it("gives each member by its name", function()
    local run = require "sessionquery.http.langsmith.run"
    local count = 0
    for name in pairs(run.members) do
      assert.is_not_nil(query({ id = { uuid(20) }, select = { name } }).runs[1][name], name)
      count = count + 1
    end
    assert(count > 50)
    local whole = query({ id = { uuid(20) } }).runs[1]
    for name in pairs(run.members) do assert.is_not_nil(whole[name], name) end
  end)

  it("gives what others have recorded, too", function()
    local run = query({ id = { uuid(50) } }).runs[1]
    assert.same({ uuid(50), { input = "plain text" }, { output = { 1 } } }, { run.trace_id, run.inputs, run.outputs })
    assert.same({ "pending", null }, { query({ id = { uuid(40) } }).runs[1].status, query({ id = { uuid(40) } }).runs[1].end_time })
  end)

  local wrong = {
    { { limit = 101 }, 400, "limit is at most 100" }, { { limit = 0 }, 422, "body.limit" }, { { limit = "x" }, 422, "body.limit" },
    { { session = { "x" } }, 422, "body.session.0" }, { { run_type = "x" }, 422, "body.run_type" }, { { is_root = "maybe" }, 422, "body.is_root" },
    { { error = 7 }, 422, "body.error" }, { { start_time = "x" }, 422, "body.start_time" }, { { end_time = {} }, 422, "body.end_time" },
    { { order = "up" }, 422, "body.order" }, { { select = { "nmae" } }, 422, "body.select.0" }, { { execution_order = 1.5 }, 422, "body.execution_order" },
    { { reference_example = { "x" } }, 422, "body.reference_example.0" }, { { data_source_type = "x" }, 422, "body.data_source_type" },
    { { fliter = "x" }, 422, "body.fliter" }, { { cursor = "x" }, 400, "cursor" }, { { filter = 5 }, 422, "body.filter" },
    { { filter = "eq(name" }, 400, "langsmith" }, { { trace_filter = 'eq(nmae, "x")' }, 400, "did you mean 'name'" },
    { { tree_filter = 'is(name, "x")' }, 400, "langsmith" }, { { search_filter = "x" }, 400, "langsmith" }, { "[]", 422, "body" }, { "{", 400, "ends" },
  }
  for _, case in ipairs(wrong) do
    it("refuses " .. (type(case[1]) == "table" and core.encode(case[1]) or case[1]), function()
      local status, answer = ask(app, "POST", "/runs/query", nil, case[1])
      assert.equal(case[2], status, core.encode(answer))
      local told = type(answer.detail) == "string" and answer.detail or table.concat(answer.detail[1].loc, ".")
      assert(told:find(case[3], 1, true), told)
    end)
  end

  it("refuses a cursor of another question", function()
    local cursor = query({ limit = 1 }).cursors.next
    local status, answer = ask(app, "POST", "/runs/query", nil, { limit = 1, run_type = "llm", cursor = cursor })
    assert.same({ 400, "string" }, { status, type(answer.detail) })
  end)

  it("names the nearest of a name that it does not know", function()
    local _, answer = ask(app, "POST", "/runs/query", nil, { fliter = "x" })
    assert.same({ { loc = { "body", "fliter" }, msg = "is not known here, did you mean 'filter'?", type = "extra_forbidden" } }, answer.detail)
  end)
end)

describe("/api/v2/runs", function()
  local EVER = "2023-01-01T00:00:00Z"
  local function items(body)
    body.min_start_time = body.min_start_time or EVER
    local answer = query(body, "/api/v2/runs/query")
    return answer.items, answer.next_cursor
  end

  local cases = {
    { "a project", { project_ids = { Q } }, "of nothing known, pending" },
    { "ids", { ids = { uuid(10), NOBODY } }, "root a" }, { "a trace", { trace_id = uuid(30) }, "embedding c, root c" },
    { "a type", { run_type = "EMBEDDING" }, "embedding c" }, { "errors", { has_error = true }, "tool a" },
    { "roots", { is_root = true }, "root c, root b, root a" }, { "a filter", { filter = 'has(tags, "blue")' }, "root c" },
    { "a filter of the root", { trace_filter = 'eq(name, "root b")' }, "model b, root b" },
    { "a filter of the trace", { tree_filter = 'eq(run_type, "embedding")' }, "embedding c, root c" },
    { "an example", { reference_examples = { EXAMPLE } }, "root b" },
    { "a window", { min_start_time = "2023-11-14T22:13:50Z", max_start_time = "2023-11-14T22:13:51Z" }, "root c" },
    { "the last day, unless told", { min_start_time = false }, "" },
  }
  for _, case in ipairs(cases) do
    it("gives " .. case[1], function()
      local body = { project_ids = { P }, selects = { "NAME" } }
      for name, value in pairs(case[2]) do body[name] = value end
      if body.min_start_time == false then
        body.min_start_time = nil
        assert.same({}, query(body, "/api/v2/runs/query").items)
      else
        assert.equal(case[3], names((items(body))))
      end
    end)
  end

  it("gives pages, each run once, though each asks until now", function()
    local seen, cursor = {}, nil
    repeat
      local page
      page, cursor = items { project_ids = { P, Q }, selects = { "NAME" }, page_size = 4, cursor = cursor }
      for _, item in ipairs(page) do seen[#seen + 1] = item end
    until cursor == ""
    assert.equal(ALL, names(seen))
  end)

  it("gives projects by their dataset", function()
    assert.equal(200, (ask(app, "PATCH", "/sessions/" .. Q, nil, { reference_dataset_id = EXAMPLE })))
    assert.equal("of nothing known, pending", names((items { reference_dataset_id = EXAMPLE, selects = { "NAME" } })))
    assert.equal("", names((items { reference_dataset_id = NOBODY, selects = { "NAME" } })))
  end)

  it("gives ids, and what is selected", function()
    assert.same({ { id = uuid(12) } }, (items { project_ids = { P }, ids = { uuid(12) } }))
    assert.same({ {
      id = uuid(11), name = "model a", run_type = "LLM", status = "SUCCESS", project_id = P, latency_seconds = 0.5, is_root = false, total_tokens = 7,
      total_cost = 0.01, prompt_cost = null, metadata = {}, start_time = "2023-11-14T22:13:31Z", first_token_time = "2023-11-14T22:13:31.100Z",
      feedback_stats = { long = { n = 1, avg = null, values = { no = 1 } } }, share_url = null,
    } }, (items { project_ids = { P }, ids = { uuid(11) }, selects = { "ID", "NAME", "RUN_TYPE", "STATUS", "PROJECT_ID", "LATENCY_SECONDS", "IS_ROOT",
      "TOTAL_TOKENS", "TOTAL_COST", "PROMPT_COST", "METADATA", "START_TIME", "FIRST_TOKEN_TIME", "FEEDBACK_STATS", "SHARE_URL", "NAME" } }))
    local every = {}
    for name in pairs(require("sessionquery.http.langsmith.run").newer) do every[#every + 1] = name end
    local members = 0
    for _ in pairs((items { project_ids = { P }, ids = { uuid(11) }, selects = every })[1]) do members = members + 1 end
    assert.same({ #every, true }, { members, #every > 40 })
  end)

  it("gives one run", function()
    local function get(id, arguments) return ask(app, "GET", "/api/v2/runs/" .. id, arguments) end
    local status, answer = get(uuid(11), "project_id=" .. P .. "&selects=NAME&selects=IS_ROOT")
    assert.same({ 200, { id = uuid(11), name = "model a", is_root = false } }, { status, answer })
    assert.same({ id = uuid(11) }, select(2, get(uuid(11), "project_id=" .. P)))
    assert.same({ 404, 404, 422, 422, 422 }, { (get(uuid(11), "project_id=" .. Q)), (get(NOBODY, "project_id=" .. P)), (get(uuid(11))),
      (get(uuid(11), "project_id=x")), (get(uuid(11), "project_id=" .. P .. "&selects=name")) })
  end)

  for _, case in ipairs {
    { {}, "body.project_ids" }, { { project_ids = { P }, reference_dataset_id = EXAMPLE }, "body.project_ids" }, { { project_ids = { "x" } }, "body.project_ids.0" },
    { { project_ids = { P }, run_type = "llm" }, "body.run_type" }, { { project_ids = { P }, selects = { "name" } }, "body.selects.0" },
    { { project_ids = { P }, page_size = 101 }, "body.page_size" }, { { project_ids = { P }, session = { P } }, "body.session" },
    { { project_ids = { P }, min_start_time = "x" }, "body.min_start_time" }, { { project_ids = { P }, cursor = "x" }, "the cursor is damaged" },
    { { project_ids = { P }, filter = "x" }, "langsmith" },
  } do
    it("refuses " .. core.encode(case[1]), function()
      local status, answer = ask(app, "POST", "/api/v2/runs/query", nil, next(case[1]) and case[1] or "{}")
      assert(status == 422 or status == 400, tostring(status))
      local told = type(answer.detail) == "string" and answer.detail or table.concat(answer.detail[1].loc, ".")
      assert(told:find(case[2], 1, true), told)
    end)
  end
end)

describe("POST /runs/stats", function()
  it("sums up what passes", function()
    assert.same({
      run_count = 7, latency_p50 = 1, latency_p99 = 3, latency_avg = 8.5 / 7, first_token_p50 = 0.1, first_token_p99 = 0.1, total_tokens = 42, prompt_tokens = 18,
      completion_tokens = 24, total_cost = "0.03", prompt_cost = null, completion_cost = null, last_run_start_time = "2023-11-14T22:13:51Z",
      error_rate = 1 / 7, streaming_rate = 0.5,
      feedback_stats = { good = { n = 2, avg = 0.5, values = { yes = 1 } }, long = { n = 1, avg = null, values = { no = 1 } } },
    }, query({ session = { P } }, "/runs/stats"))
  end)

  it("takes each condition, and selects", function()
    local cases = {
      { { session = { P }, run_type = "llm" }, 2 }, { { session = { P, Q }, is_root = true }, 5 }, { { session = { P }, filter = 'has(tags, "red")' }, 2 },
      { { session = { P }, start_time = "2023-11-14T22:13:50Z", end_time = "2023-11-14T22:13:51Z" }, 1 }, { { session = { P }, error = true }, 1 },
      { { session = { P }, trace = uuid(10) }, 3 }, { { session = { P }, tree_filter = 'eq(status, "error")' }, 3 }, { { session = { NOBODY } }, 0 },
      { { id = { uuid(10) } }, 1 }, { { session = { P }, query = "needle" }, 1 },
    }
    for _, case in ipairs(cases) do
      case[1].select = { "run_count", "cost_p50" }
      for _, prefix in ipairs { "", "/api/v1" } do assert.same({ run_count = case[2], cost_p50 = null }, query(case[1], prefix .. "/runs/stats")) end
    end
  end)

  it("has nulls, zeros and no feedback where there is no run", function()
    local answer = query({ session = { NOBODY } }, "/runs/stats")
    assert.same({ 0, 0, null, null, null, {} }, { answer.run_count, answer.total_tokens, answer.total_cost, answer.latency_p50, answer.error_rate, answer.feedback_stats })
  end)

  it("refuses what it does not know", function()
    assert.same({ 422, 422, 400, 422 }, { (ask(app, "POST", "/runs/stats", nil, { select = { "x" } })), (ask(app, "POST", "/runs/stats", nil, { group_by = {} })),
      (ask(app, "POST", "/runs/stats", nil, { filter = "x" })), (ask(app, "POST", "/runs/stats", nil, "[]")) })
  end)

  it("never mixes organizations", function()
    local both = assert(sq.open ":memory:")
    assert(both:add { { request_id = "a", created_at = 1, organization_id = "one" }, { request_id = "b", created_at = 1, organization_id = "two" } })
    local status, answer = ask(http.app { db = both }, "POST", "/runs/stats", nil, "{}")
    assert.same({ 400, "string" }, { status, type(answer.detail) })
    both:close()
  end)
end)

describe("POST /runs/group", function()
  local function groups(body)
    body.session_id, body.group_by = body.session_id or P, "conversation"
    return query(body, "/runs/group")
  end

  it("gives threads, newest first", function()
    local answer = groups {}
    assert.equal(2, answer.total)
    assert.same({
      group_key = "t", filter = 'eq(thread_id, "t")', count = 2, total_tokens = 37, total_cost = "0.03", min_start_time = "2023-11-14T22:13:30Z",
      max_start_time = "2023-11-14T22:13:40Z", latency_p50 = 1, latency_p99 = 3, feedback_stats = { good = { n = 2, avg = 0.5, values = { yes = 1 } } },
      first_inputs = '{"q":"find the needle"}', last_outputs = '{"a":2}', last_error = null,
    }, answer.groups[2])
    assert.same({ "u", 1, 5, null, null }, { answer.groups[1].group_key, answer.groups[1].count, answer.groups[1].total_tokens, answer.groups[1].total_cost,
      answer.groups[1].last_outputs })
  end)

  it("takes a filter, a window, a page", function()
    local function keys_of(body)
      local answer, all = groups(body), {}
      for i, group in ipairs(answer.groups) do all[i] = group.group_key .. group.count end
      return table.concat(all, " ") .. " of " .. answer.total
    end
    assert.equal("u1 t1 of 2", keys_of { filter = 'has(tags, "red")' })
    assert.equal("t1 of 1", keys_of { start_time = "2023-11-14T22:13:40Z", end_time = "2023-11-14T22:13:50Z" })
    assert.equal("u1 of 2", keys_of { limit = 1 })
    assert.equal("t2 of 2", keys_of { limit = 1, offset = 1 })
    assert.equal(" of 2", keys_of { offset = 2 })
    assert.equal(" of 0", keys_of { session_id = Q })
    assert.equal(" of 0", keys_of { session_id = NOBODY })
  end)

  for _, case in ipairs {
    { { group_by = "conversation" }, 422, "body.session_id" }, { { session_id = P }, 422, "body.group_by" }, { { session_id = P, group_by = "x" }, 422, "body.group_by" },
    { { session_id = P, group_by = "conversation", limit = 101 }, 400, "limit" }, { { session_id = P, group_by = "conversation", offset = -1 }, 422, "body.offset" },
    { { session_id = P, group_by = "conversation", filter = "x" }, 400, "langsmith" }, { { session_id = P, group_by = "conversation", order = "x" }, 422, "body.order" },
  } do
    it("refuses " .. core.encode(case[1]), function()
      local status, answer = ask(app, "POST", "/runs/group", nil, case[1])
      assert.equal(case[2], status)
      local told = type(answer.detail) == "string" and answer.detail or table.concat(answer.detail[1].loc, ".")
      assert(told:find(case[3], 1, true), told)
    end)
  end
end)
