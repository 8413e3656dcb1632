--- Freeplay's filters on a data set made for them: every field with every operator, the published filters, what the three
--- searches find, filters among other filters; and random filters against the plain evaluator of support/freeplay_world.lua.
local core = require "sessionquery.core"
local sq = require "sessionquery"
local vm = require "spec.support.vm"
local world = require "spec.support.freeplay_world"

local f = sq.field

local function ids(rows, name)
  local list = {}
  for i, row in ipairs(rows) do list[i] = row[name] end
  return table.concat(list, " ")
end

--- What the three searches find, as texts of ids, newest first.
local function search(db, filter)
  local compiled = assert(sq.filter("freeplay", filter))
  local found = {}
  for _, what in ipairs { "completions", "traces" } do
    found[what] = ids(assert(db:requests():where(assert(core.search(what, compiled))):all()), "request_id")
  end
  found.sessions = ids(assert(db:sessions():where(compiled):order_by("-created_at"):all()), "id")
  return found
end

local function expected(filter)
  local found = world.search(filter)
  for what, list in pairs(found) do found[what] = table.concat(list, " ") end
  return found
end

local function leaf(field, op, value) return { field = field, op = op, value = value } end
local function all(...) return { ["and"] = { ... } } end
local function negate(filter) return { ["not"] = filter } end

local ALL = "c7 c6 c5 c4 c3 c2 c1"
local JUNE = "2024-06-01 00:00:0"

