--- Each endpoint: what it answers.
local assert = require "luassert"
local client = require "spec.support.http_cases.client"
local sq = require "sessionquery"

local T, records, query_body, name_body = client.T, client.records, client.query_body, client.name_body
local request, data_of, error_of, names_of = client.request, client.data_of, client.error_of, client.names_of

return function(start, busted)
  local describe, it, setup, teardown = busted.describe, busted.it, busted.setup, busted.teardown

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
