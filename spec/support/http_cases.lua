--- What an HTTP client sees, whoever serves: cases for a function that sends a request. `start(options)` gives
--- { send = function(request) → { status =, headers = by lower-case name, body = }, db = a handle on the same store,
--- close = function }. Options: those of http.app that concern what is answered (cors, organization, project, max_body).
--- A request is { method =, path = still encoded, query =, headers =, body = }; the prefix is `cases.prefix`.
local assert = require "luassert"
local core = require "sessionquery.core"
local keys = require "sessionquery.keys"
local sq = require "sessionquery"

local cases = { prefix = "/llm" }

local describe, it, setup, teardown -- busted's, which gives them to spec files only

local T = 1700000000 -- 2023-11-14T22:13:20Z

local records = {
  { request_id = "1", session_id = "a/b", session_name = "Über Plan", created_at = T, latency_ms = 100, cost_usd = 0.001,
    prompt_tokens = 10, completion_tokens = 5, user_id = "u2" },
  { request_id = "2", session_id = "a/b", session_name = "Über Plan", created_at = T + 60, latency_ms = 300, cost_usd = 0.003,
    prompt_tokens = 20, completion_tokens = 7, user_id = "u1" },
  { request_id = "3", session_id = "s2", session_name = "chat", created_at = T + 100, latency_ms = 1000 },
  { request_id = "4", session_id = "s3", created_at = T + 200, cost_usd = 1, status = 500 },
  { request_id = "5", created_at = T + 300, latency_ms = 77, cost_usd = 100 }, -- of no session
}

local ALL_TIME = { startTimeUnixMs = 0, endTimeUnixMs = 4e12 }

local function json(value) return (assert(core.encode(value))) end

--- A body of /query and /count, with members replaced.
local function query_body(members)
  local body = { search = "", timeFilter = ALL_TIME, timezoneDifference = 0, filter = "all" }
  for name, value in pairs(members or {}) do body[name] = value end
  return json(body)
end

local function name_body(members)
  local body = { nameContains = "", timezoneDifference = 0 }
  for name, value in pairs(members or {}) do body[name] = value end
  return json(body)
end

--- What is asked for once: POST with JSON, GET otherwise.
local function request(method, path, body, headers)
  local all = { ["content-type"] = method == "POST" and "application/json" or nil }
  for name, value in pairs(headers or {}) do all[name] = value or nil end
  return { method = method, path = cases.prefix .. path, body = body, headers = all }
end

local function decode(answer)
  assert.equal("application/json", answer.headers["content-type"], answer.body)
  local value, message = core.decode(answer.body)
  assert(value, message)
  return value
end

--- The data of an answer that is right.
local function data_of(answer)
  local value = decode(answer)
  assert.equal(200, answer.status, answer.body)
  assert.equal(sq.null, value.error)
  return value.data
end

--- The message of an answer that says what is wrong.
local function error_of(answer, status)
  local value = decode(answer)
  assert.equal(status, answer.status, answer.body)
  assert.equal(sq.null, value.data)
  assert.equal("string", type(value.error))
  assert.equal("no-store", answer.headers["cache-control"]:match "no%-store")
  return value.error
end

