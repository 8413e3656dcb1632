--- LangSmith's projects over HTTP: each parameter of GET /sessions changes the answer, each field has a value that was
--- reckoned by hand, each mistake its answer.
local contract = require "spec.support.langsmith_contract"
local core = require "sessionquery.core"
local http = require "sessionquery.http"
local langsmith = require "spec.support.langsmith"
local sq = require "sessionquery"

local ask, encode, list, names, valid = langsmith.ask, langsmith.encode, langsmith.list, langsmith.names, langsmith.valid

local T = 1704067200 -- 2024-01-01T00:00:00Z
local DATASET, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
local TAG, TAG_2 = "33333333-3333-4333-8333-333333333333", "44444444-4444-4444-8444-444444444444"
local BETA = "55555555-5555-4555-8555-555555555555"
local null = core.null

local function make_store()
  local db = assert(sq.open ":memory:")
  local function run(members)
    members.created_at = T + members.created_at
    members.responded_at = members.responded_at and T + members.responded_at
    return members
  end
  assert(db:create_project { name = "beta", id = BETA, start_time = T - 50, end_time = T + 2000, description = "the second",
    default_dataset_id = OTHER, reference_dataset_id = DATASET, trace_tier = "longlived", tag_value_ids = { TAG, TAG_2 },
    extra = { metadata = { dataset_version = 3, env = "prod", list = { 1, { a = true } } }, tags = { "blue" } } })
  assert(db:create_project { name = "gamma", start_time = T + 50, reference_dataset_id = DATASET, tag_value_ids = { TAG_2 },
    extra = { metadata = { dataset_version = "3", env = "dev", beta = true } } })
  assert(db:add {
    run { project = "alpha", request_id = "a1", run_type = "chain", name = "agent", created_at = 0, responded_at = 2, latency_ms = 2000,
      time_to_first_token_ms = 500, streamed = true, tags = { "beta", "eu" }, properties = { env = "prod", tier = 1, ok = true } },
    run { project = "alpha", request_id = "a2", run_type = "chain", name = "agent", created_at = 100, latency_ms = 4000,
      time_to_first_token_ms = 100, streamed = false, error = "it broke", tags = { "beta" }, properties = { env = 'q"' } },
    run { project = "alpha", request_id = "a3", run_type = "chain", name = "other", created_at = 200 }, -- pending
    run { project = "alpha", request_id = "a4", run_type = "chain", created_at = 150, status = -2, streamed = true }, -- pending
    run { project = "alpha", request_id = "a5", parent_id = "a1", run_type = "llm", name = "llm", created_at = 1, latency_ms = 90000,
      prompt_tokens = 10, completion_tokens = 5, model = "gpt-4o", error = "a child's",
      cost_usd = 0.0001, prompt_cost_usd = 0.00004, completion_cost_usd = 0.00006 },
    run { project = "alpha", request_id = "a6", parent_id = "a2", run_type = "llm", name = "llm", created_at = 300, latency_ms = 10,
      prompt_tokens = 7, completion_tokens = 3, model = "gpt-4o", cost_usd = 0.000000001, prompt_cost_usd = 0, completion_cost_usd = 2 },
    run { project = "alpha", request_id = "a7", parent_id = "a2", run_type = "embedding", created_at = 102, total_tokens = 100, model = "e" },
    run { project = "alpha", request_id = "a8", parent_id = "a2", run_type = "tool", created_at = 103, total_tokens = 999, cost_usd = 9 },
    run { project = "beta", request_id = "b1", run_type = "chain", created_at = 1000, latency_ms = 1500 },
    run { project = "Überblick", request_id = "u1", run_type = "llm", created_at = 500.25, latency_ms = 3000, time_to_first_token_ms = 7,
      streamed = true, cost_usd = 1234.5 },
  })
  for _, given in ipairs {
    { request_id = "a1", key = "grade", score = 1, value = "good" }, { request_id = "a5", key = "grade", score = 0.5, value = "good" },
    { request_id = "a2", key = "thumb", score = true }, { request_id = "b1", key = "grade", score = 0.9 }, { request_id = "b1", key = "note", comment = "x" },
    { organization = "", project = "alpha", key = "overall", score = 0.25 }, { organization = "", project = "gamma", key = "overall", score = 0.75, value = 1 },
  } do assert(db:feedback(given)) end
  return db
