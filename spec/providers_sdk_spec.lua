--- The providers' own clients (npm `openai`, `@anthropic-ai/sdk`, `@google/generative-ai`, unmodified) through
--- examples/nginx.conf: they read answers as they do without the gateway, and what it records is what they were told.
--- nginx runs LuaJIT whatever runs this file, so once, beside luajit, is enough.
local vm = require "spec.support.vm"
if vm.name ~= "luajit" then return end

local core = require "sessionquery.core"
local gateway = require "spec.support.gateway"
local nginx = require "spec.support.nginx"
local sq = require "sessionquery"

--- Where `make sdk` installs what package-lock.json names.
local CLIENT = "build/sdk/providers"
local SAID = "A session is many calls that belong together."

--- What the recorder is to have: of a usage as each provider tells it.
local prompt_of = {
  openai = function(usage) return usage.prompt_tokens or usage.input_tokens end,
  anthropic = function(usage) return usage.input_tokens + usage.cache_read_input_tokens end,
  gemini = function(usage) return usage.promptTokenCount end,
}
local completion_of = {
  openai = function(usage) return usage.completion_tokens or usage.output_tokens end,
  anthropic = function(usage) return usage.output_tokens end,
  gemini = function(usage) return usage.candidatesTokenCount end,
}

local streamed = {
  ["openai chat streamed"] = true, ["openai chat streamed with usage"] = true, ["openai responses streamed"] = true,
  ["openai chat left"] = true, ["anthropic messages streamed"] = true, ["gemini streamed"] = true,
}

describe("the providers' clients", function()
  local server
  local seen, records = {}, {} -- by the case

  setup(function()
    assert(io.open(CLIENT .. "/node_modules/openai/package.json"), "the clients are not there: make sdk"):close()
    server = nginx.start()
    local output, status = vm.shell(("cp spec/sdk/providers/client.mjs %s/ && cd %s && env -u LD_PRELOAD ENDPOINT=http://127.0.0.1:%d node %s client.mjs 2>&1")
      :format(CLIENT, CLIENT, server.port, "--no-deprecation --no-warnings --experimental-global-webcrypto"))
    assert(status == 0, output .. server:log())
    for line in output:gmatch "[^\n]+" do
      local said = assert(core.decode(line), line)
      seen[said.case] = said
    end
    for _, row in ipairs(gateway.stored(server, sq.field.session_id:eq "sdk", 12)) do records[row.properties.case] = row end
  end)
  teardown(function()
    server:stop()
    gateway.assert_clean(server)
  end)

  local function both(name) return assert(seen[name], name), assert(records[name], name) end

  for _, name in ipairs {
    "openai chat", "openai chat streamed with usage", "openai responses", "openai responses streamed", "anthropic messages",
    "anthropic messages streamed", "gemini", "gemini streamed",
  } do
    it("read " .. name .. ", and are recorded with the usage that they were told", function()
      local told, record = both(name)
      local provider = name:match "^%a+"
      assert.are.equal(SAID, told.text)
      assert.are.same({ prompt_of[provider](told.usage), completion_of[provider](told.usage) }, { record.prompt_tokens, record.completion_tokens })
      assert.are.same({ 200, 8, streamed[name] or false }, { record.status, record.completion_tokens, record.streamed })
      assert.truthy(record.cost_usd > 0)
    end)
  end

  it("see no usage in a stream that they did not ask for it, and it is recorded", function()
    local told, record = both "openai chat streamed"
    local asked = both "openai chat streamed with usage"
    assert.are.equal(SAID, told.text)
    assert.are.equal(core.null, told.usage)
    assert.are.equal(asked.chunks - 1, told.chunks)
    assert.are.equal(8, record.completion_tokens)
    assert.truthy(record.prompt_tokens > 0 and record.cost_usd > 0)
  end)

  it("read embeddings", function()
    local told, record = both "openai embeddings"
    assert.are.same({ 3, "embedding" }, { told.numbers, record.run_type })
    assert.are.equal(told.usage.prompt_tokens, record.prompt_tokens)
  end)

  it("raise the error of a call that failed, which is recorded", function()
    local told, record = both "openai error"
    assert.are.same({ "RateLimitError", 429 }, { told.error, told.status })
    assert.are.same({ 429, "error" }, { record.status, record.error and "error" })
  end)

  it("may leave, and are recorded with what they saw", function()
    local told, record = both "openai chat left"
    assert.are.equal(3, told.chunks)
    assert.are.equal(-3, record.status)
  end)
end)