local function names_of(object)
  local names = {}
  for name in pairs(object) do names[#names + 1] = name end
  table.sort(names)
  return table.concat(names, " ")
end

local queries = { "/v1/session/query", "/v1/session/count", "/v1/session/name/query", "/v1/session/metrics/query" }
local function body_for(path) return path:find "name" and name_body() or path:find "metrics" and name_body() or query_body() end

-- ----------------------------------------------------------------------------------------------- the endpoints

local function endpoints(start)
  describe("the endpoints", function()
    local server
    setup(function()
      server = start {}
      assert(server.db:add(records))
    end)
    teardown(function() server.close() end)
    local function post(path, body) return server.send(request("POST", path, body)) end
    local function get(path, headers) return server.send(request("GET", path, nil, headers)) end

    it("/query: every member of a session, newest first", function()
      local answer = post("/v1/session/query", query_body { timezoneDifference = 330 })
      local data = data_of(answer)
      assert.equal("private, no-store", answer.headers["cache-control"])
      assert.equal(3, #data)
      assert.same({ "s3", "s2", "a/b" }, { data[1].session_id, data[2].session_id, data[3].session_id })
      assert.same({ created_at = "2023-11-15T03:43:20.000+05:30", latest_request_created_at = "2023-11-15T03:44:20.000+05:30",
        session_id = "a/b", session_name = "Über Plan", total_cost = 0.004, total_requests = 2, prompt_tokens = 30, completion_tokens = 12,
        total_tokens = 42, avg_latency = 200, user_ids = { "u1", "u2" } }, data[3])
      assert.equal("avg_latency completion_tokens created_at latest_request_created_at prompt_tokens session_id session_name total_cost "
        .. "total_requests total_tokens user_ids", names_of(data[1]))
      assert(answer.body:find('"session_name":"","total_cost":1,', 1, true), answer.body)
      assert(answer.body:find('"avg_latency":0,"user_ids":[]', 1, true), answer.body)
    end)

    it("/query: search, nameEquals, offset, limit, times, filter", function()
      local function ids(members)
        local list = {}
        for i, row in ipairs(data_of(post("/v1/session/query", query_body(members)))) do list[i] = row.session_id end
        return table.concat(list, " ")
      end
      assert.equal("a/b", ids { search = "ÜBER" })
      assert.equal("s3 s2", ids { search = "S" })
      assert.equal("s3", ids { nameEquals = "" })
      assert.equal("s2", ids { limit = 1, offset = 1 })
      assert.equal("s2 a/b", ids { timeFilter = { startTimeUnixMs = 0, endTimeUnixMs = (T + 200) * 1000 } })
      assert.equal("", ids { timeFilter = { startTimeUnixMs = 5, endTimeUnixMs = 5 } })
      assert.equal("s3", ids { filter = { request_response_rmt = { status = { gte = 500 } } } })
      assert.equal("a/b", ids { filter = { sessions_request_response_rmt = { session_total_requests = { gt = 1 } } } })
      assert.equal("a/b", ids { filter = { request_response_rmt = { properties = { ["Helicone-Session-Id"] = { equals = "a/b" } } } } })
    end)

    it("/count: totals, and means per session", function()
      local data = data_of(post("/v1/session/count", query_body()))
      assert.equal("avg_cost avg_latency avg_requests count total_cost", names_of(data))
      assert.equal(3, data.count)
      assert.equal(1.004, data.total_cost)
      assert.near(1.004 / 3, data.avg_cost, 1e-12)
      assert.near(1400 / 3, data.avg_latency, 1e-9) -- of the sum of each session
      assert.near(4 / 3, data.avg_requests, 1e-12)
      assert.same(data, data_of(post("/v1/session/count", query_body { offset = 2, limit = 1 }))) -- of all pages
      assert.same({ count = 1, total_cost = 0.004, avg_cost = 0.004, avg_latency = 400, avg_requests = 2 },
        data_of(post("/v1/session/count", query_body { search = "über" })))
      assert.same({ count = 0, total_cost = 0, avg_cost = 0, avg_latency = 0, avg_requests = 0 },
        data_of(post("/v1/session/count", query_body { search = "nobody" })))
    end)

    it("/name/query: sessions by name, last used first, the unnamed as \"\"", function()
      local data = data_of(post("/v1/session/name/query", name_body { timezoneDifference = -60 }))
      assert.same({
        { name = "", created_at = "2023-11-14T21:16:40.000-01:00", first_used = "2023-11-14T21:16:40.000-01:00",
          last_used = "2023-11-14T21:16:40.000-01:00", session_count = 1, avg_latency = 0 },
        { name = "chat", created_at = "2023-11-14T21:15:00.000-01:00", first_used = "2023-11-14T21:15:00.000-01:00",
          last_used = "2023-11-14T21:15:00.000-01:00", session_count = 1, avg_latency = 1000 },
        { name = "Über Plan", created_at = "2023-11-14T21:13:20.000-01:00", first_used = "2023-11-14T21:13:20.000-01:00",
          last_used = "2023-11-14T21:14:20.000-01:00", session_count = 1, avg_latency = 200 },
      }, data)
      assert.equal("Über Plan", data_of(post("/v1/session/name/query", name_body { nameContains = "PLAN" }))[1].name)
      assert.same({}, data_of(post("/v1/session/name/query", name_body { nameContains = "nobody" })))
      assert.equal(1, #data_of(post("/v1/session/name/query", name_body { filter = { request_response_rmt = { status = { equals = 500 } } } })))
      assert.equal(1, #data_of(post("/v1/session/name/query", name_body { timeFilter = { startTimeUnixMs = 0, endTimeUnixMs = (T + 1) * 1000 } })))
    end)

    it("/metrics/query: ten buckets of what the percentile leaves, means of all", function()
      local data = data_of(post("/v1/session/metrics/query", name_body { pSize = "p99" }))
      assert.equal("average session_cost session_count session_duration", names_of(data))
      for _, name in ipairs { "session_count", "session_duration", "session_cost" } do
        local buckets, sum = data[name], 0
        assert.equal(10, #buckets, name)
        for i, bucket in ipairs(buckets) do
          assert.equal("range_end range_start value", names_of(bucket))
          assert.equal("string", type(bucket.range_start))
          if i > 1 then assert.equal(buckets[i - 1].range_end, bucket.range_start) end
          sum = sum + bucket.value
        end
        assert.equal(3, sum, name)
      end
      assert.same({ "1", "1.1", "1.9", "2" },
        { data.session_count[1].range_start, data.session_count[1].range_end, data.session_count[10].range_start, data.session_count[10].range_end })
      assert.same({ 2, 1 }, { data.session_count[1].value, data.session_count[10].value })
      assert.same({ "0", "60.3" }, { data.session_duration[1].range_start, data.session_duration[10].range_end })
      assert.same({ "0", "1" }, { data.session_cost[1].range_start, data.session_cost[10].range_end })
      assert.near(4 / 3, data.average.session_count[1].average, 1e-12)
      assert.near(61.3 / 3, data.average.session_duration[1].average, 1e-9)
      assert.near(1.004 / 3, data.average.session_cost[1].average, 1e-12)
    end)

    it("/metrics/query: equal values are one bucket, none is []", function()
      local data = data_of(post("/v1/session/metrics/query", name_body { pSize = "p50" })) -- 1, 1, 2: the second smallest
      assert.same({ { range_start = "1", range_end = "1", value = 2 } }, data.session_count)
      data = data_of(post("/v1/session/metrics/query", name_body { nameContains = "nobody" }))
      assert.same({ session_count = {}, session_duration = {}, session_cost = {}, average = { session_count = { { average = 0 } },
        session_duration = { { average = 0 } }, session_cost = { { average = 0 } } } }, data)
    end)

    it("/has-session", function()
      assert.equal(true, data_of(get "/v1/session/has-session"))
      local empty = start {}
      assert.equal(false, data_of(empty.send(request("GET", "/v1/session/has-session"))))
      assert(empty.db:add { request_id = "x", created_at = T }) -- of no session
      assert.equal(false, data_of(empty.send(request("GET", "/v1/session/has-session"))))
      empty.close()
    end)

    it("/{id}/feedback is kept, as text of a property too", function()
      local function rated(value)
        local body = query_body { filter = { request_response_rmt = { properties = { ["Helicone-Session-Feedback"] = { equals = value } } } } }
        local list = {}
        for i, row in ipairs(data_of(post("/v1/session/query", body))) do list[i] = row.session_id .. row.total_requests end
        return table.concat(list, " ")
      end
      assert.equal("", rated "1")
      assert.equal(sq.null, data_of(post("/v1/session/a%2Fb/feedback", '{"rating":true}')))
      assert.equal("a/b2", rated "1")
      assert.equal("", rated "0")
      assert.equal(sq.null, data_of(post("/v1/session/a%2fb/feedback", '{"rating":false}')))
      assert.equal("", rated "1")
      assert.equal("a/b2", rated "0") -- the newest counts
      local row = assert(server.db:session("a/b")):get()
      assert.equal(2, row.own_feedback_stats["helicone-session-feedback"].n)
      error_of(post("/v1/session/nobody/feedback", '{"rating":true}'), 404)
    end)

    it("/{id}/tag: the newest, tags accumulate", function()
      assert.equal(sq.null, data_of(get "/v1/session/s2/tag"))
      assert.equal("first", data_of(post("/v1/session/s2/tag", '{"tag":"first"}')))
      assert.equal("zweite \"Ü\"", data_of(post("/v1/session/s2/tag", '{"tag":"zweite \\"\\u00dc\\""}')))
      assert.equal("zweite \"Ü\"", data_of(get "/v1/session/s2/tag"))
      assert.equal("first", data_of(post("/v1/session/s2/tag", '{"tag":"first"}')))
      assert.equal("first", data_of(get "/v1/session/s2/tag"))
      assert.same({ "first", "zweite \"Ü\"" }, assert(server.db:session("s2")):get().tags)
      local tagged = query_body { filter = { sessions_request_response_rmt = { session_tag = { equals = "first" } } } }
      assert.equal("s2", data_of(post("/v1/session/query", tagged))[1].session_id)
      error_of(get "/v1/session/nobody/tag", 404)
      error_of(post("/v1/session/nobody/tag", '{"tag":"x"}'), 404)
    end)

    it("/healthz, /metrics", function()
      local answer = get "/healthz"
      assert.equal(200, answer.status)
      assert.equal('{"status":"ok"}', answer.body)
      answer = get "/metrics"
      assert.equal(200, answer.status)
      assert.equal("text/plain; version=0.0.4; charset=utf-8", answer.headers["content-type"])
      assert(answer.body:find "# TYPE sessionquery_", answer.body)
    end)
  end)
end

-- ------------------------------------------------------------------------------------------------------ errors

local function errors(start)
  describe("errors", function()
    local server
    setup(function()
      server = start { max_body = 4096 }
      assert(server.db:add(records))
    end)
    teardown(function() server.close() end)

    it("400: every wrong body says where", function()
      local wrong = {
        { "/v1/session/query", "", "the text ends" },
        { "/v1/session/query", "{", "ends" },
        { "/v1/session/query", "[]", "the body is an object" },
        { "/v1/session/query", query_body { limit = 0 }, "at /limit" },
        { "/v1/session/query", query_body { limit = 1001 }, "at /limit" },
        { "/v1/session/query", query_body { filter = { request_response_rmt = { latncy = { gt = 1 } } } },
          "unknown column 'latncy', did you mean 'latency'.*%(at /filter/request_response_rmt/latncy" },
        { "/v1/session/query", '{"search":"\255"}', "invalid UTF%-8" },
        { "/v1/session/query", '{"search":"\\u0000"}', "U%+0000" },
        { "/v1/session/count", "{}", "missing 'search'" },
        { "/v1/session/count", query_body { nameContains = "" }, "unknown member 'nameContains'" },
        { "/v1/session/name/query", "{}", "missing 'nameContains'" },
        { "/v1/session/name/query", name_body { search = "" }, "unknown member 'search'" },
        { "/v1/session/name/query", name_body { pSize = "p50" }, "unknown member 'pSize'" },
        { "/v1/session/name/query", '{"nameContains":""}', "missing 'timezoneDifference'" },
        { "/v1/session/metrics/query", name_body { pSize = "p51" }, "at /pSize" },
        { "/v1/session/metrics/query", name_body { pSize = 50 }, "at /pSize" },
        { "/v1/session/metrics/query", name_body { useInterquartile = 1 }, "at /useInterquartile" },
        { "/v1/session/s2/feedback", "{}", "missing 'rating'" },
        { "/v1/session/s2/feedback", '{"rating":1}', "at /rating" },
        { "/v1/session/s2/feedback", '{"rating":true,"more":1}', "at /more" },
        { "/v1/session/s2/feedback", "true", "the body is an object" },
        { "/v1/session/s2/feedback", "", "the text ends" },
        { "/v1/session/s2/tag", '{"tag":null}', "at /tag" },
        { "/v1/session/s2/tag", '{"tag":""}', "not empty" },
        { "/v1/session/s2/tag", '{"tag":"a","tag":"b"}', "stands twice" },
      }
      for _, case in ipairs(wrong) do
        local message = error_of(server.send(request("POST", case[1], case[2])), 400)
        assert(message:find(case[3]), case[1] .. " " .. case[2] .. ": " .. message)
      end
    end)

    it("400: paths that say nothing", function()
      for _, id in ipairs { "%", "%2", "%zz", "a%00b", "%ff", "%c3%28", "..", ".", "%2e%2e", "%ed%a0%80" } do
        local answer = server.send(request("GET", "/v1/session/" .. id .. "/tag"))
        assert(answer.status == 400 or answer.status == 404 and id:find "^[%%.2e]+$", id .. answer.status)
      end
      error_of(server.send(request("GET", "/v1/session/%zz/tag")), 400)
      error_of(server.send(request("GET", "/v1/session/%c3%28/tag")), 400)
    end)

    it("404: nothing there", function()
      for _, path in ipairs { "/v1/session", "/v1/session/", "/v2/session/query", "/v1/session/query/", "/v1/session/a/b/tag", "/v1/session//tag",
        "/v1/sessions/query", "/V1/session/query", "/v1/session/name", "/healthz/x" } do
        error_of(server.send(request("GET", path)), 404)
      end
    end)

    it("405: with the methods that there are", function()
      for _, path in ipairs(queries) do
        local answer = server.send(request("GET", path))
        error_of(answer, 405)
        assert.equal("POST", answer.headers.allow)
      end
      for path, allow in pairs { ["/v1/session/has-session"] = "GET, HEAD", ["/v1/session/x/tag"] = "GET, HEAD, POST", ["/v1/session/x/feedback"] = "POST",
        ["/healthz"] = "GET, HEAD", ["/metrics"] = "GET, HEAD" } do
        for _, method in ipairs { "PUT", "DELETE", "PATCH", "OPTIONS" } do
          local answer = server.send(request(method, path))
          error_of(answer, 405)
          assert.equal(allow, answer.headers.allow)
        end
      end
    end)

    it("413: more than is taken", function()
      error_of(server.send(request("POST", "/v1/session/query", query_body { search = ("x"):rep(5000) })), 413)
    end)

    it("415: no JSON", function()
      for _, kind in ipairs { false, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/jsonp", "multipart/form-data" } do
        error_of(server.send(request("POST", "/v1/session/query", query_body(), { ["content-type"] = kind })), 415)
      end
      error_of(server.send(request("POST", "/v1/session/query", query_body(), { ["content-encoding"] = "gzip" })), 415)
      for _, kind in ipairs { "application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"' } do
        data_of(server.send(request("POST", "/v1/session/query", query_body(), { ["content-type"] = kind })))
      end
    end)

    it("hostile texts are texts", function()
      local hostile = { "'; DROP TABLE request; --", "\" OR 1=1", "%27%3B", "../../../etc/passwd", "{{7*7}}", "${x}", "<script>", "a\nb", "\\", "%", "_" }
      for _, text in ipairs(hostile) do
        for _, body in ipairs { query_body { search = text }, query_body { nameEquals = text },
          query_body { filter = { request_response_rmt = { model = { equals = text, ["not-equals"] = text, ilike = text:find "\\" and "x" or text } } } },
          query_body { filter = { request_response_rmt = { properties = { [text] = { contains = text } } } } } } do
          local answer = server.send(request("POST", "/v1/session/query", body))
          assert(answer.status == 200 or answer.status == 400, body .. answer.body)
          data_of(server.send(request("POST", "/v1/session/count", query_body { search = text })))
        end
        local encoded = text:gsub("[^%w]", function(byte) return ("%%%02X"):format(byte:byte()) end)
        local answer = server.send(request("GET", "/v1/session/" .. encoded .. "/tag"))
        assert(answer.status == 404, text .. answer.status)
      end
      assert.equal(3, #data_of(server.send(request("POST", "/v1/session/query", query_body()))))
    end)

    it("deep JSON ends in an error", function()
      for _, body in ipairs { ("["):rep(3000), ('{"filter":'):rep(300), ("["):rep(1500) .. ("]"):rep(1500),
        '{"search":"","timeFilter":{"startTimeUnixMs":1e999999,"endTimeUnixMs":2},"timezoneDifference":0,"filter":{}}x' } do
        for _, path in ipairs(queries) do error_of(server.send(request("POST", path, body)), 400) end
      end
    end)
  end)
end

-- -------------------------------------------------------------------------------------------- caching, HEAD, CORS

local function protocol(start)
  describe("the protocol", function()
    local server
    setup(function()
      server = start { cors = { "https://app.example", "http://localhost:3000" } }
      assert(server.db:add(records))
    end)
    teardown(function() server.close() end)
    local function get(path, headers, query)
      local asked = request("GET", path, nil, headers)
      asked.query = query
      return server.send(asked)
    end

    it("ETags are weak, and 304 answers who has it", function()
      for _, path in ipairs { "/v1/session/has-session", "/v1/session/s2/tag" } do
        local first = get(path)
        local tag = first.headers.etag
        assert(tag:find '^W/"%x+"$', tag)
        assert.equal("private, no-cache", first.headers["cache-control"])
        for _, known in ipairs { tag, tag:sub(3), '"x", ' .. tag .. ' , W/"y"', "*" } do
          local again = get(path, { ["if-none-match"] = known })
          assert.equal(304, again.status, known)
          assert.equal("", again.body)
          assert.equal(tag, again.headers.etag)
        end
        for _, other in ipairs { '"x"', 'W/"y"', "x", tag:upper():gsub("%x", "0") } do
          assert.equal(200, get(path, { ["if-none-match"] = other }).status, other)
        end
        assert.are_not.equal(tag, get(path, nil, "x=1").headers.etag)
        assert.equal(200, get(path, { ["if-none-match"] = tag }, "x=1").status)
      end
    end)

    it("an ETag changes with every commit that could change the answer", function()
      local db = server.db
      local seen = {}
      local function is_new(path, what)
        local tag = get(path).headers.etag
        assert.is_nil(seen[path .. tag], what)
        assert.equal(200, get(path, { ["if-none-match"] = 'W/"0"' }).status)
        seen[path .. tag] = true
      end
      local tag_path, any_path = "/v1/session/s2/tag", "/v1/session/has-session"
      is_new(tag_path, "at first")
      is_new(any_path, "at first")
      assert(db:add { request_id = "new", session_id = "n", created_at = T })
      is_new(any_path, "add")
      is_new(tag_path, "add")
      assert(db:add { request_id = "new", session_id = "other", created_at = T })
      is_new(any_path, "replace")
      assert(db:update { request_id = "new", model = "m" })
      is_new(any_path, "update")
      assert(db:delete { request = "new" })
      is_new(any_path, "delete")
      assert(db:feedback { request_id = "1", key = "k", score = 1 })
      is_new(any_path, "feedback")
      assert(db:tag("s2", "one"))
      is_new(tag_path, "tag")
      assert(db:tag("s2", "two"))
      is_new(tag_path, "tag again")
    end)

    it("POST answers have no ETag and are never kept", function()
      local answer = server.send(request("POST", "/v1/session/count", query_body(), { ["if-none-match"] = "*" }))
      assert.equal(200, answer.status)
      assert.is_nil(answer.headers.etag)
      assert.equal("private, no-store", answer.headers["cache-control"])
    end)

    it("HEAD is GET without the body", function()
      for _, path in ipairs { "/v1/session/has-session", "/v1/session/s2/tag", "/healthz" } do
        local head, whole = server.send(request("HEAD", path)), get(path)
        assert.equal(200, head.status)
        assert.equal("", head.body)
        assert.equal(whole.headers.etag, head.headers.etag)
        assert.equal(whole.headers["content-type"], head.headers["content-type"])
        assert.equal(("%d"):format(#whole.body), head.headers["content-length"])
      end
      assert.equal(405, server.send(request("HEAD", "/v1/session/query")).status)
      assert.equal(404, server.send(request("HEAD", "/v1/session/nobody/tag")).status)
    end)

    it("CORS: an origin that is named may ask, with every method of the path", function()
      local ask = { origin = "https://app.example", ["access-control-request-method"] = "POST",
        ["access-control-request-headers"] = "authorization,content-type" }
      local answer = server.send(request("OPTIONS", "/v1/session/query", nil, ask))
      assert.equal(204, answer.status)
      assert.equal("", answer.body)
      assert.equal("https://app.example", answer.headers["access-control-allow-origin"])
      assert.equal("POST", answer.headers["access-control-allow-methods"])
      assert(answer.headers["access-control-allow-headers"]:find "Authorization")
      assert(answer.headers["access-control-allow-headers"]:find "Content%-Type")
      assert(answer.headers.vary:find "Origin")
      answer = get("/v1/session/has-session", { origin = "http://localhost:3000" })
      assert.equal(200, answer.status)
      assert.equal("http://localhost:3000", answer.headers["access-control-allow-origin"])
      assert(answer.headers.vary:find "Origin" and answer.headers.vary:find "Authorization")
      assert.equal("https://app.example", get("/nothing", { origin = "https://app.example" }).headers["access-control-allow-origin"])
    end)

    it("CORS: others may not", function()
      for _, origin in ipairs { "https://evil.example", "null", "https://app.example.evil", "http://app.example" } do
        local answer = server.send(request("OPTIONS", "/v1/session/query", nil, { origin = origin, ["access-control-request-method"] = "POST" }))
        assert.equal(403, answer.status, origin)
        assert.is_nil(answer.headers["access-control-allow-origin"])
        answer = get("/v1/session/has-session", { origin = origin })
        assert.is_nil(answer.headers["access-control-allow-origin"])
      end
      local silent = start {}
      local answer = silent.send(request("GET", "/v1/session/has-session", nil, { origin = "https://app.example" }))
      assert.equal(200, answer.status)
      for name in pairs(answer.headers) do assert(not name:find "^access%-control", name) end
      assert.equal(405, silent.send(request("OPTIONS", "/v1/session/query", nil,
        { origin = "https://app.example", ["access-control-request-method"] = "POST" })).status)
      silent.close()
    end)
  end)
end

-- -------------------------------------------------------------------------------------------------------- keys

local function tenants(start)
  describe("keys", function()
    local server, text = nil, {}
    setup(function()
      server = start { cors = "https://app.example" }
      for _, organization in ipairs { "acme", "globex" } do
        for i, project in ipairs { "default", "web" } do
          assert(server.db:add { request_id = organization .. i, organization_id = organization, project = project, session_id = "shared",
            session_name = organization .. " " .. project, created_at = T + i, cost_usd = i })
          assert(server.db:add { request_id = organization .. i .. "own", organization_id = organization, project = project,
            session_id = organization .. "-" .. project, created_at = T + 10 + i, cost_usd = i })
        end
      end
      local function make(name, options) text[name] = assert(keys.create(server.db, options)) end
      make("acme", { organization = "acme", rights = { "query" } })
      make("acme web", { organization = "acme", project = "web", rights = { "query", "record" } })
      make("globex", { organization = "globex", rights = { "query", "record" } })
      make("globex web", { organization = "globex", project = "web", rights = { "query", "record" } })
      make("recorder", { organization = "acme", rights = { "record" } })
      make("admin", { organization = "acme", rights = { "admin" } })
    end)
    teardown(function() server.close() end)
    local function bearer(name) return { authorization = "Bearer " .. (text[name] or name) } end
    local function post(name, path, body) return server.send(request("POST", path, body, bearer(name))) end
    local function get(name, path, headers)
      local all = bearer(name)
      for header, value in pairs(headers or {}) do all[header] = value end
      return server.send(request("GET", path, nil, all))
    end

    it("401: none, or none that is known", function()
      local id = text.acme:match "^[^.]+"
      local wrong = { false, "", "Bearer", "Bearer ", "Basic " .. text.acme, text.acme, "Bearer x", "Bearer " .. id, "Bearer " .. id .. "." .. ("0"):rep(64),
        "Bearer " .. text.acme .. "0", "Bearer " .. text.acme .. " " .. text.acme }
      for _, value in ipairs(wrong) do
        local answer = server.send(request("POST", "/v1/session/query", query_body(), { authorization = value }))
        error_of(answer, 401)
        assert(answer.headers["www-authenticate"]:find "^Bearer")
        assert(not answer.body:find(id, 1, true))
      end
      for _, value in ipairs { "", "x", text.acme .. "0", "Bearer " .. text.acme } do
        error_of(server.send(request("POST", "/v1/session/query", query_body(), { ["x-api-key"] = value })), 401)
      end
      assert.equal(200, server.send(request("POST", "/v1/session/query", query_body(), { ["x-api-key"] = text.acme })).status)
      error_of(server.send(request("GET", "/v1/session/shared/tag")), 401)
      error_of(server.send(request("GET", "/no/such/path")), 401)
      assert.equal(200, server.send(request("GET", "/healthz")).status)
      local preflight = server.send(request("OPTIONS", "/v1/session/query", nil, { origin = "https://app.example", ["access-control-request-method"] = "POST" }))
      assert.equal(204, preflight.status)
    end)

    it("403: not the right", function()
      for name, paths in pairs {
        acme = { POST = { "/v1/session/shared/feedback", "/v1/session/shared/tag" }, GET = { "/metrics" } },
        recorder = { POST = queries, GET = { "/v1/session/has-session", "/v1/session/shared/tag", "/metrics" } },
        admin = { POST = queries, GET = { "/v1/session/has-session" } },
      } do
        for method, list in pairs(paths) do
          for _, path in ipairs(list) do
            error_of(server.send(request(method, path, method == "POST" and body_for(path) or nil, bearer(name))), 403)
          end
        end
      end
      assert.equal(200, get("admin", "/metrics").status)
    end)

    it("a key sees its own organization and project alone, whatever is asked", function()
      local function sessions(name, members)
        local list = {}
        for i, row in ipairs(data_of(post(name, "/v1/session/query", query_body(members)))) do list[i] = row.session_id .. row.total_cost end
        table.sort(list)
        return table.concat(list, " ")
      end
      assert.equal("acme-default1 acme-web2 shared1 shared2", sessions "acme")
      assert.equal("acme-web2 shared2", sessions "acme web")
      assert.equal("globex-default1 globex-web2 shared1 shared2", sessions "globex")
      local theirs = { request_response_rmt = { organization_id = { equals = "globex" } } }
      assert.equal("", sessions("acme", { filter = theirs }))
      assert.equal("acme-default1 acme-web2 shared1 shared2", sessions("acme", { filter = { left = theirs, operator = "or", right = "all" } }))
      assert.equal("", sessions("acme", { search = "globex" }))
      assert.equal("", sessions("acme", { filter = { request_response_rmt = { request_id = { equals = "globex1" } } } }))
      assert.equal("", sessions("acme", { filter = { request = { org_id = { equals = "globex" } } } }))
      for name, count in pairs { acme = 4, ["acme web"] = 2, globex = 4 } do
        assert.equal(count, data_of(post(name, "/v1/session/count", query_body())).count)
        local named = 0
        for _, row in ipairs(data_of(post(name, "/v1/session/name/query", name_body()))) do
          assert(row.name == "" or row.name:find(name:match "%S+", 1, true), row.name)
          named = named + row.session_count
        end
        assert.equal(count, named)
        local values = 0
        for _, bucket in ipairs(data_of(post(name, "/v1/session/metrics/query", name_body { pSize = "p99.9" })).session_count) do values = values + bucket.value end
        assert.equal(count, values)
      end
    end)

    it("a key reaches no session of another, by tag or feedback", function()
      error_of(get("acme", "/v1/session/globex-web/tag"), 404)
      error_of(post("globex", "/v1/session/acme-web/feedback", '{"rating":true}'), 404)
      error_of(post("globex", "/v1/session/acme-web/tag", '{"tag":"x"}'), 404)
      assert.equal(get("acme", "/v1/session/globex-web/tag").body:gsub("globex%-web", "ID"), get("acme", "/v1/session/nobody/tag").body:gsub("nobody", "ID"))
      error_of(post("globex", "/v1/session/shared/tag", '{"tag":"secret"}'), 400) -- in two projects: which
      assert.equal("ours", data_of(post("globex web", "/v1/session/shared/tag", '{"tag":"ours"}')))
      assert.equal(sq.null, data_of(post("globex web", "/v1/session/shared/feedback", '{"rating":true}')))
      assert.equal(sq.null, data_of(get("acme web", "/v1/session/shared/tag")))
      assert.equal("ours", data_of(get("globex web", "/v1/session/shared/tag")))
      local rated = query_body { filter = { request_response_rmt = { properties = { ["Helicone-Session-Feedback"] = { equals = "1" } } } } }
      assert.equal(0, #data_of(post("acme", "/v1/session/query", rated)))
      assert.equal(1, #data_of(post("globex", "/v1/session/query", rated)))
      local tagged = query_body { filter = { sessions_request_response_rmt = { session_tag = { contains = "our" } } } }
      assert.equal(0, #data_of(post("acme", "/v1/session/query", tagged)))
      assert.equal(1, #data_of(post("globex", "/v1/session/query", tagged)))
    end)

    it("an ETag is of one caller, and tells nothing of others", function()
      for _, path in ipairs { "/v1/session/has-session", "/v1/session/shared/tag" } do
        local mine, theirs = get("acme web", path).headers.etag, get("globex web", path).headers.etag
        assert.are_not.equal(mine, theirs)
        assert.equal(200, get("acme web", path, { ["if-none-match"] = theirs }).status)
        assert.equal(304, get("acme web", path, { ["if-none-match"] = mine }).status)
        assert(server.db:add { request_id = "later", organization_id = "globex", session_id = "later", created_at = T })
        data_of(post("globex web", "/v1/session/shared/tag", '{"tag":"' .. path .. '"}'))
        assert.equal(mine, get("acme web", path).headers.etag)
      end
      local before = get("acme web", "/v1/session/shared/tag").headers.etag
      data_of(post("acme web", "/v1/session/shared/tag", '{"tag":"mine"}'))
      assert.are_not.equal(before, get("acme web", "/v1/session/shared/tag").headers.etag)
    end)
  end)
end

--- Describes all cases.
---@param start fun(options: table): table
---@param busted table with describe, it, setup and teardown
function cases.describe(start, busted)
  describe, it, setup, teardown = busted.describe, busted.it, busted.setup, busted.teardown
  endpoints(start)
  errors(start)
  protocol(start)
  tenants(start)
end

return cases