end

describe("GET /sessions", function()
  local db, app
  setup(function()
    db = make_store()
    app = http.app { db = db }
  end)
  teardown(function() db:close() end)

  local function one(query) return list(app, query)[1] end

  describe("the parameter", function()
    -- what it is, the query, the names in order; those of the projects without the parameter are:
    local ALL = "Überblick gamma alpha beta" -- the newest start first
    for _, case in ipairs {
      { "none", "", ALL },
      { "id", "id=" .. BETA, "beta" },
      { "id, in capitals and without hyphens", "id=" .. BETA:upper():gsub("%-", ""), "beta" },
      { "id, again and again", "id=" .. BETA .. "&id=" .. core.project_id("", "alpha"), "alpha beta" },
      { "id, with commas", "id=" .. BETA .. "," .. core.project_id("", "alpha"), "alpha beta" },
      { "id, with brackets", "id[]=" .. BETA .. "&id%5B%5D=" .. core.project_id("", "alpha"), "alpha beta" },
      { "id, with indices", "id[0]=" .. BETA .. "&id[1]=" .. core.project_id("", "alpha"), "alpha beta" },
      { "id of none", "id=" .. DATASET, "" },
      { "name", "name=alpha", "alpha" },
      { "name is exact", "name=Alpha", "" },
      { "name, of which the last counts", "name=alpha&name=gamma", "gamma" },
      { "name_contains", "name_contains=a", "gamma alpha beta" },
      { "name_contains folds case by Unicode", "name_contains=" .. encode "ÜBER", "Überblick" },
      { "name_contains knows no wildcards", "name_contains=%25", "" },
      { "reference_dataset", "reference_dataset=" .. DATASET, "gamma beta" },
      { "reference_dataset, any of them", "reference_dataset=" .. OTHER .. "&reference_dataset=" .. DATASET, "gamma beta" },
      { "reference_dataset of none", "reference_dataset=" .. OTHER, "" },
      { "reference_free", "reference_free=true", "Überblick alpha" },
      { "reference_free=false", "reference_free=false", "gamma beta" },
      { "tag_value_id", "tag_value_id=" .. TAG, "beta" },
      { "tag_value_id, any of them", "tag_value_id=" .. TAG .. "&tag_value_id=" .. TAG_2, "gamma beta" },
      { "dataset_version, a number as text too", "dataset_version=3", "gamma beta" },
      { "dataset_version of none", "dataset_version=4", "" },
      { "metadata", "metadata=" .. encode '{"env":"prod"}', "beta" },
      { "metadata, every pair", "metadata=" .. encode '{"env":"dev","beta":true}', "gamma" },
      { "metadata, with types: text", "metadata=" .. encode '{"dataset_version":"3"}', "gamma" },
      { "metadata, with types: number", "metadata=" .. encode '{"dataset_version":3.0}', "beta" },
      { "metadata, with types: boolean", "metadata=" .. encode '{"beta":"true"}', "" },
      { "metadata, nested", "metadata=" .. encode '{"list":[1,{"a":true}]}', "beta" },
      { "metadata, nested and other", "metadata=" .. encode '{"list":[1,{"a":false}]}', "" },
      { "metadata, nested and shorter", "metadata=" .. encode '{"list":[1]}', "" },
      { "metadata, an empty object", "metadata=%7B%7D", ALL },
      { "metadata, a key that is not there", "metadata=" .. encode '{"x":null}', "" },
      { "sort_by name", "sort_by=name&sort_by_desc=false", "alpha beta gamma Überblick" },
      { "sort_by start_time", "sort_by=start_time", ALL },
      { "sort_by_desc", "sort_by_desc=false", "beta alpha gamma Überblick" },
      { "sort_by runs_count", "sort_by=runs_count&sort_by_desc=true&id=" .. core.project_id("", "alpha") .. "&id=" .. BETA, "alpha beta" },
      { "sort_by runs_count, which is 0 without runs", "sort_by=runs_count&sort_by_desc=false&reference_free=false", "gamma beta" },
      { "sort_by last_run_start_time", "sort_by=last_run_start_time", "beta Überblick alpha gamma" },
      { "sort_by last_run_start_time upwards: absent last too", "sort_by=last_run_start_time&sort_by_desc=false", "alpha Überblick beta gamma" },
      { "sort_by latency_p50", "sort_by=latency_p50", "Überblick alpha beta gamma" },
      { "sort_by latency_p99", "sort_by=latency_p99", "alpha Überblick beta gamma" },
      { "sort_by error_rate", "sort_by=error_rate&name_contains=a", "alpha beta gamma" },
      { "sort_by feedback, of runs", "sort_by=feedback&sort_by_feedback_key=grade&name_contains=a", "beta alpha gamma" },
      { "sort_by feedback, of runs by name", "sort_by=feedback&sort_by_feedback_key=grade&sort_by_feedback_source=run&name_contains=a&sort_by_desc=no", "alpha beta gamma" },
      { "sort_by feedback, of projects", "sort_by=feedback&sort_by_feedback_key=overall&sort_by_feedback_source=session&name_contains=a", "gamma alpha beta" },
      { "limit", "limit=2", "Überblick gamma" },
      { "offset", "offset=3", "beta" },
      { "offset and limit", "offset=1&limit=1", "gamma" },
      { "offset behind the last", "offset=1000", "" },
      { "two of them: both hold", "name_contains=a&reference_free=false", "gamma beta" },
    } do
      it(case[1], function() assert.equal(case[3], names(list(app, case[2]))) end)
    end

    it("sort_by: statistics are those of the order's runs; ties by id", function()
      -- from T + 200 on, alpha has one pending root, and only the others have a latency
      assert.equal("Überblick beta", names(list(app, "sort_by=latency_p99&limit=2&stats_start_time=2024-01-01T00:03:20Z")))
      local first, second = BETA, core.project_id("", "gamma")
      assert(first < second)
      assert.equal("beta gamma", names(list(app, "sort_by=error_rate&reference_free=false&stats_start_time=2025-01-01")))
    end)

    -- the language of filters over the fields of a project
    for _, case in ipairs {
      { ('eq(id, "%s")'):format(BETA), "beta" },
      { 'in(name, ["alpha", "gamma"])', "gamma alpha" },
      { 'like(name, "%a%")', "gamma alpha beta" },
      { 'gt(start_time, "2024-01-01T00:00:50Z")', "Überblick" },
      { 'lte(start_time, "2024-01-01")', "alpha beta" },
      { 'lt(end_time, "2024-01-02")', "beta" },
      { "eq(end_time, null)", "Überblick gamma alpha" },
      { 'like(description, "%second")', "beta" },
      { "neq(description, null)", "beta" },
      { ('eq(reference_dataset_id, "%s")'):format(DATASET), "gamma beta" },
      { "eq(reference_dataset_id, null)", "Überblick alpha" },
      { 'has(tags, "blue")', "beta" },
      { ('has(tags, "%s")'):format(TAG_2), "gamma beta" },
      { 'and(eq(metadata_key, "env"), eq(metadata_value, "dev"))', "gamma" },
      { 'has(metadata, \'{"dataset_version": 3, "env": "prod"}\')', "beta" },
      { 'has(metadata, \'{"dataset_version": "3"}\')', "gamma" },
      { 'exists(metadata, "env")', "gamma beta" },
      { "gt(run_count, 1)", "alpha" },
      { "eq(run_count, 0)", "gamma" },
      { 'gt(latency_p50, "1.5s")', "Überblick alpha" },
      { "lt(latency_p99, 2)", "beta" },
      { "gt(first_token_p50, 0.05)", "alpha" },
      { "lte(first_token_p99, 0.5)", "Überblick alpha" },
      { "gte(total_tokens, 125)", "alpha" },
      { "eq(prompt_tokens, 17)", "alpha" },
      { "eq(completion_tokens, 8)", "alpha" },
      { "gt(total_cost, 1)", "Überblick" },
      { "eq(prompt_cost, 0.00004)", "alpha" },
      { "gt(completion_cost, 2)", "alpha" },
      { "gt(error_rate, 0.1)", "alpha" },
      { "eq(streaming_rate, 1)", "Überblick" },
      { 'gt(last_run_start_time, "2024-01-01T00:08:00Z")', "Überblick beta" },
      { 'and(gt(run_count, 0), or(eq(name, "beta"), not(exists(metadata, "env"))))', "Überblick alpha beta" },
    } do
      it("filter: " .. case[1], function() assert.equal(case[2], names(list(app, "filter=" .. encode(case[1])))) end)
    end

    it("filter and others: all hold; statistics are those of the runs that stats_start_time and stats_filter name", function()
      assert.equal("gamma", names(list(app, "reference_free=false&filter=" .. encode 'like(name, "g%")')))
      assert.equal("Überblick", names(list(app, "name_contains=b&reference_free=true&filter=" .. encode "gt(run_count, 0)")))
      local filter = "&filter=" .. encode "gte(run_count, 2)"
      assert.equal("alpha", names(list(app, "stats_start_time=2024-01-01T00:01:00Z" .. filter)))
      assert.equal("", names(list(app, "stats_start_time=2024-01-01T00:03:00Z" .. filter)))
      assert.equal("", names(list(app, "stats_filter=" .. encode 'eq(status, "error")' .. filter)))
      assert.equal("alpha", names(list(app, "limit=1&offset=0&filter=" .. encode "neq(run_count, 1)" .. "&sort_by=name&sort_by_desc=false")))
    end)

    it("include_stats", function()
      assert.equal(null, one("name=alpha").run_count)
      assert.equal(4, one("name=alpha&include_stats=true").run_count)
      assert.equal(null, one("name=alpha&include_stats=false").run_count)
    end)

    it("stats_select: what is not selected is null, in whatever form the names come", function()
      for _, form in ipairs {
        "stats_select=run_count&stats_select=total_cost", "stats_select=run_count,total_cost", "stats_select[]=run_count&stats_select[]=total_cost",
        "stats_select%5B0%5D=run_count&stats_select%5B1%5D=total_cost",
      } do
        local alpha = one("name=alpha&include_stats=true&" .. form)
        assert.same({ 4, "0.000100001", null, null, null, null }, { alpha.run_count, alpha.total_cost, alpha.error_rate, alpha.latency_p50,
          alpha.feedback_stats, alpha.total_tokens })
        assert.equal("2024-01-01T00:03:20Z", alpha.last_run_start_time_live) -- no statistic
      end
      assert.equal(null, one("name=alpha&stats_select=run_count").run_count) -- not included
    end)

    it("stats_select: the vendor's other statistics are known, and say nothing", function()
      local alpha = one("name=alpha&include_stats=true&stats_select=latency_avg,all_run_stats,tokens_p99,cost_p50,run_count")
      assert.same({ 4, null }, { alpha.run_count, alpha.latency_p50 })
    end)

    it("stats_start_time: the runs from then on; in text or in numbers", function()
      for text, count in pairs { ["2024-01-01T00:01:40Z"] = 3, ["2024-01-01T01:01:40%2B01:00"] = 3, ["2024-01-01T00:01:40.000001Z"] = 2,
        ["2024-01-01"] = 4, ["2025-01-01"] = 0, ["1704067300"] = 3, ["1704067300000"] = 3 } do
        local alpha = one("name=alpha&include_stats=true&stats_start_time=" .. text)
        assert.equal(count, alpha.run_count, text)
        assert.equal("2024-01-01T00:03:20Z", alpha.last_run_start_time_live)
      end
      local alpha = one("name=alpha&include_stats=true&stats_start_time=2024-01-01T00:01:40Z")
      assert.same({ 4, 1, 0, 110 }, { alpha.latency_p50, alpha.error_rate, alpha.streaming_rate, alpha.total_tokens })
      assert.same({ thumb = { n = 1, avg = 1, values = {} } }, alpha.feedback_stats)
      assert.same({ overall = { n = 1, avg = 0.25, values = {} } }, alpha.session_feedback_stats) -- of no run
    end)

    it("stats_start_time: nothing is left of a project without runs since", function()
      local alpha = one("name=alpha&include_stats=true&stats_start_time=2025-01-01")
      assert.same({ 0, null, null, null, {} }, { alpha.run_count, alpha.latency_p99, alpha.total_tokens, alpha.last_run_start_time, alpha.feedback_stats })
    end)

    it("stats_filter: the runs that pass", function()
      -- the filter, and of alpha: roots, tokens, cost, error rate
      for filter, wanted in pairs {
        ['eq(status, "error")'] = { 1, 15, "0.0001", 1 }, -- a2; a5
        ['neq(status, "pending")'] = { 2, 25, "0.000100001", 0.5 },
        ["eq(is_root, true)"] = { 4, null, null, 0.5 },
        ["eq(is_root, false)"] = { 0, 125, "0.000100001", null },
        ['gt(latency, "3s")'] = { 1, 15, "0.0001", 1 },
        ['has(tags, "eu")'] = { 1, null, null, 0 },
        ['and(eq(metadata_key, "env"), eq(metadata_value, "prod"))'] = { 1, null, null, 0 },
        ['and(eq(feedback_key, "grade"), gt(feedback_score, 0.7))'] = { 1, null, null, 0 },
        ['eq(model, "gpt-4o")'] = { 0, 25, "0.000100001", null },
        ['eq(name, "nobody")'] = { 0, null, null, null },
      } do
        local alpha = one("name=alpha&include_stats=true&stats_filter=" .. encode(filter))
        assert.same(wanted, { alpha.run_count, alpha.total_tokens, alpha.total_cost, alpha.error_rate }, filter)
        assert.equal("2024-01-01T00:03:20Z", alpha.last_run_start_time_live)
      end
      local graded = one("name=alpha&include_stats=true&stats_filter=" .. encode 'gt(feedback_score, 0.7)')
      assert.same({ grade = { n = 1, avg = 1, values = { good = 1 } }, thumb = nil }, graded.feedback_stats)
      local both = one("name=alpha&include_stats=true&stats_start_time=2024-01-01T00:01:00Z&stats_filter=" .. encode 'eq(name, "agent")')
      assert.equal(1, both.run_count)
    end)

    it("use_approx_stats: exact anyway", function()
      assert.same(one "name=alpha&include_stats=true", one "name=alpha&include_stats=true&use_approx_stats=true")
    end)

    it("facets: only with statistics", function()
      assert.equal(null, one("name=alpha&facets=true").run_facets)
      assert.equal(null, one("name=alpha&include_stats=true").run_facets)
      assert.equal(null, one("name=alpha&include_stats=true&facets=true&stats_select=run_count").run_facets)
      assert.same(one("name=alpha&include_stats=true&facets=true").run_facets,
        one("name=alpha&include_stats=true&facets=true&stats_select=run_facets").run_facets)
      assert.is_true(#one("name=alpha&include_stats=true&facets=true").run_facets > 0)
      assert.equal("[]", core.encode(one("name=gamma&include_stats=true&facets=true").run_facets))
    end)
  end)

  describe("a project", function()
    -- field, and its value in alpha (eight runs, four of them roots), beta (created, one run), gamma (created, no run)
    for _, case in ipairs {
      { "id", core.project_id("", "alpha"), BETA, core.project_id("", "gamma") },
      { "tenant_id", core.tenant_id "", core.tenant_id "", core.tenant_id "" },
      { "name", "alpha", "beta", "gamma" },
      { "start_time", "2024-01-01T00:00:00Z", "2023-12-31T23:59:10Z", "2024-01-01T00:00:50Z" }, -- of the first run; as given
      { "end_time", null, "2024-01-01T00:33:20Z", null },
      { "description", null, "the second", null },
      { "default_dataset_id", null, OTHER, null },
      { "reference_dataset_id", null, DATASET, DATASET },
      { "trace_tier", null, "longlived", null },
      { "extra", {}, { metadata = { dataset_version = 3, env = "prod", list = { 1, { a = true } } }, tags = { "blue" } },
        { metadata = { dataset_version = "3", env = "dev", beta = true } } },
      { "run_count", 4, 1, 0 },
      { "latency_p50", 2, 1.5, null }, -- seconds; the lower of two
      { "latency_p99", 4, 1.5, null },
      { "first_token_p50", 0.1, null, null },
      { "first_token_p99", 0.5, null, null },
      { "total_tokens", 125, null, null }, -- 10 + 5 + 7 + 3 + 100, not the tool's
      { "prompt_tokens", 17, null, null },
      { "completion_tokens", 8, null, null },
      { "total_cost", "0.000100001", null, null },
      { "prompt_cost", "0.00004", null, null },
      { "completion_cost", "2.00006", null, null },
      { "last_run_start_time", "2024-01-01T00:03:20Z", "2024-01-01T00:16:40Z", null },
      { "last_run_start_time_live", "2024-01-01T00:03:20Z", "2024-01-01T00:16:40Z", null },
      { "feedback_stats", { grade = { n = 2, avg = 0.75, values = { good = 2 } }, thumb = { n = 1, avg = 1, values = {} } },
        { grade = { n = 1, avg = 0.9, values = {} }, note = { n = 1, avg = null, values = {} } }, {} },
      { "session_feedback_stats", { overall = { n = 1, avg = 0.25, values = {} } }, {}, { overall = { n = 1, avg = 0.75, values = { ["1"] = 1 } } } },
      { "run_facets", null, null, null },
      { "error_rate", 0.5, 0, null }, -- a2 of a1 and a2: the others are pending
      { "streaming_rate", 0.5, null, null },
      { "test_run_number", null, 1, 2 }, -- beta began before gamma
    } do
      it("has " .. case[1], function()
        for i, name in ipairs { "alpha", "beta", "gamma" } do
          local project = one("include_stats=true&name=" .. name)
          assert.same(case[i + 1], project[case[1]], name)
        end
      end)
    end

    it("has what its newest run and its cost are at other scales", function()
      local project = one("include_stats=true&name=" .. encode "Überblick")
      assert.same({ "2024-01-01T00:08:20.250Z", "1234.5", 1, 3, 0.007 }, { project.start_time, project.total_cost, project.streaming_rate,
        project.latency_p50, project.first_token_p50 })
    end)

    it("has numbers by dataset and tenant: those before it are counted, not those shown", function()
      assert.equal(2, one("name=gamma").test_run_number)
      assert.equal(2, list(app, "sort_by=name&sort_by_desc=false&offset=2&limit=1")[1].test_run_number)
    end)

    it("is the same by its id", function()
      for _, prefix in ipairs { "", "/api/v1" } do
        local status, project = ask(app, "GET", prefix .. "/sessions/" .. BETA, "include_stats=true")
        assert.equal(200, status)
        assert.same(one "name=beta&include_stats=true", valid(contract.one, project))
        assert.same(one "name=beta", select(2, ask(app, "GET", prefix .. "/sessions/" .. BETA)))
        assert.same(list(app, "limit=3"), select(2, ask(app, "GET", prefix .. "/sessions", "limit=3")))
      end
      local _, since = ask(app, "GET", "/sessions/" .. BETA, "include_stats=true&stats_start_time=2025-01-01")
      assert.equal(0, since.run_count)
    end)

    it("has facets: what its runs have most often, with the filter that finds them", function()
      local facets = one("name=alpha&include_stats=true&facets=true").run_facets
      local shown = {}
      for i, facet in ipairs(facets) do
        shown[i] = ("%s %s %d %s"):format(facet.key, type(facet.value) == "table" and core.encode(facet.value) or facet.value, facet.n, facet.query)
      end
      assert.same({
        'name agent 2 eq(name, "agent")',
        'name llm 2 eq(name, "llm")',
        'name other 1 eq(name, "other")',
        'run_type chain 4 eq(run_type, "chain")',
        'run_type llm 2 eq(run_type, "llm")',
        'run_type embedding 1 eq(run_type, "embedding")',
        'run_type tool 1 eq(run_type, "tool")',
        'status pending 4 eq(status, "pending")',
        'status error 2 eq(status, "error")',
        'status success 2 eq(status, "success")',
        'model gpt-4o 2 eq(model, "gpt-4o")',
        'model e 1 eq(model, "e")',
        'tag beta 2 has(tags, "beta")',
        'tag eu 1 has(tags, "eu")',
        'metadata {"env":"prod"} 1 and(eq(metadata_key, "env"), eq(metadata_value, "prod"))',
        'metadata {"env":"q\\""} 1 and(eq(metadata_key, "env"), eq(metadata_value, "q\\""))',
        'metadata {"ok":true} 1 and(eq(metadata_key, "ok"), eq(metadata_value, true))',
        'metadata {"tier":1} 1 and(eq(metadata_key, "tier"), eq(metadata_value, 1))',
      }, shown)
    end)

    it("has facets whose filters find as many runs as they say", function()
      for _, facet in ipairs(one("name=alpha&include_stats=true&facets=true").run_facets) do
        local filter = assert(sq.filter("langsmith", facet.query))
        assert.equal(facet.n, db:requests():where "project = 'alpha'":where(filter):count(), facet.query)
      end
    end)

    it("has the ten most frequent facets of each kind", function()
      local many = assert(sq.open ":memory:")
      for i = 1, 12 do
        for j = 1, i do
          assert(many:add { request_id = i .. "-" .. j, created_at = T, name = ("n%02d"):format(i), tags = { ("t%02d"):format(i) } })
        end
      end
      local counts = {}
      for _, facet in ipairs(list(http.app { db = many }, "include_stats=true&facets=true")[1].run_facets) do
        counts[facet.key] = (counts[facet.key] or "") .. facet.n .. " "
      end
      assert.same({ name = "12 11 10 9 8 7 6 5 4 3 ", tag = "12 11 10 9 8 7 6 5 4 3 ", run_type = "78 ", status = "78 " }, counts)
      many:close()
    end)

    it("has facets of the runs that statistics are of", function()
      local facets = one("name=alpha&include_stats=true&facets=true&stats_start_time=2024-01-01T00:05:00Z").run_facets
      assert.same({ { key = "name", value = "llm", n = 1, query = 'eq(name, "llm")' } }, { facets[1] })
      assert.equal(4, #facets)
    end)
  end)

  describe("what is wrong", function()
    for _, case in ipairs {
      { "id=x", { "query", "id", 0 }, "uuid_parsing" },
      { "id=" .. BETA .. "&id=" .. BETA .. "0", { "query", "id", 1 }, "uuid_parsing" },
      { "id=", { "query", "id", 0 }, "uuid_parsing" },
      { "reference_dataset=1", { "query", "reference_dataset", 0 }, "uuid_parsing" },
      { "tag_value_id=1", { "query", "tag_value_id", 0 }, "uuid_parsing" },
      { "reference_free=maybe", { "query", "reference_free" }, "bool_parsing" },
      { "include_stats=2", { "query", "include_stats" }, "bool_parsing" },
      { "use_approx_stats=", { "query", "use_approx_stats" }, "bool_parsing" },
      { "facets=all", { "query", "facets" }, "bool_parsing" },
      { "sort_by_desc=down", { "query", "sort_by_desc" }, "bool_parsing" },
      { "metadata=x", { "query", "metadata" }, "json_invalid" },
      { "metadata=[1]", { "query", "metadata" }, "dict_type" },
      { "metadata=null", { "query", "metadata" }, "dict_type" },
      { "metadata=%22a%22", { "query", "metadata" }, "dict_type" },
      { "sort_by=cost", { "query", "sort_by" }, "enum" },
      { "sort_by=run_count", { "query", "sort_by" }, "enum" },
      { "sort_by=feedback&sort_by_feedback_key=a&sort_by_feedback_source=runs", { "query", "sort_by_feedback_source" }, "enum" },
      { "sort_by=feedback", { "query", "sort_by_feedback_key" }, "missing" },
      { "offset=-1", { "query", "offset" }, "greater_than_equal" },
      { "offset=1.5", { "query", "offset" }, "int_parsing" },
      { "limit=0", { "query", "limit" }, "greater_than_equal" },
      { "limit=101", { "query", "limit" }, "less_than_equal" },
      { "limit=1e1", { "query", "limit" }, "int_parsing" },
      { "limit=", { "query", "limit" }, "int_parsing" },
      { "limit=99999999999999999999", { "query", "limit" }, "int_parsing" },
      { "stats_select=run_counts", { "query", "stats_select", 0 }, "enum" },
      { "stats_select=run_count,nope", { "query", "stats_select", 1 }, "enum" },
      { "whatever=1", { "query", "whatever" }, "extra_forbidden" },
      { "name_contain=x", { "query", "name_contain" }, "extra_forbidden" },
      { "name[]=x", { "query", "name[]" }, "extra_forbidden" },
      { "stats_start_time=soon", { "query", "stats_start_time" }, "datetime_from_date_parsing" },
      { "stats_start_time=2024-13-01", { "query", "stats_start_time" }, "datetime_from_date_parsing" },
    } do
      it(case[1] .. " is 422", function()
        local status, answer = ask(app, "GET", "/sessions", case[1])
        assert.equal(422, status)
        valid(contract.problems, answer)
        assert.equal(1, #answer.detail)
        assert.same(case[2], answer.detail[1].loc)
        assert.equal(case[3], answer.detail[1].type)
      end)
    end

    -- what filters are of, what is wrong with them, and where
    for _, case in ipairs {
      { "filter", "eq(run_counts, 3)", "filter: langsmith-projects: unknown field 'run_counts', did you mean 'run_count'?", 3 },
      { "filter", "eq(name", "filter: langsmith-projects: expected", 7 },
      { "filter", "eq(inputs, 'x')", "filter: langsmith-projects: ", 3 },
      { "filter", "", "filter: langsmith-projects: ", 0 },
      { "stats_filter", "eq(nam, 'x')", "stats_filter: langsmith: unknown field 'nam', did you mean 'name'?", 3 },
      { "stats_filter", "gt(run_count, 1)", "stats_filter: langsmith: unknown field 'run_count'", 3 },
      { "stats_filter", "neq(tags, 'x')", "stats_filter: langsmith: ", 4 },
    } do
      it(case[1] .. " = " .. case[2] .. " is 400 with the place", function()
        local status, answer = ask(app, "GET", "/sessions", case[1] .. "=" .. encode(case[2]))
        assert.equal(400, status)
        assert.equal(case[3], answer.detail:sub(1, #case[3]))
        assert(answer.detail:find(("(byte %d)"):format(case[4]), 1, true), answer.detail)
        if case[1] == "stats_filter" then
          assert.equal(400, (ask(app, "GET", "/sessions/" .. BETA, "include_stats=true&stats_filter=" .. encode(case[2]))))
        end
      end)
    end

    it("all problems are told", function()
      local status, answer = ask(app, "GET", "/api/v1/sessions", "limit=0&id=x&sort_by=y")
      assert.equal(422, status)
      assert.equal(3, #valid(contract.problems, answer).detail)
    end)

    it("an enum's options are told", function()
      local _, answer = ask(app, "GET", "/sessions", "sort_by_feedback_source=x")
      assert.equal("Input should be 'session' or 'run'", answer.detail[1].msg)
    end)

    it("of a path: no UUID is 422, no project 404", function()
      local status, answer = ask(app, "GET", "/sessions/x")
      assert.equal(422, status)
      assert.same({ "path", "session_id" }, valid(contract.problems, answer).detail[1].loc)
      for _, method in ipairs { "GET", "DELETE", "PATCH" } do
        status, answer = ask(app, method, "/sessions/" .. DATASET, nil, method == "PATCH" and {} or nil)
        assert.same({ 404, "there is no project '" .. DATASET .. "'" }, { status, answer.detail })
        assert.equal(422, (ask(app, method, "/sessions/" .. DATASET .. "0", nil, method == "PATCH" and {} or nil)))
      end
      assert.equal(422, (ask(app, "GET", "/sessions/" .. BETA, "include_stats=x")))
      assert.equal(422, (ask(app, "GET", "/sessions/" .. BETA, "stats_start_time=x")))
    end)
  end)
end)
