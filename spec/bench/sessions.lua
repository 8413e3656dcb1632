--- Sessions over many calls, beside DuckDB, ClickHouse and SQLite by hand: `make bench-sessions`. Every contestant has the
--- same calls, one thread and a warm cache; they take turns within one run, medians count, and all answers must be equal.
---   BENCH_ROWS=1000000  BENCH_SEED=1  BENCH_ROUNDS=5
---   BENCH_PEERS=duckdb,duckdb-coded,clickhouse,sqlite,sqlite-summary    or none
---   BENCH_KEEP=1        uses the databases of an earlier run with the same rows and seed
---   BENCH_ENGINE=auto   the engine of sq.open
---   BENCH_VERBOSE=1     all forms of the peers' queries with their times, and explain() of ours
package.path = "lua/?.lua;lua/?/init.lua;spec/bench/?.lua;" .. package.path
package.cpath = "build/5.4/?.so;build/bench/?.so;" .. package.cpath
local clock = require "clock"
local core = require "sessionquery.core"
local dialogue = require "dialogue"
local ours = require "ours"
local questions = require "questions"
local sq = require "sessionquery"

local ROWS = tonumber(os.getenv "BENCH_ROWS") or 1000000
local SEED = tonumber(os.getenv "BENCH_SEED") or 1
local ROUNDS = tonumber(os.getenv "BENCH_ROUNDS") or 5
local ENGINE = os.getenv "BENCH_ENGINE" or "auto"
local KEEP, VERBOSE = os.getenv "BENCH_KEEP", os.getenv "BENCH_VERBOSE"

local DAY = 86400 * 1000000 -- microseconds
local TURN_MS, MOST_RUNS = 60, 20 -- a short question is asked several times a turn
local LONG_MS = 3000 -- a form that took so long is not tried again before it is chosen

local folder = ("build/bench/sessions-%d-%d/"):format(ROWS, SEED)
local database = folder .. "ours.db"

local function line(text, ...) print(text:format(...)) end

local function run(command)
  local pipe = assert(io.popen(command))
  local output = pipe:read "a"
  assert(pipe:close(), command)
  return output
end

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local function size_of(path)
  local file = io.open(path)
  if not file then return 0 end
  local size = file:seek "end"
  file:close()
  return size
end

