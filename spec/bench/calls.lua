--- Writes the bench's calls, canonical JSON lines: `lua5.4 spec/bench/calls.lua ROWS`. The same ones every time.
--- UUID ids as gateways give them, 200 sessions open at a time, 3 properties, 1 score, no bodies.
package.path = "./?.lua;" .. package.path
local numbers = require "spec.bench.random"

local random, uuid = numbers.number, numbers.uuid
local rows = tonumber(arg[1]) or 200000
local models = { "gpt-4o", "gpt-4o-mini", "o3", "claude-sonnet-4" }
local open, at = {}, 1790000000

for _ = 1, rows do
  local slot = random(1, 200)
  if not open[slot] or random(1, 8) == 1 then open[slot] = uuid() end
  at = at + random(0, 40) / 1000
  io.write(('{"request_id":"%s","session_id":"%s","session_name":"support-chat","created_at":%.3f,"latency_ms":%d,' ..
    '"status":200,"provider":"openai","model":"%s","user_id":"user_%d","prompt_tokens":%d,"completion_tokens":%d,' ..
    '"cost_usd":%.9f,"properties":{"env":"%s","feature":"feature-%d","region":"eu-west-1"},"scores":{"quality":0.%d}}\n')
    :format(uuid(), open[slot], at, random(50, 5000), models[random(1, 4)], random(1, 50000), random(1, 5000),
      random(1, 900), random(1, 50000000) / 1e9, random(1, 2) == 1 and "prod" or "dev", random(1, 200), random(10, 99)))
end
