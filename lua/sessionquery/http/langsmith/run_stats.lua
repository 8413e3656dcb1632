--- POST /runs/stats: what the runs amount to that pass the conditions of /runs/query, all together.
local conditions = require "sessionquery.http.langsmith.conditions"
local core = require "sessionquery.core"
local read = require "sessionquery.http.langsmith.read"
local sq = require "sessionquery"
local statistics = require "sessionquery.http.langsmith.statistics"

local run_stats = {}

local function seconds(milliseconds) return milliseconds / 1000 end

--- By name: the columns it takes, what is shown of the first of them, and what stands where there is no run.
local known = {
  run_count = { { "total_requests" }, otherwise = 0 },
  latency_p50 = { { "latency_p50_ms" }, seconds }, latency_p99 = { { "latency_p99_ms" }, seconds },
  latency_avg = { { "avg_latency_ms" }, seconds },
  first_token_p50 = { { "first_token_p50_ms" }, seconds }, first_token_p99 = { { "first_token_p99_ms" }, seconds },
  total_tokens = { { "total_tokens" }, otherwise = 0 }, prompt_tokens = { { "prompt_tokens" }, otherwise = 0 },
  completion_tokens = { { "completion_tokens" }, otherwise = 0 },
  total_cost = { { "total_cost_usd" }, statistics.money }, prompt_cost = { { "prompt_cost_usd" }, statistics.money },
  completion_cost = { { "completion_cost_usd" }, statistics.money },
  last_run_start_time = { { "latest_request_created_at" }, sq.iso },
  error_rate = { { "error_rate" } }, streaming_rate = { { "streaming_rate" } },
  feedback_stats = { { "feedback_stats" }, function(stats) return stats end, otherwise = {} },
}

-- What the hosted service knows besides, and this one does not compute.
local others = {}
for name in ([[
  median_tokens completion_tokens_p50 prompt_tokens_p50 tokens_p99 completion_tokens_p99 prompt_tokens_p99 thread_feedback_stats run_facets
  cost_p50 cost_p99 session_feedback_stats all_run_stats all_token_stats group_count prompt_token_details completion_token_details
  prompt_cost_details completion_cost_details ]]):gmatch "%S+" do
  others[name] = true
end

local selectable = {}
for name in pairs(known) do selectable[name] = true end
for name in pairs(others) do selectable[name] = true end

local function names_of(selected)
  if selected then return selected end
  local names = {}
  for name in pairs(known) do names[#names + 1] = name end
  return names
end

--- Feedback with an average of null where nothing was scored.
local function with_nulls(stats)
  local shown = {}
  for key, said in pairs(stats) do shown[key] = { n = said.n, avg = said.avg or core.null, values = said.values or {} } end
  return shown
end

local function show(row, names)
  local shown = {}
  for _, name in ipairs(names) do
    local statistic = known[name]
    local value = statistic and row and row[statistic[1][1]]
    if value == nil then
      value = statistic and statistic.otherwise
    elseif statistic[2] then
      value = statistic[2](value)
    end
    if name == "feedback_stats" and value then value = with_nulls(value) end
    if value == nil then value = core.null end
    shown[name] = value
  end
  return shown
end

local function columns_of(names)
  local columns = {}
  for _, name in ipairs(names) do
    if known[name] then columns[#columns + 1] = known[name][1][1] end
  end
  return columns
end

--- What rows amount to: of one organization one group, since organizations are never mixed.
local function stats(call)
  local reader, status, body = read.body(call)
  if not reader then return status, body end
  local finish = conditions.read(reader)
  local selected = reader:names("select", selectable)
  -- how the hosted service computes is its own affair
  reader:accept("use_experimental_search", "skip_pagination", "include_details")
  local refused, text = reader:refusal(call)
  if refused then return refused, text end
  local list
  list, status, body = finish(call)
  if not list then return status, body end
  local names = names_of(selected)
  local rows, message, detail = call.db:group_by("organization_id"):select(columns_of(names)):where(sq.all(list)):limit(2):all()
  if not rows then return call:fail(message, detail) end
  if #rows > 1 then return call:refuse(400, "these runs are of several organizations: name projects of one") end
  return 200, (assert(core.encode(show(rows[1], names))))
end

run_stats.routes = { { "runs/stats", POST = { stats, "query" } } }

return run_stats
