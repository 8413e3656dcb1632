--- The column engine and the SQL engine against the naive evaluator, on random queries over random stores in every
--- state that a store can be in.
---
--- AGREE_CASES: how many queries (each is asked of every engine); AGREE_SEED: which ones; AGREE_WORLD: of this
--- world alone.
local core = require "sessionquery.core"
local engines = require "spec.support.engines"
local fields = require "spec.support.naive.fields"
local questions = require "spec.support.agree.questions"
local random = require "spec.support.random"
local rows = require "spec.support.agree.rows"
local tally = require "spec.support.agree.tally"
local vm = require "spec.support.vm"
local worlds = require "spec.support.world"

local CASES = tonumber(os.getenv "AGREE_CASES") or 5000
local SEED = tonumber(os.getenv "AGREE_SEED") or 20261120
local ONLY = tonumber(os.getenv "AGREE_WORLD")
local IN_A_STATE = 24 -- cases of a world in one state
local STATES = 7 -- of a world, about
local MOST_FAILURES = 5

--- Counts where fields are absent, and the rows.
local function count_absent(world)
  for _, field in ipairs(questions.request_fields) do
    local absent = 0
    for _, row in ipairs(world.rows) do
      local value = fields.value(row, field.name, world)
      if value == nil or (type(value) == "table" and next(value) == nil) then absent = absent + 1 end
    end
    tally.tick("absent", field.name, absent)
    tally.tick("absent", "rows")
  end
  tally.tick("absent", "rows", #world.rows - #questions.request_fields)
end

-- ------------------------------------------------------------------------------------------------- one case

--- A failure that is the column engine's right to refuse, or anything else, which is raised.
local function refused(case, engine, message)
  local reason = engine == "columns" and engines.refusal(message)
  if not reason then error(message, 0) end
  if not engines.may_refuse(case, reason) then error("refused for no reason that the question gives: " .. reason, 0) end
  tally.tick("refusals", reason)
  tally.tick("engines", "columns refused")
end

local function ask_count(case, engine, query)
  local count, message = query:count()
  if not count then return refused(case, engine, message) end
  if count ~= case.count then error(("count: got %d, wanted %d"):format(count, case.count), 0) end
end

local function ask(case, engine, query)
  local good, got = pcall(case.read, query)
  if not good then return refused(case, engine, (tostring(got):gsub("^%S+:%d+: ", ""))) end
  for _, row in ipairs(case.id_of and got or {}) do row.id = rows.rescale(case.id_of, row.id) end
  rows.compare(got, case.rows)
  tally.tick("engines", engine)
end

local failures = {}

--- Runs something of a case; a failure is noted with all that tells where it was.
local function note(case, where, run, ...)
  local good, message = pcall(run, ...)
  if good then return end
  failures[#failures + 1] = ("%s\n  %s\n  %s"):format(where, case.what, tostring(message))
  if #failures >= MOST_FAILURES then error(table.concat(failures, "\n\n"), 0) end
end

local plain_ways = { "", "", "plain_columns", "plain_kernels", "plain_columns plain_kernels" }

local function run_case(case, where, handles, plain)
  for _, engine in ipairs { "columns", "sql", "auto" } do
    local query = case.query(handles:handle(engine, case.scope, engine == "sql" and "" or plain))
    local place = ("%s, engine %s %s"):format(where, engine, plain)
    note(case, place, ask, case, engine, query)
    note(case, place, ask_count, case, engine, query)
  end
end

-- -------------------------------------------------------------------------------------------------- worlds

local function remove(path)
  vm.remove(path)
  os.remove(path .. "-columns")
end

local function state_of(w, rng, db, world, path, handles)
  local state = { w = w, rng = rng, db = db, world = world, path = path, handles = handles, kept = {} }

  --- So many cases of the store as it is now.
  function state.ask(name, count)
    assert(db:check())
    count_absent(world)
    state.kept = {}
    for i = 1, count or IN_A_STATE do
      local case = questions.make(rng, world)
      tally.tick("states", name)
      run_case(case, ("world %d, %s, case %d"):format(w, name, i), handles, rng.pick(plain_ways))
      state.kept[#state.kept + 1] = case
    end
  end

  --- What was asked last is asked of the state in which it was asked, while that one is changed.
  function state.keep()
    local plain = rng.pick(plain_ways)
    state.snapshots, state.asked = {}, state.kept
    for _, engine in ipairs { "columns", "sql" } do state.snapshots[engine] = assert(handles:handle(engine, {}, plain)._core:snapshot()) end
  end

  function state.ask_snapshots(reindexed)
    for engine, snapshot in pairs(state.snapshots) do
      local view = setmetatable({ _core = snapshot }, getmetatable(db))
      for _, case in ipairs(state.asked) do
        case.reindexed = reindexed
        if next(case.scope) == nil then
          tally.tick("states", "snapshot")
          note(case, ("world %d, snapshot, engine %s"):format(w, engine), ask, case, engine, case.query(view))
        end
      end
      view:close()
    end
    state.snapshots = nil
  end

  --- Changes rows, while readers go along with it.
  function state.change(count)
    for i = 1, count do
      worlds.change(rng, db, world)
      if rng.chance(30) or i % 20 == 0 then
        local handle = handles:handle("columns", {}, "")
        local count_now = assert(handle:requests():count())
        if count_now ~= #world.rows then error(("world %d: %d requests after a change, not %d"):format(w, count_now, #world.rows), 0) end
      end
    end
  end

  return state
end

local function some_of(rng, world, percent) return math.max(1, math.ceil(#world.rows * rng.int(1, percent) / 100)) end

--- The life of a store.
local function live(state, count)
  local rng, db, world = state.rng, state.db, state.world
  local begins = rng.pick { "half sealed", "all sealed", "all sealed", "as they came" }
  local first = begins == "half sealed" and math.ceil(count / 2) or count
  worlds.add(rng, db, world, first, rng.int(1, 12))
  worlds.furnish(rng, db, world)
  if rng.chance(50) then assert(db:index_words()) end
  state.ask("in the tail")
  assert(db:seal())
  if begins == "half sealed" then
    worlds.add(rng, db, world, count - first, rng.int(1, 5))
  end
  state.ask(begins == "half sealed" and begins or state.one_segment and "one segment" or "several segments")
  state.keep()
  state.change(some_of(rng, world, 30))
  state.ask("changed")
  state.ask_snapshots()
  assert(db:seal())
  if rng.chance(50) then state.handles:close() end
  if rng.chance(30) then assert(db:index_words { anew = rng.chance(50) }) end
  state.ask("sealed again")
  state.change(some_of(rng, world, 60))
  local _, status = vm.shell(("sqlite3 %s <%s"):format(state.path, vm.write(state.path .. ".sql", worlds.change_by_sql(rng, world))))
  assert(status == 0)
  os.remove(state.path .. ".sql")
  worlds.add(rng, db, world, rng.int(1, 40), rng.int(1, 5))
  state.ask("changed again")
  if rng.chance(50) then state.keep() end
  assert(db:reindex())
  state.ask("reindexed")
  worlds.add(rng, db, world, rng.int(1, 60), rng.int(1, 3))
  if state.snapshots then state.ask_snapshots(true) end
  state.ask("more in the tail")
end

local function in_world(w, rng, count, segment_rows, run)
  local path = vm.path "agree.db"
  remove(path)
  local db = engines.open(path, { seal = rng.chance(75) and "manual" or "auto", durable = false }, { segment_rows = segment_rows, relaxed = true })
  local handles = engines.set(path)
  local state = state_of(w, rng, db, worlds.new(rng, count), path, handles)
  state.one_segment = segment_rows == 0
  run(state, count)
  handles:close()
  db:close()
  remove(path)
end

local function live_in_world(w)
  local rng = random.new(SEED + w * 7919)
  in_world(w, rng, rng.pick { rng.int(30, 90), rng.int(60, 200), rng.int(200, 400) }, rng.pick { 7, 16, 64, 0 }, live)
end

--- So many rows and sessions in a segment that engines take them in several bites.
local function live_briefly(state, count)
  worlds.add(state.rng, state.db, state.world, count, 3)
  assert(state.db:seal())
  state.change(10)
  state.ask("large", 10)
end

describe("the engines and the naive evaluator agree", function()
  it("on stores in all states", function()
    for w = 1, math.ceil(CASES / IN_A_STATE / STATES) do
      if (ONLY or w) == w then live_in_world(w) end
    end
    if CASES >= 2000 and (ONLY or 0) == 0 then in_world(0, random.new(SEED), 4200, 0, live_briefly) end
    if #failures > 0 then error(table.concat(failures, "\n\n"), 0) end
  end)

  it("and all of it was asked about", function()
    for _, what in ipairs { "kinds", "ways", "states", "engines", "refusals", "operators", "fields", "groups", "absent" } do tally.show(what) end
    io.write(("# %d cases, %d of them select neither nothing nor everything\n"):format(tally.asked, tally.selective))
    if tally.asked < 2000 then return end -- too few to have met everything
    assert(tally.selective * 2 >= tally.asked, "too many cases select nothing or everything")
    for _, field in ipairs(core.fields()) do
      assert(tally.count("fields", field.name) > 0 or field.type == "records", field.name .. " was never asked about")
    end
    for _, op in ipairs { "eq", "ne", "gt", "gte", "lt", "lte", "between", "among", "like", "ilike", "contains", "has", "present", "absent",
      "and", "or", "not", "some", "every", "root", "in_trace", "enclosing", "enclosed", "entry" } do
      assert(tally.count("operators", op) > 0, op .. " was never used")
    end
    assert(tally.count("engines", "columns") * 3 >= tally.asked * 2, "the column engine answered too few")
  end)
end)