--- field, operator, value, the completions.
local cases = {
  { "cost", "eq", 0.01, "c1" }, { "cost", "gt", 0.01, "c2" }, { "cost", "gte", 0.01, "c2 c1" }, { "cost", "lt", 0.01, "c3" },
  { "cost", "lte", 0.01, "c3 c1" }, { "cost", "between", { 0.001, 0.01 }, "c3 c1" }, { "cost", "between", { 0.01, 0.001 }, "" },
  { "latency", "eq", 0.45, "c1" }, { "latency", "gt", 0.45, "c2" }, { "latency", "gte", 0.45, "c2 c1" }, { "latency", "lt", 0.45, "c3" },
  { "latency", "lte", 0.45, "c3 c1" }, { "latency", "between", { 0.02, 0.45 }, "c3 c1" },
  { "start_time", "eq", JUNE .. "1", "c1" }, { "start_time", "eq", JUNE .. "2.5", "c2" }, { "start_time", "gt", "2024-06-01 00:05:00", "c7 c6" },
  { "start_time", "gte", "2024-06-01T00:05:00Z", "c7 c6 c5" }, { "start_time", "lt", JUNE .. "2.5", "c1" },
  { "start_time", "lte", JUNE .. "2.5", "c2 c1" }, { "start_time", "between", { JUNE .. "1", JUNE .. "2.5" }, "c2 c1" },
  { "start_time", "gt", "2024-06-02", "" },
  { "environment", "eq", "prod", "c4 c2" }, { "environment", "eq", "production", "c1" }, { "environment", "eq", "Prod", "" },
  { "prompt_template", "eq", "weather", "c1" }, { "prompt_template_id", "eq", "p-1", "c1" }, { "prompt_version", "eq", "3", "c1" },
  { "completion_id", "eq", "c3", "c3" }, { "completion_id", "eq", "t1", "" },
  { "trace_id", "eq", "t1", "c2 c1" }, { "trace_id", "eq", "t2", "c7 c4 c3" }, { "trace_id", "eq", "t3", "" },
  { "session_id", "eq", "s2", "c4 c3" }, { "session_id", "eq", "s9", "" },
  { "model", "eq", "gpt-4o", "c6 c4 c3 c1" }, { "provider", "eq", "openai", "c1" }, { "review_status", "eq", "open", "c1" },
  { "agent_name", "eq", "planner", "c2 c1" }, { "trace_agent_name", "eq", "writer", "c7 c4 c3" }, { "agent_name", "eq", "search", "" },
  { "api_key", "eq", "key-a", "c1" }, { "assignee", "eq", "ann", "c1" },
  { "insight_name", "eq", "Loud", "c1" }, { "insight_name", "eq", "Slow", "" }, { "insight_id", "eq", "i2", "c1" },
  { "completion_output", "contains", "NOT found", "c1" }, { "completion_output", "contains", "found not", "" },
  { "completion_output", "contains", "free", "c4 c1" }, { "completion_output", "contains", "freeplay", "c2" }, { "completion_output", "contains", "", "c4 c2 c1" },
  { "completion_output", "contains", "free, LUNCH!", "c4" },
  { "completion_inputs.topic", "contains", "weather", "c1" }, { "completion_inputs.topic", "contains", "weather Oslo", "" },
  { "completion_inputs.Os Platform", "contains", "linux", "c1" }, { "completion_inputs.n", "contains", "7", "c1" },
  { "completion_inputs.deep", "contains", "b", "c1" }, { "completion_inputs.none", "contains", "", "" },
  { "trace_input.question", "contains", "weather report", "c2 c1" }, { "trace_input.k.x y", "contains", "DEEP", "c2 c1" },
  { "trace_output.answer", "contains", "umbrella", "c2 c1" }, { "trace_output.n", "contains", "42", "c2 c1" }, { "trace_output.answer", "contains", "42", "" },
  { "completion_feedback.rating", "contains", "5", "c1" }, { "completion_feedback.rating", "contains", "nice answer", "c1" },
  { "completion_feedback.rating", "contains", "4", "" }, { "trace_feedback.rating", "contains", "4", "c2 c1" },
  { "trace_feedback.mood", "contains", "happy", "c2 c1" },
  { "session_custom_metadata.tier", "contains", "gold", "c2 c1" }, { "session_custom_metadata.tier", "contains", "gold plan", "c2 c1" },
  { "session_custom_metadata.n", "contains", "5", "c2 c1" },
  { "trace_custom_metadata.customer", "contains", "corp", "c2 c1" }, { "trace_custom_metadata.tier", "contains", "2", "c2 c1" },
  { "trace_custom_metadata.vip", "contains", "true", "c2 c1" }, { "trace_custom_metadata.customer", "contains", "silver", "c7 c4 c3" },
  { "evaluation_notes.content", "contains", "re check", "c1" }, { "evaluation_notes.author", "eq", "bob", "c1" },
  { "evaluation_notes.created_at", "gt", "2024-06-01 23:00:00", "c1" }, { "evaluation_notes.created_at", "gte", "2024-06-02 00:00:00", "c1" },
  { "evaluation_notes.created_at", "lt", "2024-06-02 00:00:00", "" }, { "evaluation_notes.created_at", "lte", "2024-06-02", "c1" },
}
for _, name in ipairs { "completion_evaluation_results", "completion_client_evaluation_results" } do
  for _, case in ipairs {
    { ".Quality", "eq", 4, "c1" }, { ".Quality", "eq", "4", "c1" }, { ".Quality", "gt", 2, "c1" }, { ".Quality", "gte", "2", "c2 c1" },
    { ".Quality", "lt", 4, "c2" }, { ".Quality", "lte", 4, "c2 c1" }, { ".Quality", "between", { 1, 3 }, "c2" }, { ".Quality", "between", { "2", 4.0 }, "c2 c1" },
    { ".Quality", "contains", "4", "c1" }, { ".Response Quality", "eq", "4", "c1" }, { ".Parseable", "contains", "NO", "c1" },
    { ".Parseable", "eq", "no", "c1" }, { ".Parseable", "eq", "yes", "" }, { ".Good", "eq", "true", "c1" }, { ".Good", "contains", "true", "c1" },
    { ".Good", "eq", 1, "" }, { ".Half", "between", { 0.4, 0.6 }, "c1" }, { ".Digits", "eq", "4", "" }, { ".rating", "eq", 5, "c1" },
  } do
    cases[#cases + 1] = { name .. case[1], case[2], case[3], case[4] }
  end
end
for _, name in ipairs { "trace_evaluation_results", "trace_client_eval_results" } do
  for _, case in ipairs {
    { ".Quality", "eq", 5, "c2 c1" }, { ".Quality", "gt", 1, "c2 c1" }, { ".Quality", "gte", 1, "c7 c4 c3 c2 c1" }, { ".Quality", "lt", 5, "c7 c4 c3" },
    { ".Quality", "lte", "1", "c7 c4 c3" }, { ".Quality", "between", { 2, 6 }, "c2 c1" }, { ".Verdict", "contains", "good", "c2 c1" },
    { ".Verdict", "eq", "very good", "c2 c1" }, { ".rating", "eq", 4, "c2 c1" },
  } do
    cases[#cases + 1] = { name .. case[1], case[2], case[3], case[4] }
  end
end

--- A handle on the data: rows in SQLite, or sealed in the column index.
local function open(engine)
  local path = vm.path "freeplay.db"
  local db = assert(sq.open(path, { engine = engine }))
  world.fill(db)
  assert(db:seal())
  return db, function()
    db:close()
    vm.remove(path)
  end
end

for _, engine in ipairs { "auto", "sql" } do
  describe("Freeplay's filters, engine " .. engine .. ":", function()
    local db, close
    setup(function() db, close = open(engine) end)
    teardown(function() close() end)

    it("each field and operator finds its completions, their traces and sessions", function()
      for _, case in ipairs(cases) do
        local filter = leaf(case[1], case[2], case[3])
        local name = core.encode(filter)
        local found = search(db, filter)
        assert.equal(case[4], found.completions, name)
        assert.same(expected(filter), found, name)
      end
    end)

    it("and all that they do not find, with not", function()
      for _, case in ipairs(cases) do
        local filter = negate(leaf(case[1], case[2], case[3]))
        local found = search(db, filter)
        assert.same(expected(filter), found, core.encode(filter))
      end
    end)

    it("the published ones", function()
      for text, found in pairs {
        ['{"filters": {"field": "cost", "op": "gte", "value": 0.01}}'] = "c2 c1",
        ['{"filters": {"field": "environment", "op": "eq", "value": "production"}}'] = "c1",
        ['{"filters": {"and": [{"field": "cost", "op": "gte", "value": 0.001}, {"or": [{"field": "model", "op": "eq", "value": "gpt-4o"}, ' ..
          '{"field": "model", "op": "eq", "value": "claude-3-opus"}]}, {"not": {"field": "environment", "op": "eq", "value": "prod"}}]}}'] = "c3 c1",
        ['{"filters": {"field": "completion_client_evaluation_results.Parseable", "op": "contains", "value": "no"}}'] = "c1",
        ['{"filters": {"field": "completion_output", "op": "contains", "value": "error"}}'] = "c1",
        ['{"filters": {"or": [{"field": "model", "op": "eq", "value": "gpt-4"}, {"field": "model", "op": "eq", "value": "claude-3-opus"}]}}'] = "c2",
        ['{"filters": {"and": [{"field": "start_time", "op": "gte", "value": "2024-06-01 00:00:00"}, {"field": "start_time", "op": "lte", "value": "2024-06-30 23:59:59"}]}}'] = ALL,
        ['{"filters": {"field": "completion_inputs.topic", "op": "contains", "value": "weather"}}'] = "c1",
        ['{"filters": {"field": "trace_evaluation_results.Quality Score", "op": "gte", "value": 5}}'] = "",
        ['{"filters": {"field": "completion_evaluation_results.Response Quality", "op": "eq", "value": "4"}}'] = "c1",
        ['{"filters": {}}'] = ALL,
      } do
        assert.equal(found, search(db, text).completions, text)
      end
    end)

    it("one completion satisfies it all, or one trace around none", function()
      for name, case in pairs {
        -- one model, another's cost: no completion has both
        apart = { all(leaf("model", "eq", "gpt-4o"), leaf("cost", "eq", 0.02)), "", "", "" },
        together = { all(leaf("model", "eq", "gpt-4o"), leaf("cost", "eq", 0.01)), "c1", "t1", "s1" },
        -- the trace that is around none
        bare = { leaf("trace_input.question", "contains", "free weather"), "", "t4", "s3" },
        bare_not = { negate(leaf("model", "eq", "gpt-4o")), "c7 c5 c2", "t4 t3 t2 t1", "s5 s4 s3 s2 s1" },
        bare_time = { leaf("start_time", "eq", "2024-06-01 00:03:20"), "", "t4", "s3" },
        bare_session = { leaf("session_custom_metadata.tier", "contains", "gold"), "c2 c1", "t4 t1", "s3 s1" },
        -- t2 is around completions, so its own time counts for nothing
        time_of_trace = { leaf("start_time", "eq", "2024-06-01 00:01:40"), "", "", "" },
        completion_and_trace = { all(leaf("model", "eq", "o3"), leaf("agent_name", "eq", "writer")), "c7", "t2", "s5" },
        everything = { {}, ALL, "t4 t3 t2 t1", "s5 s4 s3 s2 s1" },
        nothing = { { ["or"] = core.decode "[]" }, "", "", "" },
      } do
        local found = search(db, case[1])
        assert.same({ completions = case[2], traces = case[3], sessions = case[4] }, found, name)
        assert.same(expected(case[1]), found, name)
      end
    end)

    it("and trim nothing: a session found is a whole one", function()
      local found = assert(db:sessions():where(assert(sq.filter("freeplay", leaf("completion_id", "eq", "c1")))):all())
      assert.equal("s1", found[1].id)
      assert.equal(3, found[1].total_requests)
      assert.equal(1, #found)
    end)

    it("random ones find what the plain evaluator finds", function()
      local seed = tonumber(os.getenv "SEED") or 5
      math.randomseed(seed)
      local function random(depth)
        local kind = math.random(depth > 0 and 8 or 3)
        if kind <= 3 then
          local case = cases[math.random(#cases)]
          return leaf(case[1], case[2], case[3])
        end
        if kind == 4 then return negate(random(depth - 1)) end
        if kind == 5 and math.random(4) == 1 then return {} end
        local list = {}
        for i = 1, math.random(3) do list[i] = random(depth - 1) end
        return { [kind % 2 == 0 and "and" or "or"] = list }
      end
      for i = 1, 150 do
        local filter = random(3)
        assert.same(expected(filter), search(db, filter), ("seed %d, number %d: %s"):format(seed, i, core.encode(filter)))
        local whole = assert(sq.filter("freeplay", filter))
        -- the sessions found are those of the candidates found
        local of_candidates, seen = {}, {}
        for row in db:requests():where(assert(core.search("candidates", whole))):each() do
          if row.session_id and not seen[row.session_id] then
            seen[row.session_id] = true
            of_candidates[#of_candidates + 1] = row.session_id
          end
        end
        table.sort(of_candidates)
        local sessions = {}
        for session in db:sessions():where(whole):each() do sessions[#sessions + 1] = session.id end
        table.sort(sessions)
        assert.same(of_candidates, sessions)
        -- written and read again it is the same
        local text = assert(whole:to "freeplay")
        assert.equal(whole:dump "tree", assert(sq.filter("freeplay", text)):dump "tree", text)
      end
    end)
  end)
end

describe("A whole filter", function()
  local db, close
  setup(function() db, close = open "sql" end)
  teardown(function() close() end)

  local function freeplay(...) return assert(sq.filter("freeplay", leaf(...))) end
  local function sessions(...)
    local query = db:sessions():order_by "id"
    for _, filter in ipairs { ... } do query = query:where(filter) end
    return ids(assert(query:all()), "id")
  end

  it("stays whole among others of its kind", function()
    local model, cost = freeplay("model", "eq", "gpt-4o"), freeplay("cost", "eq", 0.02)
    assert.equal('whole rows (and (eq model "gpt-4o") (eq cost_usd 0.02))', sq.all { model, cost }:dump())
    assert.equal("", sessions(sq.all { model, cost }))
    assert.equal("", sessions(model, cost)) -- steps accumulate to one AND
    assert.equal("s1 s2", sessions(sq.any { model, cost }))
    assert.equal("s1 s2 s3 s4 s5", sessions(sq.negate(model)))
    assert.equal("whole rows (eq model \"gpt-4o\")", sq.negate(sq.negate(model)):dump())
  end)

  it("is a question about sessions beside others", function()
    local model, cost = freeplay("model", "eq", "gpt-4o"), freeplay("cost", "eq", 0.02)
    local many = f.session.total_requests:gte(4)
    assert.equal("s2", sessions(sq.all { model, many }))
    assert.equal("s2", sessions(model, many))
    assert.equal("s1 s2", sessions(sq.any { cost, many }))
    assert.equal("", sessions(sq.all { model, cost, f.session.total_requests:gte(1) })) -- one completion for both
    assert.equal("s1", sessions(sq.all { model, sq.some_request(f.cost_usd:eq(0.02)) }))
    -- a filter of rows trims as ever, the whole one asks about the rows that are left
    assert.equal("s1", sessions(cost, f.model:eq "claude-3-opus"))
    assert.equal("", sessions(cost, f.model:eq "gpt-4o"))
  end)

  it("is a plain one of requests, and of the rows of a group", function()
    local prod = freeplay("environment", "eq", "prod")
    assert.equal("c4 c2", ids(assert(db:requests():where(prod):all()), "request_id"))
    assert.equal("c2", ids(assert(db:requests():where(prod):where(f.session_id:eq "s1"):all()), "request_id"))
    assert.equal(2, #assert(db:group_by("model"):where(prod):all())) -- claude-3-opus, gpt-4o
    assert.equal("s1", sessions(sq.all { sq.some_request(prod), freeplay("cost", "eq", 0.01) }))
    local none, why = pcall(function() return db:requests():where(sq.all { prod, f.model:present() }) end)
    assert.is_false(none)
    assert(why:find("some asks about sessions", 1, true), why)
  end)

  it("shows as what it asks", function()
    local plan = assert(db:sessions():where(freeplay("model", "eq", "o3")):explain())
    assert(plan:find('keep (some (and (among run_type "llm" "embedding") (eq model "o3")))', 1, true), plan)
    local both = assert(db:sessions():where(freeplay("agent_name", "eq", "x")):explain())
    assert(both:find('(not (enclosed true))', 1, true), both)
  end)
end)

describe("Written as Freeplay's", function()
  local function field(name, op, value) return ('{"field":"%s","op":"%s","value":%s}'):format(name, op, value) end

  it("stands what its language has another form for", function()
    for where, text in pairs {
      ["model in ('a', 'b')"] = '{"or":[' .. field("model", "eq", '"a"') .. "," .. field("model", "eq", '"b"') .. "]}",
      ["cost_usd is present"] = field("cost", "lt", "1e30"),
      ["latency_ms is present"] = field("latency", "lt", "1e30"),
      ["latency_ms = 0.5"] = field("latency", "between", "[1,0]"),
      ["created_at is present"] = "{}",
      ["response_body is present"] = field("completion_output", "contains", '""'),
      ["scores.q is present"] = field("completion_evaluation_results.q", "contains", '""'),
      ["scores.q = 'good'"] = field("completion_evaluation_results.q", "eq", '"good"'),
      ["scores.q in (1, 'good')"] = '{"or":[' .. field("completion_evaluation_results.q", "eq", '"good"') .. "," .. field("completion_evaluation_results.q", "eq", "1") .. "]}",
      ["enclosing(name = 'a' and (name = 'b' or properties.x is present))"] = '{"and":[' .. field("agent_name", "eq", '"a"') .. ',{"or":[' ..
        field("agent_name", "eq", '"b"') .. "," .. field("trace_custom_metadata.x", "contains", '""') .. "]}]}",
      ["trace_id = 'x' or model = 'm' or enclosing(request_id = 'x')"] = '{"or":[' .. field("trace_id", "eq", '"x"') .. "," .. field("model", "eq", '"m"') .. "]}",
      ["cost_usd > 0.0000000015"] = field("cost", "gt", "0.000000001"),
      ["created_at < '2026-11-20T10:00:00.25+01:00'"] = field("start_time", "lt", '"2026-11-20 09:00:00.250"'),
      ["insight_names has 'a'"] = field("insight_name", "eq", '"a"'),
    } do
      assert.equal(text, assert(sq.filter("where", where)):to "freeplay", where)
      assert(sq.filter("freeplay", text))
    end
  end)

  it("stands nothing of what it cannot say, but each of the reasons", function()
    for where, reason in pairs {
      ["status = 200"] = "Freeplay has no such field",
      ["model is present"] = "Freeplay cannot ask whether model is there",
      ["model > 'a'"] = "Freeplay's model has no such operator",
      ["model contains 'a'"] = "has no such operator",
      ["properties.x = 1"] = "Freeplay has no such field",
      ["trace_id = 'x'"] = "Freeplay has no such field",
      ["enclosing(model = 'x')"] = "Freeplay has no such field of a trace",
      ["enclosing(not name = 'x')"] = "Freeplay's not is true where there is no trace, too",
      ["scores.q = '4'"] = "Freeplay takes text that is a number as one",
      ["scores.q = 'true'"] = "Freeplay takes it for the boolean, too",
      ["scores.q = true"] = "Freeplay's values are text and numbers",
      ["scores.q > 'a'"] = "Freeplay orders numbers only",
      ["scores.q phrase 'a'"] = "Freeplay looks for words in numbers and booleans too",
      ["in_trace(model = 'a')"] = "not for in_trace(…)",
      ["entry(feedback, key = 'k' and score > 1)"] = "Freeplay looks for words in all of a feedback",
      ["entry(scores, value > 1)"] = "Freeplay asks about one key of feedback",
      ["session.total_requests > 1"] = "Freeplay has no such field",
      ["some(model = 'a')"] = "not for some(…)",
    } do
      local text, unsaid = assert(sq.filter("where", where)):to "freeplay"
      assert.is_nil(text, where)
      assert.equal(1, #unsaid, where)
      assert(unsaid[1].reason:find(reason, 1, true), where .. ": " .. unsaid[1].reason)
    end
    assert.equal(2, #select(2, assert(sq.filter("where", "status = 200 or user_id = 'u' or model = 'a'")):to "freeplay"))
  end)

  it("stands no deeper than JSON does", function()
    local filter = f.model:eq "a"
    for _ = 1, 40 do filter = sq.any { f.provider:eq "b", sq.all { f.environment:eq "c", filter } } end
    local text, unsaid = filter:to "freeplay"
    assert.is_nil(text)
    assert(unsaid[1].reason:find("too deep", 1, true), unsaid[1].reason)
  end)
end)

describe("core.search", function()
  it("refuses what it does not know", function()
    local filter = assert(sq.filter("freeplay", "{}"))
    local none, message, detail = core.search("runs", filter)
    assert.is_nil(none)
    assert.equal("unknown search 'runs'", message)
    assert.equal("unknown", detail.code)
  end)
end)
