--- Recording and updating: what goes in comes out, what is wrong is refused and changes nothing.
local sq = require "sessionquery"
local f = sq.field

local function memory(options) return assert(sq.open(":memory:", options)) end

local function only(db) return assert(assert(db:requests { bodies = true }:all())[1]) end

--- A record that must be refused, with what the message says and the code.
local function refused(db, record, pattern, code, pointer)
  local before = assert(db:requests():count())
  local id, message, detail = db:add(record)
  assert.is_nil(id)
  assert(message:find(pattern, 1, true), ("%s: expected %s"):format(message, pattern))
  assert.equal(code, detail.code)
  if pointer then assert.equal(pointer, detail.pointer) end
  assert.equal(before, assert(db:requests():count()))
end

describe("add", function()
  local everything = {
    request_id = "r1", session_id = "s1", session_name = "chat", session_path = "/a", trace_id = "t1", parent_id = "p1",
    name = "step", run_type = "tool", created_at = 1775802351.873744, responded_at = "2026-04-10T06:25:55.5Z",
    latency_ms = 450, time_to_first_token_ms = 90, status = -2, error = "boom", provider = "openai", model = "gpt-4o",
    user_id = "u1", country_code = "DE", node_id = "n", job_id = "j", target_url = "https://x/y", prompt_id = "p",
    prompt_version = "3", prompt_name = "greet", request_referrer = "ref", environment = "prod", review_status = "open",
    assignee = "ann", api_key_name = "k", dotted_order = "d", cache_reference_id = "c1", threat = false,
    cache_enabled = true, streamed = true, is_passthrough_billing = false, prompt_tokens = 1250, completion_tokens = 890,
    prompt_cache_read_tokens = 7, prompt_cache_write_tokens = 8, total_tokens = 3000, cost_usd = 0.0042,
    prompt_cost_usd = 0.001, completion_cost_usd = 0.0032, cost_source = "computed", request_body = "hello",
    response_body = "world", tags = { "x", "y" }, assets = { "img" }, properties = { env = "prod", n = 1.5, b = true },
    scores = { quality = 0.5, good = true, label = "a" }, something = { deep = { 1, 2 } }, other = "kept",
    execution_order = 3, test_run_id = "run", review_queue_id = "queue", insight_names = { "slow" }, insight_ids = { "i1", "i2" },
  }

  it("records every field, and gives each back", function()
    local db = memory()
    assert.equal("r1", assert(db:add(everything)))
    local row = only(db)
    for name, value in pairs(everything) do
      if name == "responded_at" then
        assert.equal("2026-04-10T06:25:55.500Z", sq.iso(row[name]))
      elseif name == "something" or name == "other" then
        assert.same(value, row.extra[name])
      else
        assert.same(value, row[name], name)
      end
    end
    assert.equal("", row.organization_id)
    assert.equal("default", row.project)
    assert.equal(true, row.cached)
    if math.type then
      assert.equal("integer", math.type(row.latency_ms))
      assert.equal("integer", math.type(row.prompt_tokens))
    end
    db:close()
  end)

  it("has every recorded field of the catalogue in this spec", function()
    local core = require "sessionquery.core"
    for _, field in ipairs(core.fields()) do
      local derived = field.name == "organization_id" or field.name == "project" or field.name == "extra"
      if field.recorded and not derived then assert(everything[field.name] ~= nil, field.name) end
    end
  end)

  it("gives ids: its own, a new UUIDv7, or a list of them", function()
    local db = memory()
    local id = assert(db:add { created_at = 1 })
    assert(id:find "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-7%x%x%x%-[89ab]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$", id)
    local ids = assert(db:add { { request_id = "a", created_at = 1 }, { created_at = 2 }, { request_id = "é\n", created_at = 3 } })
    assert.equal(3, #ids)
    assert.equal("a", ids[1])
    assert.equal("é\n", ids[3])
    assert.same({}, assert(db:add {}))
    assert.equal(4, assert(db:requests():count()))
    db:close()
  end)

  it("replaces a known id wholly; the last of a batch wins", function()
    local db = memory()
    assert(db:add { request_id = "r", created_at = 1, model = "a", session_id = "s1", request_body = "b", properties = { x = 1 } })
    assert(db:add { request_id = "r", created_at = 2, session_id = "s2" })
    local row = only(db)
    assert.equal(2, row.created_at)
    assert.is_nil(row.model)
    assert.is_nil(row.request_body)
    assert.same({}, row.properties)
    assert.equal(0, assert(db:sessions():where(f.session.id:eq "s1"):count()))
    assert(db:add { { request_id = "r", created_at = 3, model = "x" }, { request_id = "r", created_at = 4, model = "y" } })
    assert.equal("y", only(db).model)
    assert.equal(1, assert(db:requests():count()))
    db:close()
  end)

  it("keeps feedback when it replaces", function()
    local db = memory()
    assert(db:add { request_id = "r", created_at = 1, scores = { q = 1 } })
    assert(db:feedback { request_id = "r", key = "q", score = 5 })
    assert.equal(5, only(db).scores.q)
    assert(db:add { request_id = "r", created_at = 2, scores = { q = 2 } })
    assert.equal(5, only(db).scores.q)
    db:close()
  end)

  it("keeps requests of one id in different organizations and projects apart", function()
    local db = memory()
    for _, where in ipairs { { "a", "p" }, { "a", "q" }, { "b", "p" } } do
      assert(db:add { request_id = "r", organization_id = where[1], project = where[2], created_at = 1 })
    end
    assert.equal(3, assert(db:requests():count()))
    db:close()
  end)

  it("tells \"\" from absent, but for session_id, session_name and error", function()
    local db = memory()
    assert(db:add { request_id = "r", created_at = 1, model = "", session_id = "", session_name = "", error = "", user_id = sq.null })
    local row = only(db)
    assert.equal("", row.model)
    assert.is_nil(row.session_id)
    assert.is_nil(row.session_name)
    assert.is_nil(row.error)
    assert.is_nil(row.user_id)
    assert.equal(0, assert(db:sessions():count()))
    assert.equal(0, assert(db:sessions():where(f.session.errors:gt(0)):count()))
    db:close()
  end)

  it("is forgiving where it costs nothing", function()
    local db = memory()
    assert(db:add { request_id = 17, created_at = "2026-04-10 06:25:51", user_id = 42, prompt_version = 1.5, tags = { 1, "x", sq.null },
      assets = {}, properties = { a = sq.null, nested = { 1 } }, scores = {}, request_body = { messages = { "hi" } }, response_body = 5 })
    local row = only(db)
    assert.equal("17", row.request_id)
    assert.equal("42", row.user_id)
    assert.equal("1.5", row.prompt_version)
    assert.same({ "1", "x" }, row.tags)
    assert.same({}, row.assets)
    assert.same({ nested = { 1 } }, row.properties)
    assert.equal('{"messages":["hi"]}', row.request_body)
    assert.equal("5", row.response_body)
    assert.equal(1, assert(db:requests():where(f.properties:has "nested"):count()))
    assert.equal(0, assert(db:requests():where(f.properties:has "a"):count()))
    assert.equal(0, assert(db:requests():where(f.properties.nested:contains "1"):count()))
    db:close()
  end)

  it("repairs what is no UTF-8, and NUL", function()
    local db = memory()
    assert(db:add { request_id = "a\0b", created_at = 1, model = "x\255y", properties = { ["k\254"] = "v\0" } })
    local row = only(db)
    assert.equal("a\239\191\189b", row.request_id)
    assert.equal("x\239\191\189y", row.model)
    assert.same({ ["k\239\191\189"] = "v\239\191\189" }, row.properties)
    db:close()
  end)

  it("is strict on numbers and times", function()
    local db = memory()
    local function with(changes)
      local record = { request_id = "r", created_at = 1 }
      for name, value in pairs(changes) do record[name] = value end
      return record
    end
    refused(db, { request_id = "r" }, "created_at is required", "missing")
    refused(db, with { request_id = "" }, "request_id is empty", "value")
    refused(db, with { latency_ms = 12.5 }, "latency_ms is a whole number: round it", "value", "/latency_ms")
    refused(db, with { latency_ms = "12" }, "latency_ms is a whole number, not text", "type", "/latency_ms")
    refused(db, with { latency_ms = 2 ^ 53 }, "beyond 2^53 - 1", "value")
    refused(db, with { latency_ms = -2 ^ 60 }, "beyond 2^53 - 1", "value")
    refused(db, with { prompt_tokens = -1 }, "prompt_tokens is negative", "value")
    refused(db, with { cost_usd = 1000000.1 }, "more than a million", "value")
    refused(db, with { cost_usd = -1e300 }, "more than a million", "value")
    refused(db, with { cost_usd = "0.1" }, "cost_usd is a number of US dollars, not text", "type")
    refused(db, with { cost_usd = 0 / 0 }, "NaN and infinities are no values (at /cost_usd)", "value")
    refused(db, with { latency_ms = 1 / 0 }, "NaN and infinities are no values", "value")
    refused(db, with { created_at = 1775802351873 }, "milliseconds given as seconds?", "value", "/created_at")
    refused(db, with { created_at = -1 }, "outside of 1970 to 2200", "value")
    refused(db, with { created_at = "2200-01-01" }, "outside of 1970 to 2200", "value")
    refused(db, with { created_at = "1969-12-31" }, "outside of 1970 to 2200", "value")
    refused(db, with { created_at = "now" }, "'now' is not a time", "value")
    refused(db, with { created_at = true }, "created_at is a time, not true", "type")
    refused(db, with { threat = 1 }, "threat is true or false, not a number", "type")
    refused(db, with { model = true }, "model is text, not true", "type")
    refused(db, with { model = { "a" } }, "model is text, not a list", "type")
    refused(db, with { tags = "x" }, "tags is a list of text, not text", "type")
    refused(db, with { tags = { "x", true } }, "tags is a list of text: true stands in it", "type")
    refused(db, with { tags = { a = 1 } }, "tags is a list of text, not an object", "type")
    refused(db, with { properties = "x" }, "properties is a map, not text", "type")
    refused(db, with { properties = { "x" } }, "properties is a map, not a list", "type")
    refused(db, with { cached = true }, "cached is computed from cache_reference_id, which says otherwise", "value", "/cached")
    refused(db, with { feedback = 5 }, "feedback is a list", "type")
    refused(db, with { feedback = { { score = 1 } } }, "feedback has a key", "missing", "/feedback/0")
    refused(db, with { a = print }, "a function, userdata or thread is no value (at /a)", "value")
    assert(db:add(with { latency_ms = 2 ^ 53 - 1, cost_usd = 1000000, created_at = "2199-12-31T23:59:59.999999Z" }))
    assert.equal(2 ^ 53 - 1, only(db).latency_ms)
    db:close()
  end)

  it("refuses a batch wholly, naming the record", function()
    local db = memory()
    local ids, message, detail = db:add { { request_id = "a", created_at = 1 }, { request_id = "b", created_at = 1, latency_ms = "x" } }
    assert.is_nil(ids)
    assert(message:find("^record 2: latency_ms is a whole number"), message)
    assert.equal(2, detail.record)
    assert.equal(0, assert(db:requests():count()))
    db:close()
  end)

  it("raises on what is no record", function()
    local db = memory()
    assert.has_error(function() db:add(5) end, "add: expected a record or a list of records, got number")
    assert.has_error(function() db:add() end)
    assert.has_error(function() db:add { { created_at = 1 }, 5 } end, "add: record 2 is a number, not a table")
    db:close()
  end)

  it("keeps money to the nano-dollar and times to the microsecond", function()
    local db = memory()
    assert(db:add { { request_id = "a", created_at = 1775802351.8737438, cost_usd = 0.00043456000000000007 },
      { request_id = "b", created_at = "2026-04-10T06:25:51.8737445Z", cost_usd = 0.0000000005 },
      { request_id = "c", created_at = "2026-04-10T06:25:51.8737444999Z", cost_usd = -0.0000000005 } })
    local rows = assert(db:requests():order_by("request_id"):all())
    assert.equal("2026-04-10T06:25:51.873744Z", sq.iso(rows[1].created_at))
    assert.equal("2026-04-10T06:25:51.873745Z", sq.iso(rows[2].created_at))
    assert.equal("2026-04-10T06:25:51.873744Z", sq.iso(rows[3].created_at))
    assert.equal(0.00043456, rows[1].cost_usd)
    assert.equal(1e-9, rows[2].cost_usd)
    assert.equal(-1e-9, rows[3].cost_usd)
    for _, row in ipairs(rows) do
      assert(assert(db:requests():where(f.created_at:eq(row.created_at)):count()) >= 1)
      assert.equal(1, assert(db:requests():where(f.cost_usd:eq(row.cost_usd)):count()))
    end
    db:close()
  end)

  it("keeps any time of the range through a row and back", function()
    local db = memory()
    local records, state = {}, 3
    for i = 1, 500 do
      state = state * 16807 % 2147483647
      local seconds = state % 7258118400 + (i % 3) * 2147483647
      state = state * 16807 % 2147483647
      records[i] = { request_id = "r" .. i, created_at = os.date("!%Y-%m-%dT%H:%M:%S", seconds) .. (".%06dZ"):format(state % 1000000) }
    end
    assert(db:add(records))
    for row in db:requests():each() do
      assert.equal(1, assert(db:requests():where(f.created_at:eq(row.created_at)):count()), row.request_id)
    end
    db:close()
  end)
end)

describe("update", function()
  it("merges, and sq.null clears", function()
    local db = memory()
    assert(db:add { request_id = "r", created_at = 1, model = "a", latency_ms = 5, request_body = "q", properties = { x = 1, y = 2 },
      scores = { s = 1 }, tags = { "t" }, unknown = "u", second = 2 })
    assert.equal(1, assert(db:update { request_id = "r", model = "b", latency_ms = sq.null, response_body = "a",
      properties = { y = sq.null, z = 3 }, scores = sq.null, unknown = sq.null, cost_usd = 1 }))
    local row = only(db)
    assert.equal("b", row.model)
    assert.is_nil(row.latency_ms)
    assert.equal("q", row.request_body)
    assert.equal("a", row.response_body)
    assert.same({ x = 1, z = 3 }, row.properties)
    assert.same({}, row.scores)
    assert.same({ "t" }, row.tags)
    assert.same({ second = 2 }, row.extra)
    assert.equal("recorded", row.cost_source)
    assert.equal(1, row.created_at)
    assert(db:update { request_id = "r", properties = { x = sq.null, z = sq.null }, request_body = sq.null })
    assert.equal(1, assert(db:requests():where(f.properties:absent()):count()))
    assert.is_nil(only(db).request_body)
    db:close()
  end)

  it("refuses what it cannot do, and changes nothing", function()
    local db = memory()
    assert(db:add { request_id = "r", created_at = 1, model = "a" })
    for _, case in ipairs {
      { { request_id = "none", model = "x" }, "there is no request 'none' in project 'default' to update", "not_found" },
      { { model = "x" }, "request_id is required", "missing" },
      { { request_id = "r", created_at = sq.null }, "created_at cannot be cleared", "value" },
      { { request_id = "r", latency_ms = "x" }, "whole number", "type" },
      { { { request_id = "r", model = "y" }, { request_id = "none" } }, "record 2: there is no request", "not_found" },
    } do
      local count, message, detail = db:update(case[1])
      assert.is_nil(count)
      assert(message:find(case[2], 1, true), message)
      assert.equal(case[3], detail.code)
      assert.equal("a", only(db).model)
    end
    db:close()
  end)

  it("may move a request to another session", function()
    local db = memory()
    assert(db:add { request_id = "r", created_at = 1, session_id = "s1" })
    assert(db:update { request_id = "r", session_id = "s2" })
    assert.equal("s2", assert(db:sessions():first()).id)
    assert(db:update { request_id = "r", session_id = "" })
    assert.equal(0, assert(db:sessions():count()))
    db:close()
  end)
end)
