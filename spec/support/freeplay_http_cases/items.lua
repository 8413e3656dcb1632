--- What is found: each member of each kind of item, by filters, in pages.
local assert = require "luassert"
local client = require "spec.support.freeplay_http_cases.client"
local world = require "spec.support.freeplay_world"

local null, json, ask, decode, id_of = client.null, client.json, client.ask, client.decode, client.id_of
local found, ids, leaf, shape = client.found, client.ids, client.leaf, client.shape

return function(start, busted)
  local describe, it, setup, teardown = busted.describe, busted.it, busted.setup, busted.teardown

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
