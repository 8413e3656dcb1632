--- LangSmith's filters, as its documentation, its clients and their users write them: which of six runs they find.
local core = require "sessionquery.core"
local sq = require "sessionquery"

-- A trace of two, one of three, and a run that has not ended. What is asked about stands in different places: r2 has the
-- thread in its session_id only, r3 in its metadata only; flagged is true in one run and "true" in another; the entries
-- of r5 and r6 have each other's values.
local runs = {
  { request_id = "r1", trace_id = "r1", run_type = "chain", name = "extractor", session_id = "T1", status = 200,
    created_at = "2026-11-20T10:00:00Z", responded_at = "2026-11-20T10:00:06Z", latency_ms = 6000, total_tokens = 6000, cost_usd = 0.5,
    tags = { "beta", "length:short" }, properties = { user_id = "u-1", env = "prod", flagged = true, suspicion = 0.7, thread_id = "T1" },
    request_body = { messages = { { role = "user", content = "Where is my refund?" }, { role = "system", content = "Be kind" } } },
    response_body = { answer = "Your refund is on its way", steps = 2 },
    feedback = { { key = "star_rating", score = 5 }, { key = "correctness", score = 1 } } },
  { request_id = "r2", trace_id = "r1", parent_id = "r1", run_type = "llm", name = "ChatOpenAI", session_id = "T1", status = 200, model = "gpt-4o",
    created_at = "2026-11-20T10:00:01Z", latency_ms = 1500, prompt_tokens = 10, completion_tokens = 5, cost_usd = 0.001, properties = { test_run = "M1" },
    request_body = { messages = { { role = "user", content = "say messages.content twice" } }, options = { temperature = 0.5, stream = true } },
    response_body = { answer = "yes" }, feedback = { { key = "correctness", score = 0 } } },
  { request_id = "r3", trace_id = "r3", run_type = "chain", name = "RetrieveDocs", error = "timed out",
    created_at = "2026-11-21T00:00:00Z", latency_ms = 12000, tags = { "experimental" },
    properties = { conversation_id = "C-7", user_id = "u-2", env = "dev", flagged = "true", suspicion = "0.7" },
    request_body = "the policy, in plain words: no REFUND", feedback = { { key = "star_rating", score = 3 } } },
  { request_id = "r4", trace_id = "r4", run_type = "chain", name = "search agent", session_id = 't"1', created_at = "2026-11-22T00:00:00Z" },
  { request_id = "r5", trace_id = "r3", parent_id = "r3", run_type = "tool", name = "my_tool", status = -2, execution_order = 2,
    created_at = "2026-11-21T00:00:01Z", latency_ms = 400, properties = { a = 1, b = 2 }, feedback = { { key = "outcome", value = "halted" } } },
  { request_id = "r6", trace_id = "r3", parent_id = "r3", run_type = "retriever", name = "RetrieveDocs", status = 500, execution_order = 3,
    created_at = "2026-11-21T00:00:02.5Z", latency_ms = 500, tags = { "length:short", "content_type:news" },
    properties = { a = 2, b = 1, hidden = true, env = "prod" }, feedback = { { key = "note", comment = "looks odd" } } },
}

local project = core.project_id("", "default")

