--- What bodies, scores and feedback become.
local assert = require "luassert"
local client = require "spec.support.freeplay_http_cases.client"
local core = require "sessionquery.core"

local null, found = client.null, client.found

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

return function(start, busted)
  local describe, it = busted.describe, busted.it

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
