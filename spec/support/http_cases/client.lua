--- How the cases ask, and read what they are told.
local assert = require "luassert"
local core = require "sessionquery.core"
local sq = require "sessionquery"

local client = { prefix = "/llm", T = 1700000000 } -- 2023-11-14T22:13:20Z

--- What most cases ask about.
client.records = {
  { request_id = "1", session_id = "a/b", session_name = "Über Plan", created_at = client.T, latency_ms = 100, cost_usd = 0.001,
    prompt_tokens = 10, completion_tokens = 5, user_id = "u2" },
  { request_id = "2", session_id = "a/b", session_name = "Über Plan", created_at = client.T + 60, latency_ms = 300, cost_usd = 0.003,
    prompt_tokens = 20, completion_tokens = 7, user_id = "u1" },
  { request_id = "3", session_id = "s2", session_name = "chat", created_at = client.T + 100, latency_ms = 1000 },
  { request_id = "4", session_id = "s3", created_at = client.T + 200, cost_usd = 1, status = 500 },
  { request_id = "5", created_at = client.T + 300, latency_ms = 77, cost_usd = 100 }, -- of no session
}

local ALL_TIME = { startTimeUnixMs = 0, endTimeUnixMs = 4e12 }

function client.json(value) return (assert(core.encode(value))) end

--- A body of /query and /count, with members replaced.
function client.query_body(members)
  local body = { search = "", timeFilter = ALL_TIME, timezoneDifference = 0, filter = "all" }
  for name, value in pairs(members or {}) do body[name] = value end
  return client.json(body)
end

function client.name_body(members)
  local body = { nameContains = "", timezoneDifference = 0 }
  for name, value in pairs(members or {}) do body[name] = value end
  return client.json(body)
end

--- What is asked for once: POST with JSON, GET otherwise.
function client.request(method, path, body, headers)
  local all = { ["content-type"] = method == "POST" and "application/json" or nil }
  for name, value in pairs(headers or {}) do all[name] = value or nil end
  return { method = method, path = client.prefix .. path, body = body, headers = all }
end

--- The value of an answer in JSON.
function client.decode(answer)
  assert.equal("application/json", answer.headers["content-type"], answer.body)
  local value, message = core.decode(answer.body)
  assert(value, message)
  return value
end

--- The data of an answer that is right.
function client.data_of(answer)
  local value = client.decode(answer)
  assert.equal(200, answer.status, answer.body)
  assert.equal(sq.null, value.error)
  return value.data
end

--- The message of an answer that says what is wrong.
function client.error_of(answer, status)
  local value = client.decode(answer)
  assert.equal(status, answer.status, answer.body)
  assert.equal(sq.null, value.data)
  assert.equal("string", type(value.error))
  assert.equal("no-store", answer.headers["cache-control"]:match "no%-store")
  return value.error
end

function client.names_of(object)
  local names = {}
  for name in pairs(object) do names[#names + 1] = name end
  table.sort(names)
  return table.concat(names, " ")
end

--- The paths that ask with a body, and the least body for each.
client.queries = { "/v1/session/query", "/v1/session/count", "/v1/session/name/query", "/v1/session/metrics/query" }
function client.body_for(path) return path:find "name" and client.name_body() or path:find "metrics" and client.name_body() or client.query_body() end

return client
