--- Our side of the session bench: asks a store and times it. Also runs by itself, as a fresh process:
---   lua5.4 spec/bench/ours.lua DATABASE ENGINE PARAMETERS
--- opens the store, asks the first question, and goes on with the dialogue of peers/worker.mjs; beside it
--- {"memory":true} tells the process's private bytes.
package.path = "lua/?.lua;lua/?/init.lua;spec/bench/?.lua;" .. package.path
package.cpath = "build/5.4/?.so;build/bench/?.so;" .. package.cpath
local clock = require "clock"
local core = require "sessionquery.core"
local questions = require "questions"
local sq = require "sessionquery"

-- Neither early end nor fragments: what they are worth.
if os.getenv "BENCH_PLAIN" then
  local open = core.open
  core.open = function(path, options)
    options.plain_columns = true
    return open(path, options)
  end
end

local by_id = {}
for _, list in pairs(questions) do
  for _, question in ipairs(list) do by_id[question.id] = question end
end

local Ours = {}
Ours.__index = Ours

local function open(path, engine, parameters)
  return setmetatable({ db = assert(sq.open(path, { readonly = true, engine = engine })), parameters = parameters }, Ours)
end

function Ours.forms() return { "rows" } end

--- The milliseconds of each run, compiling the query included, and the answer to compare.
function Ours:run(id, _, runs)
  local question, ms, answer = by_id[id], {}, nil
  for i = 1, runs do
    local start = clock.now()
    answer = question.answer(question.query(self.db, self.parameters), self.db, self.parameters)
    ms[i] = (clock.now() - start) * 1000
  end
  return { ms = ms, rows = question.rows and question.rows(answer) }
end

function Ours:explain(id) return tostring(by_id[id].query(self.db, self.parameters):explain()) end

function Ours:close() self.db:close() end

local function private_bytes()
  local sum = 0
  for line in io.lines "/proc/self/smaps_rollup" do
    local kilobytes = line:match "^Anonymous:%s+(%d+) kB"
    if kilobytes then sum = sum + tonumber(kilobytes) * 1024 end
  end
  return sum
end

local function answer(ours, command)
  if command.memory then return { private = private_bytes() } end
  if not command.form then return { forms = ours:forms() } end
  return ours:run(command.query, command.form, command.runs)
end

local function say(told) io.write(assert(core.encode(told)), "\n") end

local function main(path, engine, parameters)
  local start = clock.now()
  local ours = open(path, engine, assert(core.decode(parameters)))
  ours:run("Q1", "rows", 1)
  io.stdout:setvbuf "line"
  say { kept = true, first_ms = (clock.now() - start) * 1000 }
  for line in io.lines() do
    local command = assert(core.decode(line))
    if command.quit then break end
    local good, told = pcall(answer, ours, command)
    say(good and told or { error = tostring(told) })
  end
  ours:close()
end

if arg and arg[0]:find "ours%.lua$" then main(arg[1], arg[2], arg[3]) end

return { open = open }