--- { filter, the runs it finds, what strict mode makes of it when it refuses it }
local published = {
  -- the documentation
  { [[and(in(metadata_key, ["session_id","conversation_id","thread_id"]), eq(metadata_value, "T1"))]], "r1 r2" },
  { [[eq(name, "extractor")]], "r1" },
  { [[and(eq(feedback_key, "star_rating"), gt(feedback_score, 4))]], "r1" },
  { [[gt(latency, "5s")]], "r1 r3" },
  { [[gt(start_time, "2026-11-20T10:00:00Z")]], "r2 r3 r4 r5 r6" },
  { [[search("refund")]], "r1 r3" },
  { [[and(eq(run_type, "chain"), gt(latency, 5), gt(total_tokens, 5000))]], "r1", "total_tokens" },
  { [[and(or(has(tags, "experimental"), has(tags, "beta")), gt(latency, 2))]], "r1 r3" },
  { [[eq(metadata_key, 'user_id')]], "r1 r3" },
  { [[and(eq(metadata_key, 'user_id'), eq(metadata_value, 'u-2'))]], "r3" },
  { [[and(eq(metadata_key, 'conversation_id'), eq(metadata_value, 'C-7'))]], "r3" },
  { [[and(neq(metadata_key, 'conversation_id'))]], "r1 r2 r4 r5 r6" },
  { [[and(neq(metadata_key, 'conversation_id'), neq(metadata_value, 'prod'))]], "r2 r4 r5" },
  { [[and(neq(metadata_key, 'conversation_id'), eq(metadata_value, 'prod'))]], "r1 r6" },
  { [[eq(name, "RetrieveDocs")]], "r3 r6" },
  { [[eq(name, "ExpandQuery")]], "" },
  { [[neq(error, null)]], "r3", "error" },
  { [[and(gt(start_time, "2026-11-20T10:00:00Z"), or(neq(error, null), and(eq(feedback_key, "correctness"), eq(feedback_score, 0.0))))]], "r2 r3", "error" },
  { [[and(eq(is_root, true), and(eq(feedback_key, "star_rating"), eq(feedback_score, 3)))]], "r3" },
  { [[and(eq(run_type, "llm"), eq(name, "ChatOpenAI"), eq(input_key, "messages.content"), like(input_value, "%messages.content%"))]], "r2" },
  -- the vendor's clients
  { [[exists(metadata, "env")]], "r1 r3 r6", "exists" },
  { [[has("metadata", '{"env": "prod"}')]], "r1 r6" },
  { [[eq(thread_id, "t\"1")]], "r4" },
  { [[and(eq(thread_id, "T1"), eq(status, "success"))]], "r1 r2" },
  { [[eq(status, "error")]], "r3 r6" },
  { [[eq(status, "success")]], "r1 r2" },
  { [[eq(name, "my_tool")]], "r5" },
  { [[lt(start_time, "2026-11-21T00:00:00Z")]], "r1 r2" },
  { [[and(eq(metadata_key,'test_run'),eq(metadata_value,'M1'))]], "r2" },
  { [[and(eq(metadata_key, "test_run"), eq(metadata_value, "M1"))]], "r2" },
  { [[in(trace_id, ["r1", "r9"])]], "r1 r2" },
  { [[search(name, "agent")]], "r4" },
  { [[lte(latency, 10)]], "r1 r2 r5 r6" },
  { [[or(has(tags, "beta"), has(tags, "content_type:news"))]], "r1 r6" },
  -- other people's clients
  { [[and(neq(error, null), gt(latency, "5s"))]], "r3", "error" },
  { [[lte(total_tokens, 5000)]], "r2", "total_tokens" },
  { [[gt(latency, "1.5s")]], "r1 r3" },
  { [[and(eq(status, "success"), gte(start_time, "2026-11-20"))]], "r1 r2" },
  { [[and(has(tags, "length:short"), has(tags, "content_type:news"))]], "r6" },
  { [[or(eq(name, "extractor"), eq(name, "my_tool"))]], "r1 r5" },
  { [[and(eq(metadata_key, "flagged"), eq(metadata_value, true))]], "r1" },
  { [[and(eq(metadata_key, "suspicion"), gte(metadata_value, 0.5))]], "r1" },
  { [[and(eq(feedback_key, "outcome"), eq(feedback_value, "halted"))]], "r5" },
  { [[in(name, ["extractor", "ChatOpenAI", "c"])]], "r1 r2" },
  { [[neq(metadata_key, "hidden")]], "r1 r2 r3 r4 r5" },
  { [[not(in(name, ["RetrieveDocs"]))]], "r1 r2 r4 r5", "not" },
  { [[and(eq(is_root, true), neq(status, "pending"))]], "r1 r3" },
  { [[has(metadata, '{"a":1}')]], "r5" },
}

local refused = {
  { [[neq(tags, "beta")]], "neq cannot be asked of tags" },
  { [[has(metadata, "hidden")]], "has(metadata, …) wants a JSON object" },
}

