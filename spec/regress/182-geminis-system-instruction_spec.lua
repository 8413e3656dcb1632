--- Gemini's system instruction was an input variable of Freeplay's completions, and no message.
local messages = require "sessionquery.http.freeplay.messages"

local TOLD = '{"parts":[{"text":"be brief"},{"text":"be kind"}]}'

for _, name in ipairs { "systemInstruction", "system_instruction" } do
  it("stands before the messages: " .. name, function()
    local request = ('{"%s":%s,"contents":[{"role":"user","parts":[{"text":"hello"}]}],"topic":"x"}'):format(name, TOLD)
    local told, inputs = messages.of(request, '{"candidates":[{"content":{"role":"model","parts":[{"text":"hi"}]}}]}')
    assert.same({
      { role = "system", content = "be brief\nbe kind" }, { role = "user", content = "hello" }, { role = "assistant", content = "hi" },
    }, told)
    assert.same({ topic = "x" }, inputs)
  end)
end

it("the other system prompts stand as before", function()
  local function system(text) return messages.of(text)[1] end
  assert.same({ role = "system", content = "a" }, system '{"system":"a","messages":[]}')
  assert.same({ role = "system", content = "a\nb" }, system '{"system":[{"type":"text","text":"a"},{"text":"b"}],"messages":[]}')
  assert.same({ role = "system", content = "a" }, system '{"instructions":"a","input":"x","model":"m"}')
  assert.same({ role = "system", content = '{"of":"its own"}' }, system '{"system":{"of":"its own"},"messages":[]}')
end)
