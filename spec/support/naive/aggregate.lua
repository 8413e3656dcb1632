--- The fields of a group of requests.
local fields = require "spec.support.naive.fields"

local aggregate = {}

--- Microseconds from `start` to a row's end. A sum of a time and a latency might leave what LuaJIT's numbers hold.
local function end_of(row, start)
  if row.responded_at then return row.responded_at - start end
  if row.latency_ms then return row.created_at - start + row.latency_ms * 1000 end
  return row.created_at - start
end

local function sum_of(rows, field, world)
  local sum
  for _, row in ipairs(rows) do
    local value = fields.is_completion(row) and fields.value(row, field, world)
    if value then sum = (sum or 0) + value end
  end
  return sum
end

local function values_of(rows, field)
  local values = {}
  for _, row in ipairs(rows) do values[#values + 1] = row[field] end
  return values
end

--- The ceil(p·n)-th smallest of sorted values, p in thousandths.
local function percentile(values, permille)
  if #values == 0 then return nil end
  return values[math.ceil(permille * #values / 1000)]
end

local function total(values)
  local sum = 0
  for _, value in ipairs(values) do sum = sum + value end
  if #values > 0 then return sum end
end

local function mean(values)
  local sum = total(values)
  if sum then return sum / #values end
end

local function count_if(rows, test)
  local count = 0
  for _, row in ipairs(rows) do
    if test(row) then count = count + 1 end
  end
  return count
end

local function rate(part, whole)
  if whole > 0 then return part / whole end
end

local function distinct(rows, field)
  local seen, list = {}, {}
  for _, row in ipairs(rows) do
    local values = type(row[field]) == "table" and row[field] or { row[field] }
    for _, value in ipairs(values) do
      if value ~= "" and not seen[value] then
        seen[value] = true
        list[#list + 1] = value
      end
    end
  end
  table.sort(list)
  return list
end

local function is_later(row, than)
  for _, name in ipairs { "created_at", "request_id", "project" } do
    if row[name] ~= than[name] then return row[name] > than[name] end
  end
  return false
end

local function name_of(rows)
  local latest
  for _, row in ipairs(rows) do
    if row.session_name and (not latest or is_later(row, latest)) then latest = row end
  end
  return latest and latest.session_name or ""
end

--- Feedback by its keys: how many, the mean score, and how often each text was given.
function aggregate.statistics(entries)
  local by_key = {}
  for _, entry in ipairs(entries) do
    local s = by_key[entry.key] or { n = 0, scored = 0, sum = 0, values = {} }
    by_key[entry.key] = s
    s.n = s.n + 1
    local score = entry.score
    if type(score) == "boolean" then score = score and 1 or 0 end
    if type(score) == "number" then
      s.scored, s.sum = s.scored + 1, s.sum + score
    elseif type(score) == "string" then
      s.values[score] = (s.values[score] or 0) + 1
    end
    if entry.value ~= nil then
      local text = tostring(entry.value)
      s.values[text] = (s.values[text] or 0) + 1
    end
  end
  for _, s in pairs(by_key) do
    if s.scored > 0 then s.avg = s.sum / s.scored end
    s.scored, s.sum = nil, nil
  end
  return by_key
end

--- All fields of a group, by their short names.
function aggregate.fields(rows, world)
  local latencies, firsts = values_of(rows, "latency_ms"), values_of(rows, "time_to_first_token_ms")
  local created, sessions = values_of(rows, "created_at"), {}
  local feedback, session_count, duration = {}, 0, 0
  for _, values in ipairs { created, latencies, firsts } do table.sort(values) end
  for _, row in ipairs(rows) do
    duration = math.max(duration, end_of(row, created[1]))
    for _, entry in ipairs(fields.feedback(row, world)) do feedback[#feedback + 1] = entry end
    local id = row.session_id and #row.project .. ":" .. row.project .. row.session_id
    if id and not sessions[id] then
      sessions[id] = true
      session_count = session_count + 1
    end
  end
  local errors = count_if(rows, fields.in_error)
  return {
    name = name_of(rows),
    created_at = created[1],
    latest_request_created_at = created[#created],
    duration_ms = duration / 1000,
    total_requests = #rows,
    total_sessions = session_count,
    total_cost_usd = sum_of(rows, "cost_usd", world),
    prompt_cost_usd = sum_of(rows, "prompt_cost_usd", world),
    completion_cost_usd = sum_of(rows, "completion_cost_usd", world),
    prompt_tokens = sum_of(rows, "prompt_tokens", world),
    completion_tokens = sum_of(rows, "completion_tokens", world),
    total_tokens = sum_of(rows, "total_tokens", world),
    prompt_cache_read_tokens = sum_of(rows, "prompt_cache_read_tokens", world),
    prompt_cache_write_tokens = sum_of(rows, "prompt_cache_write_tokens", world),
    avg_latency_ms = mean(latencies),
    total_latency_ms = total(latencies),
    known_latencies = #latencies,
    latency_p50_ms = percentile(latencies, 500),
    latency_p90_ms = percentile(latencies, 900),
    latency_p95_ms = percentile(latencies, 950),
    latency_p99_ms = percentile(latencies, 990),
    first_token_p50_ms = percentile(firsts, 500),
    first_token_p99_ms = percentile(firsts, 990),
    errors = errors,
    error_rate = rate(errors, count_if(rows, function(row) return fields.in_error(row) or (row.status ~= nil and row.status ~= -2) end)),
    streaming_rate = rate(count_if(rows, function(row) return row.streamed == true end),
      count_if(rows, function(row) return row.streamed ~= nil end)),
    unknown_usage = count_if(rows, function(row)
      return fields.is_completion(row) and not (row.prompt_tokens or row.completion_tokens or row.total_tokens)
    end),
    user_ids = distinct(rows, "user_id"),
    models = distinct(rows, "model"),
    request_tags = distinct(rows, "tags"),
    feedback_stats = aggregate.statistics(feedback),
  }
end

return aggregate