local more = {
  -- pairs: the same entry, two entries, another value of it
  { [[and(eq(metadata_key, "a"), eq(metadata_value, 2))]], "r6" },
  { [[and(and(eq(metadata_key, "a"), eq(metadata_value, 1)), and(eq(metadata_key, "b"), eq(metadata_value, 2)))]], "r5" },
  { [[and(eq(metadata_key, "a"), neq(metadata_value, 1))]], "r6" },
  { [[and(eq(metadata_key, "env"), notlike(metadata_value, "p%"))]], "r3" },
  { [[neq(metadata_value, "prod")]], "r2 r3 r4 r5" },
  { [[and(eq(feedback_key, "correctness"), gt(feedback_score, 4))]], "" },
  { [[and(eq(feedback_key, "correctness"), neq(feedback_score, 0))]], "r1" },
  { [[or(eq(metadata_key, "hidden"), eq(metadata_value, "M1"))]], "r2 r6" },
  { [[and(notlike(metadata_key, "%_id"), gt(metadata_value, 1))]], "r5 r6" },
  { [[and(eq(metadata_key, "a"), not(eq(metadata_value, 2)))]], "" },
  -- metadata is typed
  { [[and(eq(metadata_key, "flagged"), eq(metadata_value, "true"))]], "r3" },
  { [[and(eq(metadata_key, "suspicion"), in(metadata_value, [0.7, "x"]))]], "r1" },
  { [[has(metadata, '{"suspicion": "0.7", "flagged": "true"}')]], "r3" },
  { [[has(metadata, '{"suspicion": 0.70, "flagged": true}')]], "r1" },
  { [[has(metadata, '{}')]], "r1 r2 r3 r4 r5 r6" },
  { [[has(metadata, '{"thread_id": "T1"}')]], "r1 r2" },
  { [[not(exists(metadata, "env"))]], "r2 r4 r5" },
  -- inputs and outputs, flattened
  { [[and(eq(input_key, "messages.role"), eq(input_value, "system"))]], "r1" },
  { [[and(eq(input_key, "messages.role"), like(input_value, "%refund%"))]], "" },
  { [[and(eq(input_key, "options.temperature"), lt(input_value, 1))]], "r2" },
  { [[and(eq(input_key, "options.stream"), eq(input_value, true))]], "r2" },
  { [[and(eq(output_key, "steps"), eq(output_value, 2))]], "r1" },
  { [[neq(input_key, "messages.content")]], "r3 r4 r5 r6" },
  { [[like(output_value, "%refund%")]], "r1" },
  -- words, in any order, in inputs or outputs
  { [[search("way kind")]], "r1" },
  { [[search(outputs, "way kind")]], "" },
  { [[search("Plain WORDS")]], "r3" },
  { [[search("refun")]], "" },
  { [[not(search("refund"))]], "r2 r4 r5 r6" },
  { [[search(tags, "news")]], "r6" },
  -- null
  { [[eq(end_time, null)]], "r4" },
  { [[neq(thread_id, null)]], "r1 r2 r4" },
  { [[eq(tags, null)]], "r2 r4 r5" },
  { [[eq(outputs, null)]], "r3 r4 r5 r6" },
  { [[eq(metadata_key, null)]], "r4" },
  { [[neq(feedback_score, null)]], "r1 r2 r3" },
  { [[eq(feedback_score, null)]], "r4 r5 r6" },
  { [[and(eq(feedback_key, "note"), eq(feedback_score, null))]], "r6" },
  { [[and(eq(feedback_key, "outcome"), neq(feedback_score, null))]], "" },
  { [[eq(parent_run_id, null)]], "r1 r3 r4" },
  -- times
  { [[gte(start_time, "2026-11-22")]], "r4" },
  { [[eq(start_time, "2026-11-21T02:00:02.5+02:00")]], "r6" },
  { [[lte(end_time, "2026-11-20T10:00:02.5")]], "r2" },
  { [[in(start_time, ["2026-11-21", "2026-11-22"])]], "r3 r4" },
  -- the other fields
  { [[in(id, ["r2", "r4"])]], "r2 r4" },
  { [[eq(parent_run_id, "r3")]], "r5 r6" },
  { [[eq(is_root, false)]], "r2 r5 r6" },
  { ([[eq(session_id, "%s")]]):format(project), "r1 r2 r3 r4 r5 r6" },
  { [[neq(model, "gpt-4o")]], "r1 r3 r4 r5 r6" },
  { [[gt(total_cost, 0.001)]], "r1" },
  { [[eq(total_cost, 0.001)]], "r2" },
  { [[gte(prompt_tokens, 10)]], "r2" },
  { [[lt(completion_tokens, 6)]], "r2" },
  { [[gt(execution_order, 2)]], "r6" },
  { [[eq(latency, "400ms")]], "r5" },
  { [[in(latency, ["0.5s", 1.5])]], "r2 r6" },
  { [[in(status, ["pending", "error"])]], "r3 r4 r5 r6" },
  { [[like(name, "%Docs")]], "r3 r6" },
  { [[eq(inputs, "the policy, in plain words: no REFUND")]], "r3" },
}

local db = assert(sq.open ":memory:")
assert(db:add(runs))

