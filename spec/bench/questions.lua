--- What the session bench asks of us, by the public API, and the answers in the form in which all are compared:
--- lists of values, money in nano-dollars, times in microseconds, absent values sq.null.
local sq = require "sessionquery"

local NEWEST = 50

local function micro(seconds) return math.floor(seconds * 1e6 + 0.5) end
local function nano(dollars) return dollars and math.floor(dollars * 1e9 + 0.5) end

--- A list with sq.null in its gaps.
local function list(...)
  local values = table.pack(...)
  for i = 1, values.n do
    if values[i] == nil then values[i] = sq.null end
  end
  values.n = nil
  return values
end

-- ---------------------------------------------------------------------------------------------------- answers

local function sums_of(row)
  return list(row.organization_id, row.project, row.id, row.name, micro(row.created_at), micro(row.latest_request_created_at),
    nano(row.total_cost_usd), row.total_requests, row.prompt_tokens, row.completion_tokens, row.total_tokens, row.avg_latency_ms,
    row.user_ids)
end

local function ranks_of(row)
  return list(row.organization_id, row.project, row.id, nano(row.total_cost_usd), row.total_requests, row.latency_p50_ms,
    row.latency_p99_ms, row.error_rate, #row.user_ids)
end

local function request_of(row)
  local streamed
  if row.streamed ~= nil then streamed = row.streamed and 1 or 0 end
  local properties = row.properties
  return list(row.request_id, row.session_name, row.user_id, row.model, row.provider, row.error, micro(row.created_at),
    row.latency_ms, row.time_to_first_token_ms, row.status, row.prompt_tokens, row.completion_tokens, nano(row.cost_usd), streamed,
    properties.feature, properties.env, properties.plan, row.scores.quality)
end

local function map(rows, of)
  local mapped = {}
  for i, row in ipairs(rows) do mapped[i] = of(row) end
  return mapped
end

local function sums(rows) return map(rows, sums_of) end
local function ranks(rows) return map(rows, ranks_of) end

-- -------------------------------------------------------------------------------------------------- questions

local function newest(db) return db:sessions():limit(NEWEST) end
local function slow(p) return ("model = '%s' and latency_ms > %d"):format(p.model, p.latency) end
local function found(text) return ("session.id contains '%s' or session.name contains '%s'"):format(text, text) end

--- Each: id, title, query(db, parameters), and what becomes of it. `answer` of a query gives what is timed, `rows` of that
--- gives what is compared.
local questions = {}

local function all(query) return assert(query:all()) end

local function add(id, title, query, rows, answer)
  questions[#questions + 1] = { id = id, title = title, query = query, rows = rows, answer = answer or all }
end

add("Q1", "last day of thirty", function(db, p) return newest(db):window(p.from / 1e6, nil) end, sums)
add("Q2", "all time", newest, sums)
add("Q2c", "all time, by created_at", function(db) return newest(db):order_by "-created_at" end, sums)
add("Q3", "model and latency > 1000", function(db, p) return newest(db):where(slow(p)) end, sums)
add("Q4", "keep cost > x and requests >= 5", function(db, p)
  return newest(db):where(("session.total_cost_usd > %.9f and session.total_requests >= %d"):format(p.cost / 1e9, p.requests))
end, sums)
add("Q5", "name or id contains a word", function(db, p) return newest(db):where(found(p.needle)) end, sums)
add("Q5h", "name or id contains hex", function(db, p) return newest(db):where(found(p.hex)) end, sums)
add("Q6", "a property equals", function(db, p) return newest(db):where(("properties.feature = '%s'"):format(p.feature)) end, sums)
add("Q7", "by cost; p50 p99 errors users", function(db) return newest(db):order_by "-total_cost_usd" end, ranks)
add("Q8", "by p99 latency", function(db) return newest(db):order_by "-latency_p99_ms" end, ranks)

local function session_of(db, p) return assert(db:session(p.session, { organization = p.organization, project = p.project })) end

add("Q9", "one session and its requests", function(db, p) return session_of(db, p):requests() end, function(answer)
  local rows = { sums_of(answer.session) }
  return table.move(map(answer.requests, request_of), 1, #answer.requests, 2, rows)
end, function(query, db, p) return { session = assert(session_of(db, p):get()), requests = assert(query:all()) } end)

add("Q10", "filter that most rows pass", function(db, p) return newest(db):where(("latency_ms > %d"):format(p.least)) end, sums)
add("Q11", "count of the sessions of Q3", function(db, p) return db:sessions():where(slow(p)) end, function(count)
  return { { count } }
end, function(query) return assert(query:count()) end)

-- ------------------------------------------------------------------------------------------------ Helicone's

--- Bodies of Helicone's POST /v1/session/query; their answers are text, so they are timed but not compared.
local function body(search, filter)
  return ('{"search":"%s","timeFilter":{"startTimeUnixMs":0,"endTimeUnixMs":4e12},"timezoneDifference":0,"filter":%s,"limit":50}')
    :format(search, filter)
end

local bodies = {
  { "H2c", "Helicone's body, as Q2c", function() return body("", '"all"') end },
  { "H3", "Helicone's body, filter of Q3", function(p)
    return body("", ('{"request_response_rmt":{"model":{"equals":"%s"},"latency":{"gt":%d}}}'):format(p.model, p.latency))
  end },
  { "H5", "Helicone's body, search of Q5", function(p) return body(p.needle, '"all"') end },
}

local function helicone(text) return function(db, p) return assert(sq.query("helicone", text(p))):on(db) end end

local ours_only = {}
for i, one in ipairs(bodies) do
  ours_only[i] = { id = one[1], title = one[2], query = helicone(one[3]), answer = function(query) return assert(query:json()) end }
end

return { compared = questions, ours_only = ours_only }
