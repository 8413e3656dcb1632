--- The vendors' bench: runs of traces as LangSmith's and Freeplay's clients send them, the same ones every time. A trace is
--- a chain, under it two llm runs and a tool, and a second llm run under the tool.
local numbers = require "spec.bench.random"
local random, uuid = numbers.number, numbers.uuid

local runs = {}

local SESSIONS_OPEN = 400

local models = { "gpt-4o", "gpt-4o-mini", "o3", "claude-sonnet-4" }
local environments = { "prod", "staging", "dev" }

local function root(id, project, session, at)
  local latency = random(100, 30000)
  return ('{"request_id":"%s","trace_id":"%s","project":"%s","session_id":"%s","run_type":"chain","name":"agent","created_at":%.3f,'
    .. '"latency_ms":%d,"time_to_first_token_ms":%d,"streamed":%s,"environment":"%s","properties":{"env":"%s","tier":%d}%s%s}'):format(
    id, id, project, session, at, latency, latency // 10, random(1, 3) == 1 and "true" or "false", environments[random(1, 3)],
    environments[random(1, 3)], random(1, 3), random(1, 25) == 1 and ',"error":"it failed"' or "", random(1, 4) == 1 and ',"tags":["beta"]' or "")
end

local function tool(id, trace, project, session, at)
  return ('{"request_id":"%s","trace_id":"%s","parent_id":"%s","project":"%s","session_id":"%s","run_type":"tool","name":"search",'
    .. '"created_at":%.3f,"latency_ms":%d}'):format(id, trace, trace, project, session, at, random(10, 900))
end

local function llm(trace, parent, project, session, at)
  local prompt, completion = random(1, 5000), random(1, 900)
  return ('{"request_id":"%s","trace_id":"%s","parent_id":"%s","project":"%s","session_id":"%s","run_type":"llm","name":"ChatOpenAI",'
    .. '"created_at":%.3f,"latency_ms":%d,"model":"%s","prompt_tokens":%d,"completion_tokens":%d,"cost_usd":%.9f,"prompt_cost_usd":%.9f,'
    .. '"completion_cost_usd":%.9f,"environment":"%s","status":200%s}'):format(uuid(), trace, parent, project, session, at, random(50, 5000),
    models[random(1, 4)], prompt, completion, (prompt + 4 * completion) / 1e6, prompt / 1e6, completion * 4 / 1e6, environments[random(1, 3)],
    random(1, 50) == 1 and ',"feedback":[{"key":"grade","score":' .. random(0, 1) .. "}]" or "")
end

--- An iterator of `count` canonical JSON lines, in `projects` projects, of which the first has half of them.
---@param count integer
---@param projects integer
---@return fun(): string?
function runs.lines(count, projects)
  local waiting, next_line, sent, at, open = {}, 1, 0, 1790000000, {}
  local function begin_trace()
    local slot = random(1, SESSIONS_OPEN)
    if not open[slot] or random(1, 8) == 1 then
      local number = random(1, 2) == 1 and 1 or random(1, projects)
      open[slot] = { uuid(), ("project-%03d"):format(number) }
    end
    local session, project = open[slot][1], open[slot][2]
    local id, tool_id = uuid(), uuid()
    at = at + random(0, 2000) / 1000
    waiting = { root(id, project, session, at), llm(id, id, project, session, at + 0.1), tool(tool_id, id, project, session, at + 0.2),
      llm(id, tool_id, project, session, at + 0.3), llm(id, id, project, session, at + 0.4) }
    next_line = 1
  end
  return function()
    if sent == count then return nil end
    if not waiting[next_line] then begin_trace() end
    sent, next_line = sent + 1, next_line + 1
    return waiting[next_line - 1]
  end
end

return runs
