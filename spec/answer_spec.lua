--- Helicone's POST /v1/session/query, answered whole: every field of the contract, every rule of its page.
local core = require "sessionquery.core"
local sq = require "sessionquery"

local function store(records)
  local db = assert(sq.open ":memory:")
  assert(db:add(records))
  return db
end

--- The body with what is the same in most cases.
local function body(changes)
  local whole = { search = "", timeFilter = { startTimeUnixMs = 0, endTimeUnixMs = 4e12 }, timezoneDifference = 0, filter = "all" }
  for name, value in pairs(changes or {}) do whole[name] = value end
  return whole
end

local function ask(db, changes)
  local status, text = sq.answer("helicone", db, assert(core.encode(body(changes))))
  assert.equal(200, status, text)
  local answer = assert(core.decode(text))
  assert(text:find ',"error":null}$', text)
  return answer.data, text
end

local function ids(data)
  local list = {}
  for i, row in ipairs(data) do list[i] = row.session_id end
  return table.concat(list, " ")
end

local T = 1704110400 -- 2024-01-01T12:00:00Z

describe("the answer", function()
  local db = store {
    { request_id = "1", session_id = "sess_abc123", session_name = "customer-support-chat", created_at = T,
      cost_usd = 0.0012, prompt_tokens = 1000, completion_tokens = 800, latency_ms = 450, user_id = "user_123" },
    { request_id = "2", session_id = "sess_abc123", created_at = T + 900.1239, cost_usd = 0.003, prompt_tokens = 250,
      completion_tokens = 90, latency_ms = 451, user_id = "user_123" },
    { request_id = "3", session_id = "bare", created_at = T + 60 },
  }

  it("has the eleven fields of the contract, in its types", function()
    local data, text = ask(db)
    local whole = '{"created_at":"2024-01-01T12:00:00.000Z","latest_request_created_at":"2024-01-01T12:15:00.123Z","session_id":"sess_abc123",' ..
      '"session_name":"customer-support-chat","total_cost":0.0042,"total_requests":2,"prompt_tokens":1250,"completion_tokens":890,' ..
      '"total_tokens":2140,"avg_latency":450.5,"user_ids":["user_123"]}'
    assert(text:find(whole, 1, true), text)
    assert.equal(2, #data)
  end)

  it("writes 0 for an unknown sum, \"\" for a missing name, [] for no users", function()
    local data = ask(db, { nameEquals = "" })
    assert.same({ created_at = "2024-01-01T12:01:00.000Z", latest_request_created_at = "2024-01-01T12:01:00.000Z",
      session_id = "bare", session_name = "",
      total_cost = 0, total_requests = 1, prompt_tokens = 0, completion_tokens = 0, total_tokens = 0,
        avg_latency = 0, user_ids = {} }, data[1])
    local _, text = ask(db, { nameEquals = "" })
    assert(text:find('"user_ids":[]', 1, true), text)
  end)

  it("shows times at the offset, the instant unchanged", function()
    for minutes, shown in pairs { [0] = "2024-01-01T12:00:00.000Z", [330] = "2024-01-01T17:30:00.000+05:30",
      [-480] = "2024-01-01T04:00:00.000-08:00", [1440] = "2024-01-02T12:00:00.000+24:00" } do
      local data = ask(db, { timezoneDifference = minutes, search = "abc" })
      assert.equal(shown, data[1].created_at)
    end
  end)

  it("comes in order of created_at, newest first, ties by id", function()
    local tied = store { { request_id = "1", session_id = "b", created_at = 5 }, { request_id = "2", session_id = "a", created_at = 5 },
      { request_id = "3", session_id = "c", created_at = 9 }, { request_id = "4", session_id = "b", created_at = 100 } }
    assert.equal("c a b", ids((ask(tied))))
    tied:close()
  end)

  it("is the same from sq.query", function()
    local _, text = ask(db)
    assert.equal(text, assert(assert(sq.query("helicone", body())):on(db):json()))
    assert.equal(2, assert(assert(sq.query("helicone", body { limit = 1 })):on(db):count()))
    assert.equal(2, #assert(assert(sq.query("helicone", body())):on(db):all()))
    local seen = 0
    for row in assert(sq.query("helicone", body())):on(db):each() do
      assert(row.id)
      seen = seen + 1
    end
    assert.equal(2, seen)
    assert(assert(sq.query("helicone", body())):on(db):explain():find "order %-session.created_at limit 50")
    assert.has_error(function() sq.query("helicone", body()).on(assert(sq.query("helicone", body())), 5) end)
    local query, message, detail = sq.query("where", "{}")
    assert.is_nil(query)
    assert(message:find "a filter language only", detail.code)
    query, message = sq.query("helicon", "{}")
    assert.is_nil(query)
    assert(message:find "did you mean 'helicone'?")
    query, message = sq.query("helicone", { search = print })
    assert.is_nil(query)
    assert(message:find "at /search", message)
  end)
end)

describe("the parts of the body", function()
  local records = {}
  for i = 1, 120 do
    records[i] = { request_id = "r" .. i, session_id = ("s%03d"):format(i),
      session_name = i % 2 == 0 and "Über Plan" or nil, created_at = T + i }
  end
  local db = store(records)

  it("timeFilter is open at both ends, fractions of milliseconds too", function()
    local function between(from, to) return #ask(db, { limit = 1000, timeFilter = { startTimeUnixMs = from, endTimeUnixMs = to } }) end
    assert.equal(119, between((T + 1) * 1000, 4e12))
    assert.equal(120, between((T + 1) * 1000 - 1, 4e12))
    assert.equal(120, between((T + 1) * 1000 - 0.001, 4e12))
    assert.equal(119, between(0, (T + 120) * 1000))
    assert.equal(120, between(0, (T + 120) * 1000 + 0.001))
    assert.equal(0, between(4e12, 0))
    assert.equal(0, between(T * 1000, T * 1000))
  end)

  it("timeFilter trims the rows of a session", function()
    local trimmed = store { { request_id = "1", session_id = "a", created_at = T, cost_usd = 1 },
      { request_id = "2", session_id = "a", created_at = T + 10, cost_usd = 2 } }
    local data = ask(trimmed, { timeFilter = { startTimeUnixMs = T * 1000 + 1, endTimeUnixMs = 4e12 } })
    assert.equal(2, data[1].total_cost)
    assert.equal(1, data[1].total_requests)
    trimmed:close()
  end)

  it("search asks id or name, case-insensitive, and trims nothing", function()
    assert.equal("s012", ids((ask(db, { search = "S012" }))))
    assert.equal(50, #ask(db, { search = "ÜBER p" }))
    assert.equal(60, #ask(db, { search = "über", limit = 1000 }))
    assert.equal(0, #ask(db, { search = "%" }))
    assert.equal(0, #ask(db, { search = "s_1" }))
    local named = store { { request_id = "1", session_id = "a", session_name = "old", created_at = 1 },
      { request_id = "2", session_id = "a", session_name = "new", created_at = 2 } }
    assert.equal(2, ask(named, { search = "new" })[1].total_requests)
    assert.equal(0, #ask(named, { search = "old" }))
    assert.equal("new", ask(named)[1].session_name)
    named:close()
  end)

  it("nameEquals is exact, \"\" selects the unnamed, null is as if absent", function()
    assert.equal(60, #ask(db, { nameEquals = "Über Plan", limit = 1000 }))
    assert.equal(0, #ask(db, { nameEquals = "über plan" }))
    assert.equal(60, #ask(db, { nameEquals = "", limit = 1000 }))
    assert.equal(120, #ask(db, { nameEquals = sq.null, limit = 1000 }))
  end)

  it("offset and limit page", function()
    assert.equal(50, #ask(db))
    assert.equal(50, #ask(db, { limit = sq.null, offset = sq.null }))
    assert.equal("s120 s119", ids((ask(db, { limit = 2 }))))
    assert.equal("s118 s117", ids((ask(db, { limit = 2, offset = 2 }))))
    assert.equal(20, #ask(db, { limit = 1000, offset = 100 }))
    assert.equal(0, #ask(db, { offset = 1000 }))
    local seen, count = {}, 0
    for offset = 0, 119, 7 do
      for _, row in ipairs(ask(db, { offset = offset, limit = 7 })) do
        assert(not seen[row.session_id])
        seen[row.session_id] = true
        count = count + 1
      end
    end
    assert.equal(120, count)
  end)
end)

describe("the filter", function()
  local db = store {
    { request_id = "1", session_id = "a", created_at = 1, model = "gpt-4o", cost_usd = 0.5, status = 200,
      cache_enabled = true, properties = { env = "prod", n = 1, flag = true },
      scores = { quality = 0.5, ["helicone-score-feedback"] = true } },
    { request_id = "2", session_id = "a", created_at = 2, model = "o3", status = 500, cache_reference_id = "c",
      request_body = "what a DAY", assets = { "img" } },
    { request_id = "3", session_id = "b", created_at = 3, model = "", cost_usd = 2, threat = true,
      properties = { env = "" }, scores = { ["helicone-score-feedback"] = 0 } },
    { request_id = "4", session_id = "c", created_at = 4, cache_enabled = false,
      cache_reference_id = "00000000-0000-0000-0000-000000000000", prompt_tokens = 5, latency_ms = 90 },
  }
  assert(db:tag("b", "gold"))
  assert(db:feedback { request_id = "4", key = "helicone-score-feedback", score = true, created_at = 50 })

  local function sessions(filter) return ids((ask(db, { filter = filter }))) end
  local function rmt(columns) return sessions { request_response_rmt = columns } end
  local function session(columns) return sessions { sessions_request_response_rmt = columns } end

  it("asks about requests", function()
    assert.equal("a", rmt { model = { equals = "o3" } })
    assert.equal("c b", rmt { model = { equals = "" } })
    assert.equal("a", rmt { model = { ["not-equals"] = "" } })
    assert.equal("c", rmt { model = { equals = "null" } })
    assert.equal("c b a", rmt { model = { ["not-contains"] = "GPT" } })
    assert.equal("a", rmt { model = { contains = "GPT" } })
    assert.equal("a", rmt { model = { like = "gpt-%" } })
    assert.equal("", rmt { model = { like = "GPT-%" } })
    assert.equal("a", rmt { model = { ilike = "GPT-%" } })
    assert.equal("b", rmt { cost = { gt = 0.5 } })
    assert.equal("b a", rmt { cost = { gte = 0.5, lte = 2 } })
    assert.equal("c a", rmt { cost = { ["not-equals"] = 2 } })
    assert.equal("c b", rmt { request_created_at = { gte = "1970-01-01T00:00:03Z" } })
    assert.equal("a", rmt { request_body = { contains = "day" } })
    assert.equal("a", rmt { assets = { equals = "img" } })
    assert.equal("c b a", rmt { assets = { ["not-equals"] = "img" } })
    assert.equal("b", rmt { threat = { equals = true } })
    assert.equal("", rmt { threat = { equals = false } })
    assert.equal("c b a", rmt { cache_enabled = { equals = false } })
    assert.equal("a", rmt { cached = { equals = true } })
    assert.equal("c b a", rmt { cached = { equals = false } })
    assert.equal("c b a", rmt { organization_id = { equals = "" } })
  end)

  it("asks about properties and scores as text", function()
    assert.equal("a", rmt { properties = { env = { equals = "prod" } } })
    assert.equal("a", rmt { properties = { n = { equals = "1" } } })
    assert.equal("a", rmt { properties = { flag = { equals = "true" } } })
    assert.equal("c b a", rmt { properties = { env = { equals = "" } } })
    assert.equal("", rmt { properties = { env = { equals = "null" } } })
    assert.equal("b a", rmt { property_key = { equals = "env" } })
    assert.equal("a", rmt { scores = { quality = { equals = "0.5" } } })
    assert.equal("a", rmt { scores_column = { like = "qual%" } })
    assert.equal("c b a", rmt { scores_column = { ["not-equals"] = "quality" } })
    assert.equal("a", rmt { properties = { ["Helicone-Session-Id"] = { equals = "a" } } })
    assert.equal("a", sessions { values = { env = { contains = "RO" } } })
    assert.equal("a", sessions { properties = { env = { contains = "RO" } } })
  end)

  it("asks about feedback", function()
    assert.equal("c a", rmt { ["helicone-score-feedback"] = { equals = true } })
    assert.equal("b", rmt { ["helicone-score-feedback"] = { equals = false } })
    assert.equal("c", sessions { feedback = { rating = { equals = true } } })
    assert.equal("", sessions { feedback = { rating = { equals = false } } })
    assert.equal("c", sessions { feedback = { created_at = { gt = "1970-01-01T00:00:49Z" },
      rating = { equals = true }, id = { gte = 1 } } })
    assert.equal("", sessions { feedback = { created_at = { gt = "1970-01-01T00:00:50Z" } } })
    assert.equal("c", sessions { feedback = { response_id = { equals = "4" } } })
    assert.equal("", sessions { feedback = { response_id = { ["not-equals"] = "4" } } })
    assert.equal("c b a", sessions { feedback = {} })
  end)

  it("asks about sessions; an unknown sum is 0 there", function()
    assert.equal("b", session { session_total_cost = { gt = 0.5 } })
    assert.equal("c", session { session_total_cost = { equals = 0 } })
    assert.equal("c a", session { session_total_cost = { lt = 1 } })
    assert.equal("b a", session { session_total_tokens = { equals = 0 } })
    assert.equal("a", session { session_total_requests = { gte = 2 } })
    assert.equal("b", session { session_tag = { equals = "gold" } })
    assert.equal("c a", session { session_tag = { ["not-equals"] = "gold" } })
    assert.equal("c a", session { session_tag = { equals = "" } })
    assert.equal("b", session { session_session_id = { equals = "b" } })
    assert.equal("c b a", session { session_session_name = { equals = "" } })
    assert.equal("c b", session { session_created_at = { gt = "1970-01-01T00:00:01Z" } })
    assert.equal("c b", session { session_latest_request_created_at = { gt = "1970-01-01T00:00:02Z" } })
    assert.equal("c", session { total_tokens = { gt = 1 } })
  end)

  it("asks by the legacy names", function()
    assert.equal("a", sessions { request = { model = { equals = "o3" } } })
    assert.equal("a", sessions { response = { status = { equals = 500 } } })
    assert.equal("c", sessions { response = { body_tokens = { equals = 5 } } })
    assert.equal("a", sessions { request = { prompt = { contains = "day" } } })
    assert.equal("a", sessions { cache_hits = { request_id = { equals = "2" } } })
    assert.equal("", sessions { cache_hits = { request_id = { equals = "1" } } })
    assert.equal("", sessions { cache_hits = { latency = { equals = 90 } } })
    assert.equal("a", sessions { request_response_search = { request_body_vector = { contains = "a da" } } })
  end)

  it("trims with AND, and keeps with OR", function()
    local both = { left = { request_response_rmt = { model = { equals = "o3" } } }, operator = "and",
      right = { sessions_request_response_rmt = { session_total_requests = { equals = 1 } } } }
    assert.equal("a", sessions(both))
    assert.equal(1, ask(db, { filter = both })[1].total_requests)
    both.operator = "or"
    assert.equal("c b a", sessions(both))
    assert.equal(2, ask(db, { filter = both })[3].total_requests)
  end)
end)

describe("errors", function()
  local db = store { { request_id = "1", session_id = "a", created_at = 1 } }

  it("are 400 with the envelope and the place", function()
    for _, case in ipairs {
      { "", "the text ends too early" }, { "{", "the text ends too early" }, { "[]", "the body is an object" },
        { "{}", "missing 'search'" },
      { assert(core.encode(body { filter = { request_response_rmt = { latncy = { gt = 1 } } } })), "/filter/request_response_rmt/latncy" },
      { assert(core.encode(body { limit = 1001 })), "1 to 1000" }, { assert(core.encode(body { x = 1 })), "unknown member 'x'" },
      { "{\"search\":\"\255\"}", "invalid UTF-8" }, { (" "):rep(2 ^ 20 + 1), "more than the 1048576 that are taken" },
    } do
      local status, text = sq.answer("helicone", db, case[1])
      assert.equal(400, status)
      local answer = assert(core.decode(text))
      assert.equal(sq.null, answer.data)
      assert(text:find '^{"data":null,"error":"', text)
      assert(answer.error:find(case[2], 1, true), answer.error)
    end
  end)

  it("of the dialect's name come in a plain envelope", function()
    local status, text = sq.answer("nonsense", db, "{}")
    assert.equal(400, status)
    assert(text:find('^{"error":"unknown dialect \'nonsense\': there are freeplay, helicone, '), text)
    assert.same({ sq.answer("helicone", db, "") }, { sq.answer("helicone", db, nil) }) -- an empty POST
    assert.same({ sq.answer("helicone", db, "{}") }, { sq.answer("helicone", db, {}) })
    assert.has_error(function() sq.answer("helicone", db, 5) end)
    assert.has_error(function() sq.answer("helicone", nil, "{}") end)
  end)

  it("of time are 503", function()
    local path = require "spec.support.vm".path()
    local slow = assert(sq.open(path, { timeout_ms = 1 }))
    local records = {}
    for i = 1, 20000 do records[i] = { request_id = "r" .. i, session_id = "s" .. i % 5000, created_at = i, user_id = "u" .. i } end
    local writer = assert(sq.open(path))
    assert(writer:add(records))
    local status, text = sq.answer("helicone", slow, assert(core.encode(body())))
    assert.equal(503, status, text:sub(1, 100))
    assert(text:find "longer than timeout_ms = 1", text)
    slow:close()
    writer:close()
    require "spec.support.vm".remove(path)
  end)
end)
