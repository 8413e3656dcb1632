--- Measures the goals: `make bench`, BENCH_ROWS=200000. What is compared runs in turn, in one run; medians.
--- Beside each stands what one would write by hand (by_hand.c): plain SQLite, prepared statements, cJSON.
package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = "build/5.4/?.so;" .. package.cpath
local sq = require "sessionquery"

local ROWS = tonumber(os.getenv "BENCH_ROWS") or 200000
local ROUNDS = tonumber(os.getenv "BENCH_ROUNDS") or 3
local BATCH = 1000
local REAL = os.getenv "BENCH_CALLS" -- a file of real calls, as examples/mini-swe-agent.lua reads them
local folder = "build/bench/"
local core = require "sessionquery.core"

local function run(command)
  local pipe = assert(io.popen(command))
  local output = pipe:read "*a"
  assert(pipe:close(), command)
  return output
end

local function remove(path)
  for _, suffix in ipairs { "", "-wal", "-shm" } do os.remove(path .. suffix) end
end

local function median(list)
  table.sort(list)
  return list[math.ceil(#list / 2)]
end

local function uptime()
  local file <close> = assert(io.open "/proc/uptime")
  return file:read "n"
end

--- Seconds of wall time; what is short is run again until the clock's hundredths tell enough.
local function timed(action)
  local started, runs = uptime(), 0
  repeat
    action()
    runs = runs + 1
    local seconds = uptime() - started
    if seconds > 0.5 then return seconds / runs end
  until false
end

--- The same of what can run but once.
local function timed_once(action)
  local started = uptime()
  action()
  return uptime() - started
end

--- Runs the contestants in turn; their medians by name.
local function in_turn(rounds, contestants)
  local times = {}
  for _ = 1, rounds do
    for _, contestant in ipairs(contestants) do
      local list = times[contestant[1]] or {}
      times[contestant[1]] = list
      list[#list + 1] = contestant[2]()
    end
  end
  for name, list in pairs(times) do times[name] = median(list) end
  return times
end

local function line(text, ...) print(text:format(...)) end

-- ---------------------------------------------------------------------------------------------------- ingest

local calls = folder .. "calls.jsonl"
run(("lua5.4 spec/bench/calls.lua %d >%s"):format(ROWS, calls))

local lines, records = {}, {}
for text in io.lines(calls) do
  lines[#lines + 1] = text
  records[#records + 1] = core.decode(text)
end

--- A new store for each run: the rate depends on what is there already.
local function into_store(name, write)
  return function()
    local path = folder .. name .. ".db"
    remove(path)
    local db = assert(sq.open(path, { durable = true }))
    local seconds = timed_once(function() write(db) end)
    assert(db:requests():count() == ROWS)
    db:close()
    return seconds
  end
end

local function each_batch(list, write)
  for first = 1, #list, BATCH do write(table.move(list, first, math.min(first + BATCH - 1, #list), 1, {})) end
end

local function iterator(list)
  local at = 0
  return function()
    at = at + 1
    return list[at]
  end
end

local ingest = in_turn(ROUNDS, {
  { "lines", into_store("lines", function(db)
    each_batch(lines, function(batch) assert(db:import(iterator(batch))) end)
  end) },
  { "tables", into_store("tables", function(db) each_batch(records, function(batch) assert(db:add(batch)) end) end) },
  { "file", into_store("file", function(db) assert(db:import(calls)) end) },
  { "hand", function()
    remove(folder .. "hand.db")
    return tonumber(run(folder .. "by_hand ingest " .. folder .. "hand.db " .. calls))
  end },
})

line("durable ingest of %d calls (synchronous FULL), 3 properties, 1 score, into an empty store; rows/s, seconds by hand : ours", ROWS)
for _, row in ipairs {
  { "lines", "import of JSON lines, 1,000 a transaction (goal: 50,000)" },
  { "tables", "add of Lua tables, 1,000 a transaction (goal: 50,000)" },
  { "file", "import of the file" },
  { "hand", "SQLite by hand, 1,000 a transaction" },
} do
  line("  %-58s %7.0f  %5.2f", row[2], ROWS / ingest[row[1]], ingest.hand / ingest[row[1]])
end

-- --------------------------------------------------------------------------------------------------- queries

local answer_body = '{"search":"","timeFilter":{"startTimeUnixMs":0,"endTimeUnixMs":4e12},"timezoneDifference":0,"filter":"all","limit":50}'

--- Newest 50 sessions, the fields of Helicone's answer, beside the same by hand over the same rows.
local function compare_queries(title, ours, hand)
  local db = assert(sq.open(ours, { readonly = true }))
  local times = in_turn(5, {
    { "answer", function() return timed(function() assert(sq.answer("helicone", db, answer_body) == 200) end) end },
    { "rows", function() return timed(function() assert(#assert(db:sessions():limit(50):all()) > 0) end) end },
    { "filtered", function()
      return timed(function() assert(db:sessions():where "latency_ms > 1000":limit(50):all()) end)
    end },
    { "hand", function() return tonumber(run(folder .. "by_hand sessions " .. hand)) end },
  })
  line("%s: %d requests, %d sessions; milliseconds, by hand : ours", title, db:requests():count(), db:sessions():count())
  for _, row in ipairs {
    { "answer", "sq.answer, POST /v1/session/query, newest 50" },
    { "rows", "newest 50 as Lua tables, every field" },
    { "filtered", "the same, where latency_ms > 1000" },
    { "hand", "SQLite by hand, GROUP BY, newest 50" },
  } do
    line("  %-58s %7.1f  %5.2f", row[2], times[row[1]] * 1000, times.hand / times[row[1]])
  end
  db:close()
end

compare_queries("session query over the bench's calls", folder .. "file.db", folder .. "hand.db")

if REAL then
  local ours, hand, exported = folder .. "real.db", folder .. "real-hand.db", folder .. "real.jsonl"
  remove(ours)
  remove(hand)
  local db = assert(sq.open(ours))
  local seconds = timed_once(function() assert(db:import(REAL, { map = dofile "examples/mini-swe-agent.lua" })) end)
  assert(db:export(exported))
  db:close()
  run(("%sby_hand ingest %s %s"):format(folder, hand, exported))
  line("import of the real calls through their map: %.2f s", seconds)
  compare_queries("session query over the real calls", ours, hand)
else
  line "no real calls: BENCH_CALLS=file"
end