local function write_file(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
end

local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  return sorted[math.ceil(#sorted / 2)]
end

-- ----------------------------------------------------------------------------------------------------- loading

--- Lines and seconds after each block.
local function import(path)
  local db <close> = assert(sq.open(database))
  local marks, start = {}, clock.now()
  local sum = assert(db:import(path, { progress = function(lines) marks[#marks + 1] = { lines, clock.now() - start } end }))
  assert(sum.added == ROWS, "not every row was imported")
  return marks
end

--- The rate between two parts of the whole.
local function rate_between(marks, from_part, to_part)
  local from, to = { 0, 0 }, marks[#marks]
  for i = #marks, 1, -1 do
    if marks[i][1] >= to_part * ROWS then to = marks[i] end
  end
  for _, mark in ipairs(marks) do
    if mark[1] <= from_part * ROWS then from = mark end
  end
  return (to[1] - from[1]) / (to[2] - from[2])
end

local function import_rates(marks)
  return ("%.0f rows/s; the first tenth at %.0f, the last at %.0f"):format(rate_between(marks, 0, 1), rate_between(marks, 0, 0.1),
    rate_between(marks, 0.9, 1))
end

--- Our store; the file beside it says that it is whole, and how quick it was.
local function load_ours()
  local done = database .. ".done"
  if exists(done) then return io.lines(done)() .. " (by an earlier run)" end
  run(("rm -f %s %s-*"):format(database, database)) -- what a run that was stopped left
  local calls = folder .. "calls.jsonl"
  run(("build/bench/generate %d %d json >%s"):format(ROWS, SEED, calls))
  local rates = import_rates(import(calls))
  os.remove(calls)
  write_file(done, rates .. "\n")
  return rates
end

local known_peers = {
  { name = "duckdb", title = "DuckDB", command = "node spec/bench/peers/duckdb.mjs plain", database = "duckdb.db" },
  { name = "duckdb-coded", title = "DuckDB codes", command = "node spec/bench/peers/duckdb.mjs coded", database = "duckdb-coded.db" },
  { name = "clickhouse", title = "ClickHouse", command = "node spec/bench/peers/clickhouse.mjs plain", database = "clickhouse.db" },
  { name = "sqlite", title = "SQLite", command = "build/bench/sqlite plain", database = "sqlite.db" },
  { name = "sqlite-summary", title = "SQLite table", command = "build/bench/sqlite summary", database = "sqlite.db" },
}

local function wanted_peers()
  local list, peers = os.getenv "BENCH_PEERS", {}
  for _, peer in ipairs(known_peers) do
    if not list or ("," .. list .. ","):find("," .. peer.name .. ",", 1, true) then peers[#peers + 1] = peer end
  end
  return peers
end

--- The one file serves all; it is written when one of them has to load.
local function calls_for(peers)
  local path, needed = folder .. "calls.csv", false
  for _, peer in ipairs(peers) do
    if not exists(folder .. peer.database .. ".done") then
      run(("rm -rf %s%s"):format(folder, peer.database)) -- what a run that was stopped left
      needed = true
    end
  end
  if needed then run(("build/bench/generate %d %d csv >%s"):format(ROWS, SEED, path)) end
  return path
end

-- ------------------------------------------------------------------------------------------------- contestants

--- What stands in the questions: derived from the calls, so that it fits any number of them.
local function parameters_of(db)
  local last = math.floor(assert(db:requests():order_by("-created_at"):limit(1):all())[1].created_at) * 1000000
  local middle = (last - 15 * DAY) / 1e6
  local long = assert(db:sessions():window(middle, middle + 86400):order_by("-total_requests"):limit(1):all())[1]
  return {
    from = last - DAY, model = "claude-sonnet-4", latency = 1000, least = 130, cost = 500000000, requests = 5,
    needle = "refund", hex = ROWS < 3000000 and "bead" or "beada", feature = "feature-042",
    organization = long.organization_id, project = long.project, session = long.id,
  }
end

--- A worker as a contestant: the same methods as ours has.
local Peer = {}
Peer.__index = Peer

function Peer:forms(id) return self.worker:ask({ query = id }).forms end

function Peer:run(id, form, runs)
  return self.worker:ask { query = id, form = form, runs = runs, parameters = self.parameters }
end

function Peer:close() self.worker:close() end

local function peer_of(peer, command, parameters)
  local worker = dialogue.start(command, folder)
  return setmetatable({ title = peer.title, worker = worker, parameters = parameters }, Peer)
end

local function fresh_command(parameters, environment)
  return ("env %s lua5.4 spec/bench/ours.lua %s %s '%s'"):format(environment or "", database, ENGINE, assert(core.encode(parameters)))
end

--- Ours again, with parts of the engine switched off by the environment.
local our_variants = { { title = "ours, plain", environment = "BENCH_PLAIN=1" } }

local function contestants_of(parameters)
  local first = ours.open(database, ENGINE, parameters)
  first.title = "ours"
  local list = { first }
  for _, variant in ipairs(our_variants) do
    list[#list + 1] = peer_of(variant, fresh_command(parameters, variant.environment), parameters)
  end
  local peers = wanted_peers()
  local calls = calls_for(peers)
  for _, peer in ipairs(peers) do
    local command = ("%s %s%s %s"):format(peer.command, folder, peer.database, calls)
    list[#list + 1] = peer_of(peer, command, parameters)
  end
  os.remove(calls)
  return list
end

-- --------------------------------------------------------------------------------------------------- comparing

local function same_value(a, b)
  if type(a) == "number" and type(b) == "number" then
    if math.type(a) == "integer" and math.type(b) == "integer" then return a == b end
    return math.abs(a - b) <= 1e-9 * math.max(math.abs(a), math.abs(b))
  end
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  table.sort(a) -- of users
  table.sort(b)
  return table.concat(a, "\0") == table.concat(b, "\0")
end

--- nil, or where two answers differ.
local function difference(expected, got)
  if #expected ~= #got then return ("%d rows, not %d"):format(#got, #expected) end
  for i, row in ipairs(expected) do
    for j = 1, math.max(#row, #got[i]) do
      if not same_value(row[j], got[i][j]) then
        return ("row %d, value %d: %s, not %s\n  %s\n  %s"):format(i, j, tostring(got[i][j]), tostring(row[j]), core.encode(got[i]),
          core.encode(row))
      end
    end
  end
end

local differences = 0

local function compare(question, contestant, form, expected, rows)
  local what = difference(expected, rows)
  if not what then return end
  differences = differences + 1
  line("DIFFERENT: %s, %s, %s: %s", question.id, contestant.title, form, what)
end

--- The quickest form of the question by this contestant, after comparing them all; nil when it has none.
local function choose(question, contestant, expected)
  local best
  for _, form in ipairs(contestant:forms(question.id)) do
    local cold = contestant:run(question.id, form, 1)
    local warm = cold.ms[1] > LONG_MS and cold or contestant:run(question.id, form, 2)
    local ms = warm.ms[#warm.ms]
    if expected then compare(question, contestant, form, expected, cold.rows) end
    if VERBOSE then line("  %-4s %-14s %-6s %10.3f ms", question.id, contestant.title, form, ms) end
    if not best or ms < best.ms then best = { contestant = contestant, form = form, ms = ms, rows = cold.rows, times = {} } end
  end
  if best then best.runs = math.max(1, math.min(MOST_RUNS, math.ceil(TURN_MS / best.ms))) end
  return best
end

--- Contestants take turns; the median of all their runs, by their place in the list (false where one has no answer).
local function ask(question, contestants)
  local chosen, expected = {}, nil
  for i, contestant in ipairs(contestants) do
    chosen[i] = choose(question, contestant, expected) or false
    expected = expected or chosen[1].rows
  end
  for _ = 1, ROUNDS do
    for _, one in ipairs(chosen) do
      local answer = one and one.contestant:run(question.id, one.form, one.runs)
      if answer then table.move(answer.ms, 1, #answer.ms, #one.times + 1, one.times) end
    end
  end
  for _, one in ipairs(chosen) do
    if one then one.median = median(one.times) end
  end
  return chosen, expected and #expected
end

-- ---------------------------------------------------------------------------------------------------- printing

local function bandwidth() return tonumber(run "build/bench/bandwidth") end

local function print_head(contestants)
  local cells = { ("%-4s %-30s %5s"):format("", "milliseconds; peer : ours", "rows") }
  for i, contestant in ipairs(contestants) do cells[#cells + 1] = (i == 1 and "%10s" or "%20s"):format(contestant.title) end
  print(table.concat(cells, " ") .. "   GB/s")
end

local function cell(one, mine)
  if not one then return ("%20s"):format "-" end
  local ratio = one.median / mine.median
  return ("%10.3f%s %7sx"):format(one.median, one.form:sub(1, 1), (ratio < 10 and "%.3f" or "%.0f"):format(ratio))
end

local function print_row(question, chosen, rows)
  local cells = { ("%-4s %-30s %5d"):format(question.id, question.title, rows), ("%10.3f"):format(chosen[1].median) }
  for i = 2, #chosen do cells[#cells + 1] = cell(chosen[i], chosen[1]) end
  print(table.concat(cells, " ") .. ("   %5.1f"):format(bandwidth()))
end

local function print_sizes(contestants)
  local columns = size_of(database .. "-columns")
  line("size: ours %.1f MB%s", size_of(database) / 1e6,
    columns > 0 and (", columns %.1f MB, %.1f bytes a request"):format(columns / 1e6, columns / ROWS) or "")
  for _, contestant in ipairs(contestants) do
    local greeting = contestant.worker and contestant.worker.greeting
    if greeting and greeting.bytes then
      line("      %s %.1f MB%s", contestant.title, greeting.bytes / 1e6,
        greeting.kept and "" or (", loaded in %.1f s"):format(greeting.seconds))
    end
  end
end

--- A fresh process: how long it takes to open and answer first, and what it holds after all questions.
local function print_fresh(parameters)
  local worker = dialogue.start(fresh_command(parameters), folder)
  local before = worker:ask({ memory = true }).private
  for _, question in ipairs(questions.compared) do worker:ask { query = question.id, form = "rows", runs = 1 } end
  line("fresh process: open and Q1 in %.1f ms; private memory %.1f MB then, %.1f MB after all questions", worker.greeting.first_ms,
    before / 1e6, worker:ask({ memory = true }).private / 1e6)
  worker:close()
end

local function print_ours_only(mine)
  for _, question in ipairs(questions.ours_only) do
    local chosen = ask(question, { mine })
    line("%-4s %-30s %5s %10.3f", question.id, question.title, "", chosen[1].median)
  end
end

local function print_plans(mine)
  for _, question in ipairs(questions.compared) do line("--- %s\n%s", question.id, mine:explain(question.id)) end
end

-- ----------------------------------------------------------------------------------------------------- running

if not KEEP then run("rm -rf " .. folder) end
run("mkdir -p " .. folder)
line("%d calls, seed %d, engine %s, %d rounds; medians, one thread each", ROWS, SEED, ENGINE, ROUNDS)
line("import of JSON lines: %s", load_ours())

local parameters
do
  local db <close> = assert(sq.open(database, { readonly = true, engine = ENGINE }))
  parameters = parameters_of(db)
end

print_fresh(parameters)
local contestants = contestants_of(parameters)
print_sizes(contestants)
print ""
print_head(contestants)
for _, question in ipairs(questions.compared) do
  local chosen, rows = ask(question, contestants)
  print_row(question, chosen, rows)
end
print_ours_only(contestants[1])
print "forms: p all fields of all sessions, l the fifty first and then their fields, e the newest rows first, t a kept table"
if VERBOSE then print_plans(contestants[1]) end
for _, contestant in ipairs(contestants) do contestant:close() end
if not KEEP then run("rm -rf " .. folder) end
if differences > 0 then
  line("%d answers differ", differences)
  os.exit(1)
end
