--- Writes a sample call log, canonical JSON lines, to standard output: `lua5.4 examples/sample.lua 400`.
--- A support bot, a coding agent and a nightly summary, over two days; the same lines every time.
local sessions = tonumber(arg and arg[1]) or 60

local state = 7
local function random(low, high) -- minimal standard generator: the same numbers in every Lua
  state = state * 16807 % 2147483647
  return low + state % (high - low + 1)
end

local function pick(list) return list[random(1, #list)] end

local prices = { ["gpt-4o"] = { 2.5, 10 }, ["gpt-4o-mini"] = { 0.15, 0.6 }, ["claude-sonnet-4"] = { 3, 15 } } -- USD per million

local kinds = {
  { name = "support", models = { "gpt-4o-mini", "gpt-4o-mini", "gpt-4o" }, calls = { 2, 9 }, path = "/chat" },
  { name = "code-agent", models = { "claude-sonnet-4", "gpt-4o" }, calls = { 5, 40 }, path = "/agent/step" },
  { name = "nightly-summary", models = { "gpt-4o-mini" }, calls = { 1, 3 }, path = "/summary" },
}

local function iso(seconds, milliseconds) return os.date("!%Y-%m-%dT%H:%M:%S", seconds) .. (".%03dZ"):format(milliseconds) end

local start = 1795000000 -- 2026-11-18
for number = 1, sessions do
  local kind = pick(kinds)
  local at, user, region = start + random(0, 2 * 86400), "user-" .. random(1, 25), pick { "eu", "us" }
  local prompt = random(200, 1500)
  for call = 1, random(kind.calls[1], kind.calls[2]) do
    local model = pick(kind.models)
    local failed = random(1, 40) == 1
    local latency, completion = random(300, 4000), failed and 0 or random(20, 800)
    local cost = (prompt * prices[model][1] + completion * prices[model][2]) / 1e6
    print(('{"request_id":"%s-%d-%d","session_id":"%s-%d","session_name":"%s","session_path":"%s","created_at":"%s",' ..
      '"latency_ms":%d,"status":%d%s,"provider":"%s","model":"%s","user_id":"%s","streamed":%s,' ..
      '"prompt_tokens":%d,"completion_tokens":%d,"cost_usd":%.9f,"properties":{"region":"%s","kind":"%s"}}'):format(
      kind.name, number, call, kind.name, number, kind.name, kind.path, iso(at, random(0, 999)),
      latency, failed and 500 or 200, failed and ',"error":"upstream failed"' or "",
      model:find "^claude" and "anthropic" or "openai", model, user, random(1, 2) == 1 and "true" or "false",
      prompt, completion, cost, region, kind.name))
    at = at + math.ceil(latency / 1000) + random(1, 60)
    prompt = prompt + completion + random(20, 400)
  end
end
