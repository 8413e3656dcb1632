--- Writes the bench's calls, canonical JSON lines: `lua5.4 spec/bench/calls.lua ROWS`. The same ones every time.
--- UUID ids as gateways give them, 200 sessions open at a time, 3 properties, 1 score, no bodies.
local rows = tonumber(arg[1]) or 200000

local state = 12345
local function random(low, high) -- minimal standard generator: the same numbers in every Lua
  state = state * 16807 % 2147483647
  return low + state % (high - low + 1)
end

local function uuid()
  return ("%08x-%04x-4%03x-8%03x-%06x%06x"):format(random(0, 2147483645), random(0, 65535), random(0, 4095),
    random(0, 4095), random(0, 16777215), random(0, 16777215))
end

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
