--- Freeplay's search API as an HTTP client sees it, whoever serves; `start` is as in http_cases.lua.
local assert = require "luassert"
local core = require "sessionquery.core"
local keys = require "sessionquery.keys"
local schema = require "spec.support.schema"
local schemas = require "spec.support.freeplay_schema"
local world = require "spec.support.freeplay_world"

local cases = { prefix = "/llm" }

local describe, it, setup, teardown -- busted's, which gives them to spec files only

local null = core.null

local function json(value) return (assert(core.encode(value))) end


--- POST to a search of a project; `filters` nil: all.
local function ask(server, what, options)
  options = options or {}
  local headers = { ["content-type"] = "application/json" }
  for name, value in pairs(options.headers or {}) do headers[name] = value end
  return server.send {
    method = options.method or "POST", path = ("%s/api/v2/projects/%s/search/%s"):format(cases.prefix, options.project or "default", what),
    query = options.query, headers = headers,
    body = options.body or json { filters = options.filters or {} },
  }
end

local function decode(answer)
  assert.equal("application/json", answer.headers["content-type"], answer.body)
  local value, message = core.decode(answer.body)
  assert(value, message)
  return value
end

local names = { sessions = "Session", traces = "Trace", completions = "Completion" }
local id_of = { sessions = "session_id", traces = "trace_id", completions = "completion_id" }

--- A right answer: of the schema, with children as asked for.
local function found(server, what, options)
  local answer = ask(server, what, options)
  assert.equal(200, answer.status, answer.body)
  local value = decode(answer)
  local with_children = options and options.query and options.query:find "include_children=[tT1]"
  assert.is_nil(schema.check(schemas[names[what] .. (with_children and "SearchResponseWithChildren" or "SearchResponse")], value))
  for _, item in ipairs(value.data) do assert.equal(with_children and true or false, item.children ~= nil) end
  return value
end

local function ids(what, value)
  local text = {}
  for i, item in ipairs(value.data) do text[i] = item[id_of[what]] end
  return table.concat(text, " ")
end

local function refused(server, what, status, options)
  local answer = ask(server, what, options)
  assert.equal(status, answer.status, answer.body)
  local value = decode(answer)
  assert.equal("string", type(value.message))
  local members = 0
  for _ in pairs(value) do members = members + 1 end
  assert.equal(1, members, answer.body)
  return value.message
end

local function leaf(field, op, value) return { field = field, op = op, value = value } end

--- A request by its id, or its completion or trace below an item.
local function id_within(item) return item.completion_id or item.trace_id end

