--- Maps the call log of mini-swe-agent to records:
---   db:import("agent-calls.jsonl.gz", { map = dofile "examples/mini-swe-agent.lua" })
--- A line has session_id, turn, created (whole seconds), timestamp (when the answer was there, in seconds),
--- model, id, finish_reason, usage and cost in US dollars.

---@param call table one line, decoded
---@return table record
return function(call)
  local usage = call.usage or {}
  local details = usage.prompt_tokens_details or {}
  return {
    request_id = call.id,
    session_id = call.session_id,
    session_name = call.session_id:match "[^/]+$",
    created_at = call.created,
    responded_at = call.timestamp,
    latency_ms = math.floor((call.timestamp - call.created) * 1000 + 0.5),
    status = 200,
    provider = call.model:match "^[^-/]+",
    model = call.model,
    prompt_tokens = usage.prompt_tokens,
    completion_tokens = usage.completion_tokens,
    total_tokens = usage.total_tokens,
    prompt_cache_read_tokens = details.cached_tokens,
    cost_usd = call.cost,
    properties = { finish_reason = call.finish_reason, turn = call.turn },
  }
end
