--- Prices: which one a record has, what comes of it to the nano-dollar, and where it is filled in.
local prices = require "sessionquery.prices"
local sq = require "sessionquery"
local vm = require "spec.support.vm"
local f = sq.field

-- As LiteLLM's file has them: names, numbers, and what is not for us.
local litellm = [[{
  "sample_spec": { "input_cost_per_token": 0.0, "max_tokens": "LEGACY parameter", "mode": "one of: chat, embedding" },
  "gpt-4o": { "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-06,
    "litellm_provider": "openai", "mode": "chat", "max_tokens": 16384, "supported_regions": ["global"] },
  "azure/gpt-4o": { "input_cost_per_token": 2.75e-06, "output_cost_per_token": 1.1e-05, "litellm_provider": "azure" },
  "gpt-4o-mini": { "input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07, "cache_read_input_token_cost": 7.5e-08 },
  "gpt-4": { "input_cost_per_token": 3e-05, "output_cost_per_token": 6e-05 },
  "claude-sonnet-4-20250514": { "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05, "cache_read_input_token_cost": 3e-07,
    "cache_creation_input_token_cost": 3.75e-06, "input_cost_per_token_above_200k_tokens": 6e-06,
    "output_cost_per_token_above_200k_tokens": 2.25e-05, "cache_read_input_token_cost_above_200k_tokens": 6e-07 },
  "anthropic/claude-3-haiku": { "input_cost_per_token": 2.5e-07, "output_cost_per_token": 1.25e-06 },
  "claude-3-haiku": { "input_cost_per_token": 2.5e-07, "output_cost_per_token": 1.25e-06 },
  "deepseek/deepseek-chat": { "input_cost_per_token": 2.8e-07, "output_cost_per_token": 4.2e-07, "cache_read_input_token_cost": 2.8e-08 },
  "text-embedding-3-small": { "input_cost_per_token": 2e-08, "output_cost_per_token": 0.0, "mode": "embedding" },
  "text-embedding-4": { "input_cost_per_token": 2e-08, "output_cost_per_token": null },
  "amazon.nova-2-pro": { "input_cost_per_token": 2.1875e-06, "cache_read_input_token_cost": 5.46875e-07, "output_cost_per_token": 1.75e-05 },
  "dall-e-3": { "input_cost_per_pixel": 1.9e-08, "output_cost_per_pixel": 0.0, "mode": "image_generation" }
}]]

local function usage(model, prompt, completion, read, write, more)
  local record = { model = model, prompt_tokens = prompt, completion_tokens = completion, prompt_cache_read_tokens = read,
    prompt_cache_write_tokens = write, created_at = 1e9 }
  for name, value in pairs(more or {}) do record[name] = value end
  return record
end

describe("a price", function()
  local path = vm.path "prices.json"
  local p

  setup(function()
    vm.write(path, litellm)
    p = assert(prices.load(path))
  end)

  it("makes a cost, to the nano-dollar", function()
    for _, case in ipairs {
      { usage("gpt-4o", 1000, 500), 0.0075 }, { usage("gpt-4o", 1, 0), 0.0000025 }, { usage("gpt-4o", 0, 0), 0 },
      -- the tokens of the cache are part of the prompt's
      { usage("gpt-4o", 1000, 0, 600), 0.001 + 0.00075 }, { usage("gpt-4o", 1000, 0, 1000), 0.00125 },
      { usage("claude-sonnet-4-20250514", 1000, 100, 300, 200), (500 * 3000 + 300 * 300 + 200 * 3750 + 100 * 15000) / 1e9 },
      -- parts that are more than the whole were not counted in it
      { usage("claude-sonnet-4-20250514", 10, 0, 1000, 0), (10 * 3000 + 1000 * 300) / 1e9 },
      { usage("claude-sonnet-4-20250514", 10, 0, 6, 5), (10 * 3000 + 6 * 300 + 5 * 3750) / 1e9 },
      -- without a rate of its own, the cache costs what the prompt does
      { usage("gpt-4", 100, 0, 50, 10), 0.003 }, { usage("gpt-4o", 100, 0, 0, 100), 0.00025 },
      -- what is known of the usage
      { usage("gpt-4o", 1000), 0.0025 }, { usage("gpt-4o", nil, 1000), 0.01 }, { usage("text-embedding-3-small", 1000000), 0.02 },
      -- half a nano-dollar up
      { usage("gpt-4o-mini", 1, 0, 1), 0.000000075 }, { usage("amazon.nova-2-pro", 1), 0.000002188 },
      { usage("amazon.nova-2-pro", 2), 0.000004375 }, { usage("amazon.nova-2-pro", 1, 0, 1), 0.000000547 },
      -- many tokens: whole up to the prompt's limit, then the other rate for all of them
      { usage("claude-sonnet-4-20250514", 200000, 1000), 0.6 + 0.015 },
      { usage("claude-sonnet-4-20250514", 200001, 1000), (200001 * 6000 + 1000 * 22500) / 1e9 },
      { usage("claude-sonnet-4-20250514", 300000, 0, 100000, 100000), (100000 * 6000 + 100000 * 600 + 100000 * 3750) / 1e9 },
      -- texts as they are recorded, other kinds of calls
      { usage("gpt-4o", "1000"), 0.0025 }, { usage("gpt-4o", 1000, sq.null, sq.null, sq.null), 0.0025 },
      { usage("text-embedding-3-small", 50, nil, nil, nil, { run_type = "embedding" }), 0.000001 },
      { usage("gpt-4o", 1000, 0, 0, 0, { run_type = sq.null, provider = sq.null }), 0.0025 },
      -- answered from the gateway's cache: nobody was asked
      { usage("gpt-4o", 1000, 500, 0, 0, { cache_reference_id = "r1" }), 0 },
      { usage("gpt-4o", 1000, 500, 0, 0, { cache_reference_id = "00000000-0000-0000-0000-000000000000" }), 0.0075 },
    } do
      local record = case[1]
      local cost = p:fill(record)
      assert.equal(("%.12f"):format(case[2]), ("%.12f"):format(cost or -1), record.model)
      assert.equal(cost, record.cost_usd)
      assert.equal("computed", record.cost_source)
      assert.equal(0, (cost * 1e9 + 0.25) % 1 - 0.25 > 1e-6 and 1 or 0) -- whole nano-dollars
    end
    assert.same({}, p.unknown)
  end)

  it("is that of the model's name, else of its longest prefix, with the provider or without it", function()
    local rates = { ["gpt-4o"] = 2500, ["azure/gpt-4o"] = 2750, ["gpt-4o-mini"] = 150, ["gpt-4"] = 30000, sonnet = 3000, haiku = 250, deepseek = 280 }
    for _, case in ipairs {
      { "gpt-4o", nil, "gpt-4o" }, { "gpt-4o", "openai", "gpt-4o" }, { "gpt-4o", "azure", "azure/gpt-4o" }, { "gpt-4o", "Azure", "azure/gpt-4o" },
      { "azure/gpt-4o", nil, "azure/gpt-4o" }, { "openai/gpt-4o", nil, "gpt-4o" }, { "openrouter/openai/gpt-4o", nil, "gpt-4o" },
      { "gpt-4o-2024-11-20", nil, "gpt-4o" }, { "gpt-4o-2024-11-20", "azure", "azure/gpt-4o" }, { "openai/gpt-4o-2024-11-20", "openrouter", "gpt-4o" },
      { "gpt-4o-mini-2024-07-18", nil, "gpt-4o-mini" }, { "gpt-4o:beta", nil, "gpt-4o" }, { "gpt-4-0613", nil, "gpt-4" }, { "gpt-4@2024", nil, "gpt-4" },
      { "claude-sonnet-4-20250514", "anthropic", "sonnet" }, { "anthropic/claude-sonnet-4-20250514", nil, "sonnet" },
      { "claude-3-haiku-20240307", "anthropic", "haiku" }, { "deepseek-chat", "deepseek", "deepseek" }, { "deepseek/deepseek-chat", nil, "deepseek" },
      -- a prefix ends where a part of the name does
      { "gpt-4.1" }, { "gpt-4omni" }, { "gpt-5" }, { "gpt" }, { "deepseek-chat" }, { "" }, { "/" }, { "-" }, { "openai/" }, { "GPT-4o" }, { "constructor" },
    } do
      local nano, why = p:nano_usd(usage(case[1], 1, nil, nil, nil, { provider = case[2] }))
      assert.equal(case[3] and rates[case[3]], nano, case[1])
      assert.equal(not case[3] and "model" or nil, why)
    end
    local open = prices.load { ["claude-"] = { input_per_million = 1 }, ["claude-opus"] = { input_per_million = 2 } }
    assert.equal(1000, open:nano_usd(usage("claude-haiku-9", 1)))
    assert.equal(2000, open:nano_usd(usage("claude-opus-9", 1)))
    assert.is_nil(open:nano_usd(usage("claudette", 1)))
  end)

  it("is the one that was valid at the record's time", function()
    local dated = prices.load {
      m = { { input_per_million = 3, from = "2026-01-01" }, { input_per_million = 1 }, { input_per_million = 2, from = 1735689600 } },
      late = { input_per_million = 1, from = "2026-01-01T12:00:00+01:00" },
    }
    for _, case in ipairs {
      { "m", "2024-12-31T23:59:59.999999Z", 1000 }, { "m", "2025-01-01", 2000 }, { "m", 1735689600, 2000 }, { "m", 1735689599.5, 1000 },
      { "m", "2026-01-01T00:59:00+01:00", 2000 }, { "m", "2026-01-01T01:00:00+01:00", 3000 }, { "m", 0, 1000 }, { "m", nil, 3000 },
      { "late", "2026-01-01T10:59:59Z" }, { "late", "2026-01-01T11:00:00Z", 1000 }, { "late", "no time" }, { "late", true },
    } do assert.equal(case[3], (dated:nano_usd({ model = case[1], created_at = case[2], prompt_tokens = 1 })), tostring(case[2])) end
  end)

  it("is missing: the cost stays absent, and the model is counted", function()
    local q = prices.load(path)
    for _, case in ipairs {
      { usage("mystery", 10, 5), "model" }, { usage("mystery", 10, 5), "model" }, { usage("dall-e-3", 10), "model" }, { usage(nil, 10), "model" },
      { usage("text-embedding-4", 10, 1), "model" }, { usage("gpt-4o"), "usage" }, { usage("gpt-4o", -5), "usage" }, { usage("gpt-4o", "many"), "usage" },
      { usage("gpt-4o", 2 ^ 53), "usage" }, { usage("gpt-4o", 10, 5, 0, 0, { run_type = "chain" }), "kind" },
      { usage("mystery", 10, 5, 0, 0, { run_type = "tool" }), "kind" }, { usage(5, 1), "model" }, { usage("gpt-4o", true), "usage" },
    } do
      local record = case[1]
      assert.equal(case[2], select(2, q:nano_usd(record)))
      assert.is_nil(q:fill(record))
      assert.is_nil(record.cost_usd)
      assert.is_nil(record.cost_source)
    end
    assert.same({ mystery = 2, ["dall-e-3"] = 1, ["text-embedding-4"] = 1, [""] = 2 }, q.unknown)
    for i = 1, 3000 do q:fill(usage("made-up" .. i, 1)) end
    local count, sum = 0, 0
    for _, n in pairs(q.unknown) do count, sum = count + 1, sum + n end
    assert(count <= 1001, count) -- names come from outside
    assert.equal(3006, sum)
  end)

  it("leaves costs that are there", function()
    for _, cost in ipairs { 0, 0.5 } do
      local record = usage("gpt-4o", 1000)
      record.cost_usd, record.cost_source = cost, "recorded"
      assert.is_nil(p:fill(record))
      assert.same({ cost, "recorded" }, { record.cost_usd, record.cost_source })
    end
    local record = usage("gpt-4o", 1000)
    record.cost_usd = sq.null
    assert.equal(0.0025, p:fill(record))
    assert.is_nil(p:fill(record))
  end)

  it("is told in dollars for a million, or for one", function()
    for _, price in ipairs {
      { input_per_million = 2.5, output_per_million = 10, cache_read_per_million = 1.25, cache_write_per_million = 5 },
      { input_cost_per_token = 2.5e-6, output_cost_per_token = 1e-5, cache_read_input_token_cost = 1.25e-6, cache_creation_input_token_cost = 5e-6 },
      { input_per_million = 2.5, output_cost_per_token = 1e-5, cache_read_per_million = 1.25, cache_creation_input_token_cost = 5e-6 },
    } do assert.equal(100 * 2500 + 200 * 1250 + 300 * 5000 + 50 * 10000, prices.load({ m = price }):nano_usd(usage("m", 600, 50, 200, 300))) end
    local tiers = prices.load { m = { input_per_million = 1, output_per_million = 2, above = { [100] = { input_per_million = 3 }, [1000] = { output_per_million = 7 } } } }
    for _, case in ipairs { { 100, 100 * 1000 + 2000 }, { 101, 101 * 3000 + 2000 }, { 1001, 1001 * 3000 + 7000 } } do
      assert.equal(case[2], tiers:nano_usd(usage("m", case[1], 1)))
    end
    assert.equal(p, prices.load(p))
  end)

  it("is refused when it is none", function()
    for _, case in ipairs {
      { { m = { input = 1 } }, "prices: m: unknown 'input'" }, { { m = { input_per_milion = 1 } }, "did you mean 'input_per_million'?" },
      { { m = { input_per_million = -1 } }, "prices: m: input_per_million is an amount of US dollars from 0, not -1" },
      { { m = { input_per_million = 0 / 0 } }, "is an amount of US dollars" }, { { m = { input_per_million = 1 / 0 } }, "is an amount of US dollars" },
      { { m = { input_per_million = "1" } }, "is an amount of US dollars" }, { { m = 5 }, "prices: m: a price is a table, not 5" }, { { m = {} }, "a price has input_per_million" },
      { { m = { input_per_million = 1, from = "soon" } }, "from is a time, not 'soon'" }, { { m = { input_per_million = 1, from = {} } }, "from is a time" },
      { { m = { input_per_million = 1, input_cost_per_token = 1 } }, "input stands there twice" }, { { { input_per_million = 1 } }, "a model's name is text" },
      { { m = { { input_per_million = 1 }, { input_per_million = 2 } } }, "two prices are valid from the same time on" },
      { { m = { { input_per_million = 1 }, 5 } }, "a price is a table, not 5" }, { { m = { input_per_million = 1, above = 5 } }, "above is a table" },
      { { m = { input_per_million = 1, above = { x = {} } } }, "above is a table" },
      { { m = { input_per_million = 1, above = { [5] = { inptu_per_million = 1 } } } }, "above 5: unknown 'inptu_per_million', did you mean 'input_per_million'?" },
    } do
      local good, message = pcall(function() prices.load(case[1]) end)
      assert.is_false(good)
      assert(message:find("spec/prices_spec.lua:", 1, true) and message:find(case[2], 1, true), message)
      good, message = pcall(function() sq.open(":memory:", { prices = case[1] }) end)
      assert.is_false(good)
      assert(message:find("spec/prices_spec.lua:", 1, true) and message:find("open: prices: ", 1, true), message)
    end
    assert.has_error(function() prices.load(5) end)
    assert.has_error(function() prices.load() end)
  end)

  it("comes of a file: JSON, gzip, Lua", function()
    local json, lua = vm.path "prices.json", vm.path "prices.lua"
    vm.write(lua, "return { m = { input_per_million = 4 } }")
    assert.equal(4000, assert(prices.load(lua)):nano_usd(usage("m", 1)))
    vm.write(json, '{"m":[{"input_per_million":1},{"input_per_million":2,"from":"2001-01-01","above":{"10":{"input_per_million":3}}}]}')
    local q = assert(prices.load(json))
    assert.equal(1000, q:nano_usd { model = "m", prompt_tokens = 1, created_at = 0 })
    assert.equal(33000, q:nano_usd { model = "m", prompt_tokens = 11, created_at = "2001-01-01" })
    vm.write(json, '{"m":{"input_cost_per_token":1e-6},"m":{"input_cost_per_token":2e-6}}') -- as it happens there: the last one
    assert.equal(2000, assert(prices.load(json)):nano_usd(usage("m", 1)))
    vm.shell("gzip -kf " .. path)
    assert.equal(2500, assert(prices.load(path .. ".gz")):nano_usd(usage("gpt-4o", 1)))
    os.remove(path .. ".gz")
    for _, case in ipairs {
      { "{", nil, "syntax" }, { "[]", nil, "type" }, { "5", nil, "type" }, { '{"m":5}', "m: a price is a table", "value" },
      { '{"m":{"input_cost_per_token":-1}}', "m: input_cost_per_token is an amount", "value" }, { '{"m":{"input_cost_per_token":"1"}}', "is an amount", "value" },
      { "return 5", "returns no table", "type", lua }, { "error 'x'", "x", "value", lua }, { "return {", nil, "syntax", lua },
      { "return { m = { inptu_per_million = 1 } }", "did you mean", "value", lua },
    } do
      local file = vm.write(case[4] or json, case[1])
      local made, message, detail = prices.load(file)
      assert.is_nil(made)
      assert.equal(case[3], detail.code, message)
      assert(message:find(file, 1, true) and message:find(case[2] or "", 1, true), message)
      local db, why, more = sq.open(":memory:", { prices = file })
      assert.same({ nil, message, case[3] }, { db, why, more.code })
    end
    assert.is_nil((prices.load "build/spec/none.json"))
    os.remove(json)
    os.remove(lua)
  end)
end)

-- --------------------------------------------------------------------------------------------- in a store

local table_of_prices = { m = { input_per_million = 10, output_per_million = 20, cache_read_per_million = 1 } }

local function costs(db)
  local list = {}
  for row in db:requests():order_by("created_at"):each() do list[#list + 1] = row.request_id .. " " .. tostring(row.cost_usd) .. " " .. tostring(row.cost_source) end
  return list
end

describe("a store with prices", function()
  local db

  before_each(function() db = assert(sq.open(":memory:", { prices = table_of_prices })) end)
  after_each(function() db:close() end)

  it("fills in what is added, and leaves the caller's records as they are", function()
    local record = { request_id = "a", created_at = 1, model = "m", prompt_tokens = 100 }
    assert(db:add(record))
    assert.is_nil(record.cost_usd)
    assert(db:add {
      { request_id = "b", created_at = 2, model = "m-1", prompt_tokens = 100, completion_tokens = 10 },
      { request_id = "c", created_at = 3, model = "m", prompt_tokens = 100, cost_usd = 7 },
      { request_id = "d", created_at = 4, model = "x", prompt_tokens = 100 },
      { request_id = "e", created_at = 5, model = "m" },
    })
    assert.same({ "a 0.001 computed", "b 0.0012 computed", "c " .. 7.0 .. " recorded", "d nil nil", "e nil nil" }, costs(db))
    assert.is_nil((db:add { { request_id = "f", created_at = 6, model = "m", prompt_tokens = 1 }, { created_at = "x" } }))
    assert.has_error(function() db:add { { created_at = 6 }, 5 } end, "add: record 2 is a number, not a table")
  end)

  it("keeps the cost of what is updated right", function()
    assert(db:add {
      { request_id = "a", created_at = 1, model = "m" }, { request_id = "b", created_at = 2, model = "m", prompt_tokens = 100 },
      { request_id = "c", created_at = 3, model = "m", prompt_tokens = 100, cost_usd = 7 },
      { request_id = "d", created_at = 4, model = "x", prompt_tokens = 100, organization_id = "o", project = "p" },
      { request_id = "d", created_at = 5, model = "x", prompt_tokens = 50 },
    })
    local first = { request_id = "a", prompt_tokens = 100 }
    assert.equal(6, assert(db:update {
      first, { request_id = "a", completion_tokens = 10 }, -- together
      { request_id = "b", model = "x" }, -- its cost was that of another model
      { request_id = "c", prompt_tokens = 5 }, -- recorded
      { request_id = "d", model = "m", organization_id = "o", project = "p" }, { request_id = "a", error = "e" },
    }))
    assert.is_nil(first.cost_usd)
    assert.same({ "a 0.0012 computed", "b nil nil", "c " .. 7.0 .. " recorded", "d 0.001 computed", "d nil nil" }, costs(db))
    -- a cost that is told in the same batch stays, and so does one that is cleared
    assert(db:update { { request_id = "a", cost_usd = 3 }, { request_id = "a", prompt_tokens = 1 }, { request_id = "b", cost_usd = sq.null, model = "m" } })
    assert.same({ "a " .. 3.0 .. " recorded", "b nil nil" }, { costs(db)[1], costs(db)[2] })
    assert.is_nil((db:update { request_id = "none", prompt_tokens = 1 }))
    assert.is_nil((db:update { prompt_tokens = 1 }))
  end)

  it("fills in what is imported, and leaves the rest of a line as it was written", function()
    local body = '{"z":12345678901234567890,"a":1.50}'
    local lines = {
      '{"request_id":"a","created_at":1,"model":"m","prompt_tokens":100,"request_body":' .. body .. '}',
      '{"request_id":"b","created_at":2,"model":"m","prompt_tokens":100,"cost_usd":null,"response_body":' .. body .. "} \r",
      '{"request_id":"c","created_at":3,"model":"m","prompt_tokens":100,"cost_usd":7}', "", "broken",
      '{"request_id":"d","created_at":4,"model":"x","prompt_tokens":100}',
      -- null stands there twice, so the line is written anew
      '{"request_id":"e","created_at":5,"model":"m","prompt_tokens":100,"cost_usd":null,"extra":{"cost_usd":null}}',
      '{"request_id":"f","created_at":6,"model":"m","prompt_tokens":100,"cost_source":"mine","model":"m"}',
      '{"request_id":"g","created_at":7,"model":"m","prompt_tokens":100,"cost_source":"mine"}',
    }
    local file = vm.write(vm.path "priced.jsonl", table.concat(lines, "\n"))
    local sum = assert(db:import(file))
    assert.same({ 9, 6, 2 }, { sum.lines, sum.added, sum.failed })
    assert.same({ 5, 8 }, { sum.errors[1].line, sum.errors[2].line })
    assert.same({ "a 0.001 computed", "b 0.001 computed", "c " .. 7.0 .. " recorded", "d nil nil", "e 0.001 computed", "g 0.001 computed" }, costs(db))
    local rows = assert(db:requests({ bodies = true }):order_by("created_at"):all())
    assert.same({ body, body }, { rows[1].request_body, rows[2].response_body })
    os.remove(file)
  end)

  it("gives the ids that it would give without prices", function()
    local lines = '{"created_at":1,"model":"m","prompt_tokens":100}\n{"created_at":2,"model":"x"}\n{"request_id":null,"created_at":3,"model":"m","prompt_tokens":1}'
    local file = vm.write(vm.path "ids.jsonl", lines)
    local plain = assert(sq.open ":memory:")
    assert.equal(3, assert(plain:import(file)).added)
    assert.equal(3, assert(db:import(file)).added)
    for i, row in ipairs(assert(plain:requests():order_by("created_at"):all())) do
      assert.equal(row.request_id, assert(db:requests():order_by("created_at"):all())[i].request_id)
    end
    assert.equal(3, assert(db:import(file)).replaced)
    plain:close()
    os.remove(file)
  end)

  it("fills in Helicone's lines, mapped ones, and none of an update", function()
    local function import(text, options)
      local file = vm.write(vm.path "h.jsonl", text)
      local sum = assert(db:import(file, options))
      os.remove(file)
      return sum
    end
    import(table.concat({
      '{"request_id":"a","request_created_at":"2026-01-01T00:00:00Z","request_model":"m","model":null,"prompt_tokens":100,"costUSD":null}',
      '{"request_id":"b","request_created_at":"2026-01-02T00:00:00Z","response_model":"m","request_model":"x","prompt_tokens":100,"cost":null}',
      '{"request_id":"c","request_created_at":"2026-01-03T00:00:00Z","model":"m","prompt_tokens":100,"costUSD":5}',
    }, "\n"), { format = "helicone" })
    assert.same({ "a 0.001 computed", "b 0.001 computed", "c " .. 5.0 .. " recorded" }, costs(db))
    local mapped = { request_id = "d", created_at = "2026-01-04", model = "m", prompt_tokens = 100 }
    import("{}", { map = function() return mapped end })
    assert.equal("d 0.001 computed", costs(db)[4])
    assert.is_nil(mapped.cost_usd)
    import('{"request_id":"c","created_at":"2026-01-03","model":"m","prompt_tokens":7}', { on_conflict = "update" })
    assert.equal("c " .. 5.0 .. " recorded", costs(db)[3])
  end)
end)

describe("reprice", function()
  it("computes computed costs of a period, and missing ones", function()
    local db = assert(sq.open ":memory:")
    assert(db:add {
      { request_id = "a", created_at = 10, model = "m", prompt_tokens = 100, cost_usd = 0.5, cost_source = "computed" },
      { request_id = "b", created_at = 20, model = "m", prompt_tokens = 100 },
      { request_id = "c", created_at = 30, model = "m", prompt_tokens = 100, cost_usd = 7 },
      { request_id = "d", created_at = 40, model = "x", prompt_tokens = 100, cost_usd = 9, cost_source = "computed" },
      { request_id = "e", created_at = 50, model = "m", prompt_tokens = 100, run_type = "chain" },
      { request_id = "f", created_at = 60, model = "m", prompt_tokens = 100, cost_usd = 0.001, cost_source = "computed", project = "p" },
      { request_id = "g", created_at = 70, model = "m" },
      { request_id = "b", created_at = 80, model = "m", prompt_tokens = 200, organization_id = "o", project = "p" },
    })
    local function sum_of(options)
      options.prices = table_of_prices
      local sum = assert(db:reprice(options))
      sum.difference_usd = ("%.9f"):format(sum.difference_usd)
      return sum
    end
    assert.same({ changed = 0, unknown = 0, models = {}, difference_usd = "0.000000000" }, sum_of { from = 11, to = 20 })
    assert.same({ changed = 1, unknown = 0, models = {}, difference_usd = "-0.499000000" }, sum_of { from = 10, to = 20 })
    assert.same({ changed = 1, unknown = 0, models = {}, difference_usd = "0.002000000" }, sum_of { project = "p" })
    assert.same({ changed = 0, unknown = 0, models = {}, difference_usd = "0.000000000" }, sum_of { organization = "other" })
    assert.same({ changed = 1, unknown = 1, models = { x = 1 }, difference_usd = "0.001000000" }, sum_of {})
    assert.same({ changed = 0, unknown = 1, models = { x = 1 }, difference_usd = "0.000000000" }, sum_of {})
    assert.same({
      "a 0.001 computed", "b 0.001 computed", "c " .. 7.0 .. " recorded", "d " .. 9.0 .. " computed", "e nil nil", "f 0.001 computed", "g nil nil", "b 0.002 computed",
    }, costs(db))
    db:close()
  end)

  it("goes through the change log: sealed rows, all engines, many batches", function()
    local path = vm.path()
    local db = assert(sq.open(path, { organization = "o" }))
    local rows = {}
    for i = 1, 3500 do
      rows[i] = { request_id = "r" .. i, session_id = "s" .. i % 50, created_at = 1000 + i % 7, model = i % 5 == 0 and "x" or "m-" .. i % 3,
        prompt_tokens = i, completion_tokens = i % 10, prompt_cache_read_tokens = i % 2 == 0 and math.floor(i / 2) or nil,
        cost_usd = i % 11 == 0 and 1 or nil, properties = { k = "v" } }
    end
    assert(db:add(rows))
    assert(db:seal())
    local sum = assert(db:reprice { prices = table_of_prices })
    local p, expected, changed, unknown = prices.load(table_of_prices), 0, 0, 0
    for _, row in ipairs(rows) do
      if not row.cost_usd then
        local nano = p:nano_usd(row)
        if nano then expected, changed = expected + nano, changed + 1 else unknown = unknown + 1 end
      end
    end
    assert.same({ changed, unknown, ("%.9f"):format(expected / 1e9) }, { sum.changed, sum.unknown, ("%.9f"):format(sum.difference_usd) })
    assert.equal(3500, assert(db:check()))
    local total = math.floor(expected + 1e9 * math.floor(3500 / 11) + 0.5)
    for _, engine in ipairs { "sql", "columns" } do
      local other = assert(sq.open(path, { engine = engine }))
      assert.equal(total, math.floor(assert(other:projects():first()).total_cost_usd * 1e9 + 0.5), engine)
      assert.equal(changed, assert(other:requests():where(f.cost_source:eq "computed"):count()))
      assert.equal(3500, assert(other:requests():where 'properties.k = "v"':count()))
      other:close()
    end
    assert(db:seal())
    assert.equal(3500, assert(db:check()))
    assert.equal(0, assert(db:reprice { prices = table_of_prices }).changed)
    db:close()
    vm.remove(path)
  end)

  it("says what is wrong", function()
    local path = vm.path()
    local db = assert(sq.open(path, { prices = table_of_prices }))
    assert(db:add { request_id = "a", created_at = 1, model = "m", prompt_tokens = 100, cost_usd = 1, cost_source = "computed" })
    for _, case in ipairs {
      { { form = 1 }, "reprice: unknown option 'form', did you mean 'from'?" }, { { from = "soon" }, "reprice: from: 'soon' is not a time" },
      { { to = true }, "reprice: to: expected number or string, got boolean" }, { { prices = { m = 5 } }, "reprice: prices: m: a price is a table" },
    } do
      local good, message = pcall(function() db:reprice(case[1]) end)
      assert.is_false(good)
      assert(message:find("spec/prices_spec.lua:", 1, true) and message:find(case[2], 1, true), message)
    end
    local sum, message, detail = db:reprice { prices = "build/spec/none.json" }
    assert.is_nil(sum)
    assert.equal("not_found", detail.code, message)
    local reader = assert(sq.open(path, { readonly = true }))
    assert.has_error(function() reader:reprice() end)
    sum, message, detail = reader:reprice { prices = table_of_prices }
    assert.is_nil(sum)
    assert.equal("readonly", detail.code, message)
    assert.same({ changed = 0, unknown = 0, models = {}, difference_usd = 0 }, detail.sum)
    reader:close()
    assert.equal(1, assert(db:reprice()).changed)
    db:close()
    vm.remove(path)
  end)
end)