--- "t1(c1 c2(c3))" of children.
local function shape(items)
  local parts = {}
  for i, item in ipairs(items) do
    parts[i] = id_within(item) .. (#item.children > 0 and "(" .. shape(item.children) .. ")" or "")
  end
  return table.concat(parts, " ")
end

-- ------------------------------------------------------------------------------------------------- the cases

local function describe_items(start)
  describe("items", function()
    local server
    setup(function()
      server = start {}
      world.fill(server.db)
    end)
    teardown(function() server.close() end)

    local function first(what, id, query)
      local field = what == "traces" and "trace_id" or what == "sessions" and "session_id" or "completion_id"
      return found(server, what, { filters = leaf(field, "eq", id), query = query }).data[1]
    end

    it("a session", function()
      assert.same({
        session_id = "s1", review_queue_id = "q1", test_run_id = "run-2",
        session_metadata = { start_time = "2024-06-01T00:00:00Z", end_time = "2024-06-01T00:00:05Z" },
        usage = { prompt_tokens = 10, completion_tokens = 5 }, custom_metadata = { tier = "gold plan", n = 5 },
      }, first("sessions", "s1"))
    end)

    it("a session of which nothing is known", function()
      assert.same({
        session_id = "s4", review_queue_id = null, test_run_id = null,
        session_metadata = { start_time = "2024-06-01T00:05:00Z", end_time = "2024-06-01T00:05:00Z" },
        usage = { prompt_tokens = 0, completion_tokens = 0 }, custom_metadata = null,
      }, first("sessions", "s4"))
    end)

    it("a completion", function()
      assert.same({
        completion_id = "c1", session_id = "s1", review_queue_id = "q1",
        evaluation_results = {
          human_labels = {},
          auto_evaluations = {
            Parseable = { name = "Parseable", auto_score = "no", auto_explanation = null, manual_score = null },
            Digits = { name = "Digits", auto_score = "4", auto_explanation = null, manual_score = null },
          },
          client_evaluations = { Quality = 4, ["Response Quality"] = 4, Good = true, Half = 0.5 },
        },
        completion_metadata = {
          environment = "production", start_time = "2024-06-01T00:00:01Z", end_time = "2024-06-01T00:00:01.450Z", model = "gpt-4o",
          provider = "openai", prompt_template = { id = "p-1", name = "weather" }, prompt_template_version_id = null, assignee = "ann",
          prompt_version_name = "3", prompt_version_description = null,
        },
        customer_feedback = { rating = 5 },
        usage = { prompt_tokens = 10, completion_tokens = 5 },
        messages = { { role = "user", content = "and today?" }, { role = "assistant", content = "Error: not found. A free plan" } },
        input_variables = { topic = "the weather in Oslo", ["Os Platform"] = "Linux 6", n = 7, deep = { a = "b" } },
      }, first("completions", "c1"))
    end)

    it("a completion of which nothing is known", function()
      assert.same({
        completion_id = "c5", session_id = "s4", review_queue_id = null,
        evaluation_results = { human_labels = {}, auto_evaluations = {}, client_evaluations = {} },
        completion_metadata = {
          environment = null, start_time = "2024-06-01T00:05:00Z", end_time = null, model = null, provider = null, prompt_template = null,
          prompt_template_version_id = null, assignee = null, prompt_version_name = null, prompt_version_description = null,
        },
        customer_feedback = {}, usage = { prompt_tokens = 0, completion_tokens = 0 }, messages = {}, input_variables = {},
      }, first("completions", "c5"))
    end)

    it("a trace", function()
      assert.same({
        session_id = "s1", trace_id = "t1", review_queue_id = null,
        trace_metadata = { agent_name = "planner", start_time = "2024-06-01T00:00:00Z", end_time = "2024-06-01T00:00:05Z", assignee = null },
        custom_metadata = { customer = "Gold Corp", tier = 2, vip = true }, customer_feedback = { mood = "quite happy" },
        input = { question = "What is the Weather-report for Oslo?", ["k.x y"] = "deep" }, output = { answer = "Umbrella needed", n = 42 },
        evaluation_results = {
          human_labels = { rating = { name = "rating", manual_score = 4 } },
          auto_evaluations = { Verdict = { name = "Verdict", auto_score = "very good", auto_explanation = null, manual_score = null } },
          client_evaluations = { Quality = 5 },
        },
      }, first("traces", "t1"))
    end)

    it("a trace of which nothing is known, and its completion outside of all sessions", function()
      local trace = found(server, "traces", { filters = leaf("agent_name", "eq", "search") }).data[1]
      assert.equal("t3", trace.trace_id)
      for _, name in ipairs { "review_queue_id", "custom_metadata", "input", "output" } do assert.equal(null, trace[name], name) end
      assert.equal("", first("completions", "c6").session_id)
    end)

    it("newest first, all of them", function()
      assert.equal("s5 s4 s3 s2 s1", ids("sessions", found(server, "sessions")))
      assert.equal("t4 t3 t2 t1", ids("traces", found(server, "traces")))
      assert.equal("c7 c6 c5 c4 c3 c2 c1", ids("completions", found(server, "completions")))
      assert.same({ page = 1, page_size = 30, has_next = false }, found(server, "sessions").pagination)
    end)

    it("by filters, as support/freeplay_world.lua finds them", function()
      for _, filter in ipairs {
        leaf("model", "eq", "gpt-4o"), leaf("agent_name", "eq", "writer"), { ["not"] = leaf("cost", "gt", 0) },
        { ["and"] = { leaf("completion_output", "contains", "free"), leaf("latency", "lt", 1) } },
        { ["or"] = { leaf("trace_input.question", "contains", "free"), leaf("session_custom_metadata.tier", "contains", "gold") } },
      } do
        local expected = world.search(filter)
        for what, wanted in pairs(expected) do
          assert.equal(table.concat(wanted, " "), ids(what, found(server, what, { filters = filter })), what .. " " .. json(filter))
        end
      end
    end)

    it("with their children, nested as they were recorded", function()
      local with = "include_children=true"
      local sessions = {}
      for _, item in ipairs(found(server, "sessions", { query = with }).data) do sessions[item.session_id] = shape(item.children) end
      assert.same({ s1 = "t1(c1 c2)", s2 = "t2(t3 c3(c4))", s3 = "t4", s4 = "c5", s5 = "c7" }, sessions)
      assert.equal("t4 t3 t2(t3 c3(c4)) t1(c1 c2)", shape(found(server, "traces", { query = with }).data))
      assert.equal("c7 c6 c5 c4 c3(c4) c2 c1", shape(found(server, "completions", { query = with }).data))
      -- a child is what its own search finds
      local child = first("sessions", "s1", with).children[1].children[1]
      child.children = nil
      assert.same(first("completions", "c1"), child)
      for _, say in ipairs { "True", "TRUE", "1" } do
        assert.equal("t4", shape(found(server, "sessions", { query = "include_children=" .. say, filters = leaf("session_id", "eq", "s3") }).data[1].children))
      end
      for _, say in ipairs { "false", "False", "0" } do found(server, "sessions", { query = "include_children=" .. say }) end
    end)
  end)
end

local function describe_pages(start)
  describe("pages", function()
    local server
    local COUNT = 23
    setup(function()
      server = start {}
      local records = {}
      for i = 1, COUNT do -- three at one time
        records[#records + 1] = { request_id = ("t%02d"):format(i), session_id = ("s%02d"):format(i), run_type = "chain", created_at = 1000 + math.floor(i / 3) }
        records[#records + 1] = { request_id = ("c%02d"):format(i), session_id = ("s%02d"):format(i), created_at = 1000 + math.floor(i / 3), parent_id = ("t%02d"):format(i) }
      end
      assert(server.db:add(records))
    end)
    teardown(function() server.close() end)

    it("have each item once, newest first, ties by id", function()
      for _, what in ipairs { "sessions", "traces", "completions" } do
        local wanted = {}
        for i = 1, COUNT do wanted[i] = { id = ("%s%02d"):format(what:sub(1, 1), i), at = math.floor(i / 3) } end
        table.sort(wanted, function(a, b)
          if a.at ~= b.at then return a.at > b.at end
          return a.id < b.id
        end)
        for _, size in ipairs { 1, 5, 22, 23, 24, 100 } do
          local all, page = {}, 0
          repeat
            page = page + 1
            local value = found(server, what, { query = ("page=%d&page_size=%d"):format(page, size) })
            assert.equal(page, value.pagination.page)
            assert.equal(size, value.pagination.page_size)
            for _, item in ipairs(value.data) do all[#all + 1] = item[id_of[what]] end
          until not value.pagination.has_next
          assert.equal(math.ceil(COUNT / size), page)
          for i, item in ipairs(wanted) do assert.equal(item.id, all[i], what) end
          assert.equal(COUNT, #all)
        end
      end
    end)

    it("past the last are empty", function()
      for _, what in ipairs { "sessions", "traces", "completions" } do
        for _, page in ipairs { 24, 1000000000000 } do
          local answer = ask(server, what, { query = ("page=%d&page_size=1&include_children=true"):format(page) })
          assert.equal(200, answer.status, answer.body)
          assert(answer.body:find('"data":[]', 1, true), answer.body)
          assert.same({ page = page, page_size = 1, has_next = false }, decode(answer).pagination)
        end
      end
    end)
  end)
end

local function describe_refusals(start)
  describe("refusals", function()
    local server
    setup(function()
      server = start {}
      world.fill(server.db)
    end)
    teardown(function() server.close() end)

    it("400: the query string", function()
      for query, message in pairs {
        ["page=0"] = "page is a whole number from 1 on, not '0'", ["page=-1"] = "page is a whole number", ["page=x"] = "page is", ["page="] = "page is",
        ["page=1.5"] = "page is", ["page=99999999999999999999"] = "page is", ["page=1&page=2"] = "page stands twice",
        ["page_size=0"] = "page_size is a whole number from 1 to 100, not '0'", ["page_size=101"] = "not '101'", ["page_size=ten"] = "page_size is",
        ["include_children=maybe"] = "include_children is true or false, not 'maybe'", ["include_children"] = "include_children is",
        ["pagesize=5"] = "unknown parameter 'pagesize', did you mean 'page_size'?", ["q=1"] = "unknown parameter 'q'", ["%"] = "percent sign",
      } do
        for _, what in ipairs { "sessions", "traces", "completions" } do
          local said = refused(server, what, 400, { query = query })
          assert(said:find(message, 1, true), query .. ": " .. said)
        end
      end
    end)

    it("400: the body, with the place in it", function()
      for body, message in pairs {
        [""] = "", ["{}"] = "missing 'filters'", ["[]"] = "missing 'filters'", ["5"] = "missing 'filters'", ["{"] = "", ['{"filters":null}'] = "a filter is an object",
        ['{"filter":{}}'] = "missing 'filters'", ['{"field":"model","op":"eq","value":"x"}'] = "missing 'filters'",
        ['{"filters":{},"page":1}'] = "unknown member 'page' of the body",
        ['{"filters":{"and":[{"field":"modl","op":"eq","value":"x"}]}}'] = "unknown field 'modl', did you mean 'model'? (at /filters/and/0/field)",
        ['{"filters":{"field":"model","op":"ne","value":"x"}}'] = "unknown operator 'ne' (model has eq) (at /filters/op)",
        ['{"filters":{"field":"cost","op":"gt","value":"x"}}'] = "cost wants a number here, not text (at /filters/value)",
      } do
        for _, what in ipairs { "sessions", "traces", "completions" } do
          local said = refused(server, what, 400, { body = body })
          assert(said:find(message, 1, true), body .. ": " .. said)
        end
      end
    end)

    it("404: no such project, no such path; 405: no such method", function()
      assert.equal("there is no project 'nothing'", refused(server, "sessions", 404, { project = "nothing" }))
      refused(server, "sessions", 404, { project = core.project_id("", "nothing") })
      refused(server, "runs", 404)
      for _, method in ipairs { "GET", "PATCH", "DELETE" } do
        local answer = ask(server, "sessions", { method = method })
        assert.equal(405, answer.status)
        assert.equal("POST", answer.headers.allow)
        assert.equal("string", type(decode(answer).message))
      end
    end)

    it("413 and 415: bodies that are too large, or no JSON by their name", function()
      refused(server, "sessions", 413, { body = ('{"filters":{}%s}'):format((" "):rep(2 ^ 20)) })
      refused(server, "sessions", 415, { headers = { ["content-type"] = "text/plain" } })
    end)
  end)
end

local function describe_projects(start)
  describe("projects", function()
    it("are found by name and by UUID, and hold nothing of others", function()
      local server = start {}
      assert(server.db:add {
        { request_id = "a", session_id = "s", created_at = 1, project = "one" },
        { request_id = "b", session_id = "s", created_at = 2, project = "two words/ü" },
      })
      local made = assert(server.db:create_project { name = "empty" })
      for project, wanted in pairs {
        one = "a", [core.project_id("", "one")] = "a", [core.project_id("", "one"):upper()] = "a", ["two%20words%2F%C3%BC"] = "b", empty = "", [made.id] = "",
      } do
        assert.equal(wanted, ids("completions", found(server, "completions", { project = project })), project)
        assert.equal(wanted == "" and "" or "s", ids("sessions", found(server, "sessions", { project = project })), project)
      end
      server.close()
    end)

    it("of one organization are not seen by another's key, nor by that of another project", function()
      local server = start {}
      assert(server.db:add {
        { request_id = "r", session_id = "s", created_at = 1, organization_id = "acme", project = "shop", model = "a" },
        { request_id = "r", session_id = "s", created_at = 2, organization_id = "globex", project = "shop", model = "b" },
        { request_id = "r", session_id = "s", created_at = 3, organization_id = "globex", project = "other", model = "c" },
      })
      local key = {}
      for name, options in pairs { acme = { organization = "acme" }, globex = { organization = "globex" },
        shop = { organization = "globex", project = "shop" }, write = { organization = "acme", rights = { "record" } } } do
        key[name] = { authorization = "Bearer " .. assert(keys.create(server.db, options)) }
      end
      local function model(who, project)
        local value = found(server, "completions", { project = project, headers = key[who], query = "include_children=true" })
        assert.equal(1, #value.data)
        return value.data[1].completion_metadata.model
      end
      assert.equal("a", model("acme", "shop"))
      assert.equal("b", model("globex", "shop"))
      assert.equal("c", model("globex", "other"))
      assert.equal("b", model("shop", "shop"))
      assert.equal("b", model("shop", core.project_id("globex", "shop")))
      refused(server, "completions", 404, { project = core.project_id("globex", "shop"), headers = key.acme })
      refused(server, "completions", 404, { project = "other", headers = key.acme })
      refused(server, "completions", 404, { project = "other", headers = key.shop })
      refused(server, "completions", 403, { project = "shop", headers = key.write })
      refused(server, "completions", 401, { project = "shop" })
      refused(server, "completions", 401, { project = "shop", headers = { authorization = "Bearer wrong" } })
      server.close()
    end)

    it("of one name in two organizations are told by their UUIDs, to who sees both", function()
      local server = start {}
      assert(server.db:add {
        { request_id = "a", created_at = 1, organization_id = "acme", project = "shop" },
        { request_id = "b", created_at = 2, organization_id = "globex", project = "shop" },
      })
      assert.equal("several organizations have a project 'shop'", refused(server, "completions", 400, { project = "shop" }))
      assert.equal("b", ids("completions", found(server, "completions", { project = core.project_id("globex", "shop") })))
      server.close()
    end)
  end)
end

local function describe_children(start)
  describe("children", function()
    it("of circles and of rows that are not there are all there, once", function()
      local server = start {}
      assert(server.db:add {
        { request_id = "a", session_id = "s", created_at = 1, run_type = "chain", parent_id = "c" }, -- a circle of three
        { request_id = "b", session_id = "s", created_at = 2, parent_id = "a" },
        { request_id = "c", session_id = "s", created_at = 3, parent_id = "b" },
        { request_id = "d", session_id = "s", created_at = 4, parent_id = "d" }, -- of one
        { request_id = "e", session_id = "s", created_at = 5, parent_id = "gone", trace_id = "gone" },
        { request_id = "f", session_id = "s", created_at = 6, parent_id = "gone", trace_id = "a" },
        { request_id = "g", session_id = "s", created_at = 7, run_type = "tool", parent_id = "c" }, -- below a circle
        { request_id = "h", session_id = "s", created_at = 8, trace_id = "h" },
      })
      local query = "include_children=true"
      assert.equal("a(b(c(g)) f) d e h", shape(found(server, "sessions", { query = query }).data[1].children))
      assert.equal("h f e d c(g) b(c(g))", shape(found(server, "completions", { query = query }).data))
      assert.equal("g a(b(c(g)) f)", shape(found(server, "traces", { query = query }).data))
      server.close()
    end)

    it("stand as deep as they were recorded", function()
      local server, records = start {}, {}
      for i = 1, 1000 do records[i] = { request_id = "r" .. i, session_id = "s", created_at = i, run_type = "chain", parent_id = i > 1 and "r" .. i - 1 or nil } end
      assert(server.db:add(records))
      local answer = ask(server, "sessions", { query = "include_children=true" })
      assert.equal(200, answer.status)
      local count = select(2, answer.body:gsub('"trace_id"', ""))
      assert.equal(1000, count)
      assert.equal(1001, select(2, answer.body:gsub('"children":%[', "")))
      assert(answer.body:find("]}" .. ("]}"):rep(1000) .. '],"pagination"', 1, true))
      server.close()
    end)

    it("of requests without a session stand with those of their trace", function()
      local server = start {}
      assert(server.db:add {
        { request_id = "t", created_at = 1, run_type = "chain", trace_id = "t" },
        { request_id = "c", created_at = 2, parent_id = "t", trace_id = "t" },
        { request_id = "x", created_at = 3 },
      })
      assert.equal("t(c)", shape(found(server, "traces", { query = "include_children=true" }).data))
      assert.equal("x c", shape(found(server, "completions", { query = "include_children=true" }).data))
      server.close()
    end)
  end)
end

--- A request's body, its answer's, the messages ("role:content" with commas between) and input variables of them.
local documents = {
  { nil, nil, "", {} },
  { "plain text", "an answer", "user:plain text,assistant:an answer", {} },
  { '"a JSON text"', '"yes"', "user:a JSON text,assistant:yes", {} },
  { "5", "[1,2]", "user:5,assistant:[1,2]", {} },
  { "not { json", '{"odd":1}', 'user:not { json,assistant:{"odd":1}', {} },
  -- OpenAI
  { '{"model":"m","messages":[{"role":"developer","content":"be good"},{"role":"user","content":"hi"}],"temperature":0.5,"stop":null}',
    '{"choices":[{"message":{"role":"assistant","content":"hello"}},{"message":{"content":"second"}}]}',
    "system:be good,user:hi,assistant:hello", { model = "m", temperature = 0.5 } },
  { '{"messages":[{"role":"tool","content":"42","tool_call_id":"x"}]}', '{"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[{"id":"x"}]}}]}',
    "user:42,assistant:", {} },
  { '{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"image_url":"u"},"b"]}]}', '{"choices":[{"text":"legacy"}]}',
    'user:a\n{"image_url":"u"}\nb,assistant:legacy', {} },
  { '{"model":"m","instructions":"sys","input":"hi"}', '{"output":[{"type":"message","content":[{"type":"output_text","text":"hello"}]}]}',
    "system:sys,user:hi,assistant:hello", { model = "m" } },
  { '{"prompt":"once upon"}', '{"completion":"a time"}', "user:once upon,assistant:a time", {} },
  -- Anthropic
  { '{"system":[{"type":"text","text":"sys"}],"messages":[{"role":"user","content":"hi"}],"max_tokens":5}',
    '{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}', "system:sys,user:hi,assistant:a\nb", { max_tokens = 5 } },
  -- Gemini
  { '{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"text":"ho"}]}]}', '{"candidates":[{"content":{"role":"model","parts":[{"text":"yo"}]}}]}',
    "user:hi,assistant:ho,assistant:yo", {} },
  -- messages beside inputs, and lists of messages
  { '{"messages":[],"inputs":{"a":1,"b":null,"c":[1,null,{"d":null}],"e":true}}', nil, "", { a = 1, c = { 1, {} }, e = true } },
  { '[{"role":"user","content":"hi"},{"role":"ai","content":"ho"}]', '{"messages":[{"role":"user","content":"x"},{"role":"ai","content":"last"}]}',
    "user:hi,assistant:ho,assistant:last", {} },
  { '{"messages":[[{"role":"human","content":"nested"}]]}', '{"message":{"content":"m"}}', "user:nested,assistant:m", {} },
  { '{"messages":[5,null,{"role":7,"content":{"a":1}},"t"]}', '{"choices":[]}', 'user:5,user:,user:{"a":1},user:t,assistant:{"choices":[]}', {} },
  -- no messages: inputs of a run, and an odd system
  { '{"question":"q","input":"i","messages":"none","prompt":{"a":[]}}', '{"output":"o"}', "assistant:o",
    { question = "q", input = "i", messages = "none", prompt = { a = {} } } },
  { '{"system":null,"messages":null,"choices":{}}', '{"content":null,"output":null}', 'assistant:{"content":null,"output":null}', { choices = {} } },
  { "[]", "[]", "assistant:[]", {} },
  { "", "", "user:,assistant:", {} },
}

local function describe_documents(start)
  describe("bodies", function()
    it("of any shape make messages and inputs of the schema", function()
      local server, records = start {}, {}
      for i, case in ipairs(documents) do
        records[i] = { request_id = ("r%02d"):format(i), session_id = "s", created_at = i, request_body = case[1], response_body = case[2] }
        records[#documents + i] = { request_id = ("t%02d"):format(i), session_id = "s", created_at = i, run_type = "chain", request_body = case[1], response_body = case[2] }
      end
      for i = 1, #documents do assert(server.db:add { records[i], records[#documents + i] }) end
      for _, item in ipairs(found(server, "completions", { query = "page_size=100" }).data) do
        local case = documents[tonumber(item.completion_id:sub(2))]
        local text = {}
        for i, message in ipairs(item.messages) do text[i] = message.role .. ":" .. message.content end
        assert.equal(case[3], table.concat(text, ","), case[1])
        assert.same(case[4], item.input_variables, case[1])
      end
      for _, item in ipairs(found(server, "traces", { query = "page_size=100" }).data) do
        local case = documents[tonumber(item.trace_id:sub(2))]
        local function value(text)
          if text == nil then return null end
          local decoded = core.decode(text)
          if decoded == nil then return text end
          return decoded
        end
        assert.same(value(case[1]), item.input)
        assert.same(value(case[2]), item.output)
      end
      server.close()
    end)

    it("keep the calls of tools beside the content", function()
      local server = start {}
      assert(server.db:add { request_id = "r", session_id = "s", created_at = 1, request_body = '{"messages":[{"role":"tool","content":"42","tool_call_id":"x","name":"n"}]}',
        response_body = '{"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[{"id":"y"}]}}]}' })
      local messages = found(server, "completions").data[1].messages
      assert.same({ role = "user", content = "42", tool_call_id = "x", name = "n" }, messages[1])
      assert.same({ role = "assistant", content = "", tool_calls = { { id = "y" } } }, messages[2])
      server.close()
    end)

    it("as deep as JSON may be do not end an answer", function()
      local server = start {}
      local deep = ("["):rep(127) .. ("]"):rep(127)
      assert(server.db:add {
        { request_id = "c", session_id = "s", created_at = 1, request_body = ('{"a":%s}'):format(deep), response_body = deep },
        { request_id = "t", session_id = "s", created_at = 1, run_type = "chain", request_body = deep, response_body = deep },
      })
      assert.equal(('{"a":%s}'):format(deep), found(server, "completions").data[1].input_variables.document)
      assert.equal(deep, found(server, "traces").data[1].input)
      server.close()
    end)
  end)
end

local function describe_feedback(start)
  describe("feedback and scores", function()
    it("are told apart by who gave them", function()
      local server = start {}
      assert(server.db:add { request_id = "r", session_id = "s", created_at = 1, prompt_version = "3c90c3cc-0d44-4b50-8888-8dd25736052a",
        scores = { number = 0.25, truth = false, word = "fine", seen = 1 }, properties = { a = { b = 1 } } })
      for _, said in ipairs {
        { key = "note", comment = "left out", source = "ann" },
        { key = "label", score = 3, source = "human", created_at = 10 }, { key = "label", score = 4.5, source = "Human", created_at = 11 },
        { key = "label", score = 1, source = "human", created_at = 9 },
        { key = "graded", score = true, source = "human" }, { key = "worded", value = "meh", source = "human" }, { key = "bare", source = "human" },
        { key = "label", score = 2, source = "model", comment = "because" }, { key = "check", value = "ok", source = "auto" }, { key = "half", score = 0.5, source = "evaluator" },
        { key = "seen", score = 2, source = "app" }, { key = "stars", score = 5 }, { key = "said", comment = "so nice", source = "api" },
        { key = "valued", value = { a = 1 } }, { key = "thumb" }, { key = "truthful", score = false },
      } do
        said.request_id = "r"
        assert(server.db:feedback(said))
      end
      local item = found(server, "completions").data[1]
      assert.same({ seen = 2, stars = 5, said = "so nice", valued = '{"a":1}', thumb = true, truthful = false }, item.customer_feedback)
      assert.same({
        human_labels = {
          label = { name = "label", manual_score = "4.5" }, graded = { name = "graded", manual_score = "true" },
          worded = { name = "worded", manual_score = "meh" }, bare = { name = "bare", manual_score = null },
        },
        auto_evaluations = {
          label = { name = "label", auto_score = 2, auto_explanation = "because", manual_score = "4.5" },
          check = { name = "check", auto_score = "ok", auto_explanation = null, manual_score = null },
          half = { name = "half", auto_score = "0.5", auto_explanation = null, manual_score = null },
          word = { name = "word", auto_score = "fine", auto_explanation = null, manual_score = null },
        },
        client_evaluations = { number = 0.25, truth = false },
      }, item.evaluation_results)
      assert.equal("3c90c3cc-0d44-4b50-8888-8dd25736052a", item.completion_metadata.prompt_template_version_id)
      assert.equal(null, item.completion_metadata.prompt_version_name)
      server.close()
    end)
  end)
end

--- The cases, with what busted gives to a spec file: { describe =, it =, setup =, teardown = }.
function cases.describe(start, busted)
  describe, it, setup, teardown = busted.describe, busted.it, busted.setup, busted.teardown
  for _, part in ipairs { describe_items, describe_pages, describe_refusals, describe_projects, describe_children, describe_documents, describe_feedback } do
    part(start)
  end
end


return cases
