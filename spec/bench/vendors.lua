--- The vendors' questions at a million runs: part of `make bench`, BENCH_RUNS=…, BENCH_PROJECTS=…. Beside each stands the same
--- question as one would write it by hand in SQL (by_hand.c), over a table with just the columns that it needs, with indexes
--- made for it, all of it in SQLite's cache.
package.path = "./?.lua;lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = "build/5.4/?.so;" .. package.cpath
local core = require "sessionquery.core"
local http = require "sessionquery.http"
local runs = require "spec.bench.runs"
local sq = require "sessionquery"

local RUNS = tonumber(os.getenv "BENCH_RUNS") or 1000000
local PROJECTS = tonumber(os.getenv "BENCH_PROJECTS") or 100
local ROUNDS = 5
local folder = "build/bench/"
local ours, hand = folder .. "vendors.db", folder .. "vendors_by_hand.db"

-- --------------------------------------------------------------------------------------------------- by hand

local function by_hand(what, sql)
  local script = folder .. "vendors.sql"
  local file <close> = assert(io.open(script, "w"))
  file:write(sql)
  file:close()
  local pipe = assert(io.popen(('%sby_hand %s %s "$(cat %s)"'):format(folder, what, hand, script)))
  local output = pipe:read "*a"
  assert(pipe:close(), what)
  return tonumber(output)
end

local TABLES = ([[
  PRAGMA journal_mode = off; PRAGMA synchronous = off; ATTACH '%s' AS ours;
  CREATE TABLE run AS SELECT request_id AS id, project, session_id, parent_id, run_type, created_at_us AS start, latency_ms, time_to_first_token_ms
    AS first_token_ms, streamed, error, status, model, environment, prompt_tokens, completion_tokens, cost_nano_usd AS cost,
    prompt_cost_nano_usd AS prompt_cost, completion_cost_nano_usd AS completion_cost FROM ours.request;
  CREATE INDEX by_project ON run(project, start);
  CREATE INDEX roots ON run(project, latency_ms, first_token_ms, streamed, error, start) WHERE parent_id IS NULL;
  CREATE INDEX calls ON run(project, run_type, prompt_tokens, completion_tokens, cost, prompt_cost, completion_cost)
    WHERE run_type IN ('llm', 'embedding');
  CREATE INDEX by_session ON run(session_id, start);
  CREATE INDEX by_model ON run(project, model, run_type, cost, session_id);
  CREATE TABLE feedback AS SELECT project, request_id AS id, key, score, value FROM ours.feedback;
  CREATE INDEX feedback_by_project ON feedback(project, key, score, value);]]):format(ours)

--- Nearest rank: the ceil(p * n)-th smallest.
local function ranks(name, column)
  return (([[%name AS (SELECT project, max(CASE WHEN place = (n * 500 + 999) / 1000 THEN value END) AS p50,
    max(CASE WHEN place = (n * 990 + 999) / 1000 THEN value END) AS p99 FROM (SELECT project, %column AS value,
    row_number() OVER (PARTITION BY project ORDER BY %column) AS place, count(*) OVER (PARTITION BY project) AS n
    FROM run WHERE parent_id IS NULL AND %column IS NOT NULL) GROUP BY project)]]):gsub("%%(%a+)", { name = name, column = column }))
end

local STATISTICS = ([[
  WITH first AS (SELECT project, min(start) AS start FROM run GROUP BY project),
  roots AS (SELECT project, count(*) AS runs, max(start) AS last, avg(error IS NOT NULL) AS error_rate, avg(streamed) AS streaming_rate
    FROM run WHERE parent_id IS NULL GROUP BY project),
  %s, %s,
  usage AS (SELECT project, sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens, sum(cost) AS cost,
    sum(prompt_cost) AS prompt_cost, sum(completion_cost) AS completion_cost FROM run WHERE run_type IN ('llm', 'embedding') GROUP BY project),
  given AS (SELECT project, json_group_object(key, json_array(n, mean)) AS stats FROM
    (SELECT project, key, count(*) AS n, avg(score) AS mean FROM feedback GROUP BY project, key) GROUP BY project)
  SELECT * FROM first LEFT JOIN roots USING (project) LEFT JOIN latency USING (project) LEFT JOIN token USING (project)
    LEFT JOIN usage USING (project) LEFT JOIN given USING (project) ORDER BY start DESC LIMIT 100]]):format(
  ranks("latency", "latency_ms"), ranks("token", "first_token_ms"))

local ONE = [[
  SELECT (SELECT min(start) FROM run WHERE project = 'project-050'),
    (SELECT max(start) FROM run WHERE project = 'project-050' AND parent_id IS NULL)]]

--- Sessions of the project that has half of the runs, with a call of a model that cost so much, newest first.
local SESSIONS = [[
  SELECT session_id, min(start) AS first, max(start + coalesce(latency_ms, 0) * 1000),
    sum(prompt_tokens) FILTER (WHERE run_type IN ('llm', 'embedding')),
    sum(completion_tokens) FILTER (WHERE run_type IN ('llm', 'embedding')) FROM run
  WHERE project = 'project-001' AND session_id IN (SELECT session_id FROM run WHERE project = 'project-001'
    AND run_type IN ('llm', 'embedding') AND model = 'gpt-4o' AND cost >= 8000000)
  GROUP BY session_id ORDER BY first DESC, session_id LIMIT 31]]

-- ------------------------------------------------------------------------------------------------------ ours

local function make()
  for _, path in ipairs { ours, hand } do
    for _, suffix in ipairs { "", "-wal", "-shm", "-columns" } do os.remove(path .. suffix) end
  end
  local db = assert(sq.open(ours, { durable = false }))
  local sum = assert(db:import(runs.lines(RUNS, PROJECTS)))
  assert(sum.added == RUNS and db:seal())
  db:close()
  by_hand("run", TABLES)
end

--- Asks over HTTP's function; least seconds of a few.
local function ask(app, request)
  local least = math.huge
  for _ = 1, ROUNDS do
    local began = core.clock()
    local status, _, text = app:handle(request)
    assert(status == 200, text)
    least = math.min(least, core.clock() - began)
  end
  return least
end

local function get(query) return { method = "GET", path = "/api/v1/sessions", query = query, remote = "127.0.0.1" } end

local function search(filters)
  return { method = "POST", path = "/api/v2/projects/project-001/search/sessions", body = assert(core.encode { filters = filters }),
    headers = { ["content-type"] = "application/json" }, remote = "127.0.0.1" }
end

--- What is asked, of our application, and by hand.
local questions = {
  { "LangSmith, GET /sessions?include_stats=true&limit=100", get "include_stats=true&limit=100", STATISTICS },
  { "LangSmith, GET /sessions?name=…, as readProject asks", get "name=project-050", ONE },
  { "Freeplay, search/sessions by model and cost", search { ["and"] = { { field = "model", op = "eq", value = "gpt-4o" },
    { field = "cost", op = "gte", value = 0.008 } } }, SESSIONS },
}

make()
local app = http.app { path = ours }
print(("vendors: %d runs, %d projects; milliseconds, by hand, by hand : ours"):format(RUNS, PROJECTS))
for _, question in ipairs(questions) do
  local seconds, other = ask(app, question[2]), by_hand("ask", question[3])
  print(("  %-58s %8.2f %8.2f  %5.2f"):format(question[1], seconds * 1000, other * 1000, other / seconds))
end
app:close()