local function found(filter)
  local ids = {}
  for row in db:requests():where(filter):each() do ids[#ids + 1] = row.request_id end
  table.sort(ids)
  return table.concat(ids, " ")
end

local function compiled(source, options) return assert(sq.filter("langsmith", source, options)) end

for name, cases in ipairs { published, more } do
  describe("langsmith: " .. (name == 1 and "the published forms" or "its rules"), function()
    for _, case in ipairs(cases) do
      it(case[1], function() assert.equal(case[2], found(compiled(case[1]))) end)
    end
  end)
end

describe("langsmith: written back", function()
  it("every filter is the same", function()
    for _, cases in ipairs { published, more } do
      for _, case in ipairs(cases) do
        local filter = compiled(case[1])
        assert.equal(filter:dump(), compiled(assert(filter:to "langsmith")):dump(), case[1])
      end
    end
  end)

  it("every filter lets the same rows through in `where`", function()
    for _, cases in ipairs { published, more } do
      for _, case in ipairs(cases) do
        local text = assert(compiled(case[1]):to "where")
        assert.equal(case[2], found(assert(sq.filter("where", text))), text)
      end
    end
  end)
end)

describe("langsmith: strict mode", function()
  it("refuses our extensions, by name, and nothing else", function()
    for _, case in ipairs(published) do
      local filter, message, detail = sq.filter("langsmith", case[1], { strict = true })
      if case[3] then
        assert.is_nil(filter, case[1])
        assert(message:find(("'%s' is an extension of ours"):format(case[3]), 1, true), message)
        assert.equal("unknown", detail.code)
        assert.equal(case[3], case[1]:sub(detail.offset + 1, detail.offset + detail.length))
      else
        assert.equal(case[2], found(assert(filter, message)))
      end
    end
  end)

  it("and what the hosted service refuses is refused in both", function()
    for _, case in ipairs(refused) do
      for _, strict in ipairs { false, true } do
        local filter, message = sq.filter("langsmith", case[1], { strict = strict })
        assert.is_nil(filter, case[1])
        assert(message:find(case[2], 1, true), message)
      end
    end
  end)
end)

describe("langsmith: trace_filter and tree_filter", function()
  it("look at the root run, and at any run of the trace", function()
    assert.equal("r1 r2", found(sq.root(compiled [[eq(name, "extractor")]])))
    assert.equal("r3 r4 r5 r6", found(sq.in_trace(compiled [[eq(status, "pending")]])))
    assert.equal("r3 r5 r6", found(sq.in_trace(compiled [[and(eq(metadata_key, "hidden"), eq(metadata_value, true))]])))
  end)
end)

describe("langsmith-projects", function()
  local projects = assert(sq.open ":memory:")
  assert(projects:add {
    { request_id = "p1", name = "nightly evals", created_at = "2026-11-20", responded_at = "2026-11-21", tags = { "eval" }, properties = { git = "abc", runs = 3 },
      extra = { description = "each night", reference_dataset_id = "d-1" },
      scores = { run_count = 12, latency_p50 = 1.5, error_rate = 0.25, total_cost = 0.5, last_run_start_time = 1795168800.5 } },
    { request_id = "p2", name = "chat", created_at = "2026-11-21", properties = { git = "def" }, scores = { run_count = 2, latency_p50 = 0.25, error_rate = 0 } },
  })
  for _, case in ipairs {
    { [[eq(id, "p1")]], "p1" }, { [[like(name, "%evals")]], "p1" }, { [[gte(start_time, "2026-11-21")]], "p2" }, { [[eq(end_time, null)]], "p2" },
    { [[search(description, "night")]], "p1" }, { [[neq(reference_dataset_id, null)]], "p1" }, { [[neq(reference_dataset_id, "d-1")]], "p2" },
    { [[has(tags, "eval")]], "p1" }, { [[has(metadata, '{"git": "def"}')]], "p2" }, { [[and(eq(metadata_key, "runs"), gt(metadata_value, 2))]], "p1" },
    { [[gt(run_count, 2)]], "p1" }, { [[lt(latency_p50, "300ms")]], "p2" }, { [[eq(latency_p50, "1.5s")]], "p1" }, { [[eq(error_rate, 0)]], "p2" },
    { [[gte(total_cost, 0.5)]], "p1" }, { [[eq(last_run_start_time, "2026-11-20T10:00:00.5Z")]], "p1" }, { [[eq(last_run_start_time, null)]], "p2" },
  } do
    it(case[1], function()
      local filter, ids = assert(sq.filter("langsmith-projects", case[1])), {}
      for row in projects:requests():where(filter):order_by("request_id"):each() do ids[#ids + 1] = row.request_id end
      assert.equal(case[2], table.concat(ids, " "))
      assert.equal(filter:dump(), assert(sq.filter("langsmith-projects", assert(filter:to "langsmith-projects"))):dump())
    end)
  end
end)
