--- Updates of requests that have not come: whatever comes first, the request is as it would be had they come in order.
local core = require "sessionquery.core"
local prices = require "sessionquery.prices"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local function memory(options) return assert(sq.open(":memory:", options)) end

local function rows(db) return assert(db:requests { bodies = true }:order_by "request_id":json()) end

local function held(path) return tonumber((vm.shell(("sqlite3 %s 'SELECT count(*) FROM held_patch'"):format(path)))) end

local function with(record, more)
  local whole = {}
  for name, value in pairs(record) do whole[name] = value end
  for name, value in pairs(more) do whole[name] = value end
  return whole
end

-- What one client says of one run, in this order: its beginning, then these.
local first = { request_id = "r", session_id = "s", created_at = 10, model = "m0", tags = { "t" }, properties = { a = 0, z = "z" },
  scores = { q = 1 }, request_body = "in", cost_usd = 0.5, odd = { 1 }, feedback = { { key = "f", score = 1, created_at = 11 } } }
local patches = {
  { request_id = "r", responded_at = 12, response_body = { out = 1 }, properties = { a = 1, b = true }, cost_usd = 0.25, odd = 2 },
  { request_id = "r", error = "broken", model = "m1", properties = { b = sq.null, z = sq.null, c = "c" }, request_body = sq.null, tags = { "u", "v" } },
  { request_id = "r", error = sq.null, completion_tokens = 7, scores = sq.null, session_id = "s2", feedback = { { key = "f", score = 2, created_at = 13 } } },
}

--- The store as it is when all came in order.
local function in_order(order)
  local db = memory()
  assert(db:add(first))
  for _, number in ipairs(order) do assert(db:update(patches[number])) end
  local text = rows(db)
  db:close()
  return text
end

local orders = { { 1, 2, 3 }, { 1, 3, 2 }, { 2, 1, 3 }, { 2, 3, 1 }, { 3, 1, 2 }, { 3, 2, 1 } }

local ways = {
  add = function(db) return db:add(first) end,
  ["add and update"] = function(db) return db:add(first, { on_conflict = "update" }) end,
  ["a list"] = function(db) return db:add { { request_id = "q", created_at = 1 }, first, { request_id = "t", created_at = 1 } } end,
  import = function(db)
    local line = core.encode(first)
    return db:import(function()
      local given = line
      line = nil
      return given
    end)
  end,
  ["import that updates"] = function(db)
    local line = core.encode(first)
    return db:import(function()
      local given = line
      line = nil
      return given
    end, { on_conflict = "update" })
  end,
}

describe("updates that came before their request", function()
  for name, way in pairs(ways) do
    it("are merged when it comes by " .. name, function()
      for _, order in ipairs(orders) do
        local wanted = in_order(order)
        for came = 0, 3 do -- how many come before it
          local path = vm.path()
          local db = assert(sq.open(path))
          for i = 1, came do assert.same({ 0, 1 }, { db:update(patches[order[i]], { hold = true }) }) end
          assert.equal(came, held(path))
          assert(way(db))
          assert.equal(0, held(path))
          for i = came + 1, 3 do assert.same({ 1, 0 }, { db:update(patches[order[i]], { hold = true }) }) end
          if name == "a list" then assert(db:delete { request = "q" } and db:delete { request = "t" }) end
          assert.equal(wanted, rows(db))
          assert(db:check())
          db:close()
          vm.remove(path)
        end
      end
    end)
  end

  it("are merged once: what replaces the request has none of them", function()
    local db = memory()
    assert(db:update({ request_id = "r", model = "held" }, { hold = true }))
    assert(db:add { request_id = "r", created_at = 1 })
    assert.equal("held", assert(db:requests():first()).model)
    assert(db:add { request_id = "r", created_at = 1 })
    assert.is_nil(assert(db:requests():first()).model)
    db:close()
  end)

  it("wait in the store: another handle's, another process's, after it was closed", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    assert(db:update({ request_id = "r", model = "m", project = "p" }, { hold = true }))
    db:close()
    local output, status = vm.run([[
      local db = assert(require("sessionquery").open(arg[1]))
      assert(db:update({ request_id = "r", latency_ms = 5, project = "p" }, { hold = true }))
      assert(db:add { request_id = "r", created_at = 1, project = "p" })
      local row = assert(db:requests():first())
      print(row.model, row.latency_ms)
      db:close()]], path)
    assert.same({ "m\t5\n", 0 }, { output, status })
    assert.equal(0, held(path))
    vm.remove(path)
  end)

  it("reach each its own, among many that come at once", function()
    for _, size in ipairs { 1, 15, 16, 17, 40 } do
      local db = memory()
      local list = {}
      for i = 1, size do
        list[i] = { request_id = "r" .. i, created_at = i, request_body = i % 3 == 0 and "body " .. i or nil, feedback = i % 5 == 0 and { { key = "k", score = i } } or nil }
        if i % 4 == 1 then assert(db:update({ request_id = "r" .. i, latency_ms = i, response_body = "out " .. i }, { hold = true })) end
      end
      assert(db:add(list))
      for row in db:requests { bodies = true }:each() do
        local i = tonumber(row.request_id:match "%d+")
        assert.same({ i, i % 4 == 1 and i or nil, i % 4 == 1 and "out " .. i or nil, i % 3 == 0 and "body " .. i or nil, i % 5 == 0 and i or nil },
          { row.created_at, row.latency_ms, row.response_body, row.request_body, row.scores.k })
      end
      assert.equal(size, assert(db:requests():count()))
      db:close()
    end
  end)

  it("get the costs that come of the whole", function()
    local list = (prices.load { m = { input_per_million = 1e5, output_per_million = 2e5 } })
    for _, before in ipairs { true, false } do
      for _, more in ipairs { {}, { cost_usd = 7 } } do
        local db = memory { prices = list }
        local record, patch = with({ request_id = "r", created_at = 1, model = "m", project = "p" }, more), { request_id = "r", prompt_tokens = 30, completion_tokens = 20 }
        if before then assert(db:update(patch, { hold = true })) end
        assert(db:add(record))
        if not before then assert(db:update(patch, { hold = true })) end
        local row = assert(db:requests():first())
        assert.same(more.cost_usd and { 7, "recorded" } or { 7, "computed" }, { row.cost_usd, row.cost_source })
        db:close()
      end
    end
  end)
end)

describe("holding", function()
  it("is asked for: else the request must be there", function()
    local db = memory()
    local count, message, detail = db:update { request_id = "r", model = "m" }
    assert.same({ "not_found" }, { detail.code, count }, message)
    assert.same({ 1, 1 }, { (function()
      assert(db:add { request_id = "a", created_at = 1 })
      return db:update({ { request_id = "a", model = "m" }, { request_id = "b", model = "m" } }, { hold = true })
    end)() })
    db:close()
  end)

  it("refuses at once what the request could not take", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    local cases = {
      { { request_id = "r", created_at = sq.null }, "value", "created_at cannot be cleared" },
      { { request_id = "r", run_type = sq.null }, "value", "run_type cannot be cleared" },
      { { request_id = "r", latency_ms = "x" }, "type", "latency_ms is a whole number" },
      { { request_id = "r", properties = 1 }, "type", "properties is a map" },
      { { request_id = "r", feedback = { { score = 1 } } }, "missing", "feedback has a key" },
      { { request_id = "" }, "value", "request_id is empty" },
      { { model = "m" }, "missing", "request_id is required" },
    }
    for i, case in ipairs(cases) do
      local count, message, detail = db:update(case[1], { hold = true })
      assert.same({ case[2] }, { detail.code, count })
      assert(message:find(case[3], 1, true), i .. message)
    end
    local _, message = db:update({ { request_id = "a", model = "m" }, cases[1][1] }, { hold = true })
    assert(message:find("record 2:", 1, true), message)
    assert.equal(0, held(path)) -- the first neither
    assert.has_error(function() db:update({ request_id = "r" }, { hold = 1 }) end)
    assert.has_error(function() db:update({ request_id = "r" }, { keep = true }) end)
    local reader = assert(sq.open(path, { readonly = true }))
    assert.equal("readonly", select(3, reader:update({ request_id = "r" }, { hold = true })).code)
    reader:close()
    db:close()
    vm.remove(path)
  end)

  it("is within an organization, and a project where one is named", function()
    local db = memory()
    local function say(patch) assert.same({ 0, 1 }, { db:update(with(patch, { request_id = "r" }), { hold = true }) }) end
    say { organization_id = "o", latency_ms = 1 }
    say { organization_id = "o", project = "p", model = "of p" }
    say { organization_id = "o", project = "q", model = "of q" }
    say { organization_id = "n", model = "of n", name = "of n" }
    say { model = "of none" }
    assert(db:add { request_id = "r", created_at = 1, organization_id = "o", project = "q" })
    assert(db:add { request_id = "r", created_at = 1, organization_id = "o", project = "p" })
    assert(db:add { request_id = "r", created_at = 1, organization_id = "m", project = "p" })
    local seen = {}
    for row in db:requests():each() do seen[row.organization_id .. "/" .. row.project] = { row.model or "-", row.latency_ms or "-" } end
    assert.same({ ["o/q"] = { "of q", 1 }, ["o/p"] = { "of p", "-" }, ["m/p"] = { "-", "-" } }, seen)
    assert(db:add { request_id = "r", created_at = 1, organization_id = "n", project = "x" })
    assert.equal("of n", assert(db:requests():where "organization_id = 'n'":first()).name)
    db:close()
  end)

  it("finds the one request of the id, when no project is named", function()
    local db = memory { organization = "o" }
    assert(db:add { request_id = "r", created_at = 1, project = "p" })
    assert.same({ 1, 0 }, { db:update({ request_id = "r", model = "m", feedback = { { key = "k", score = 1 } } }, { hold = true }) })
    local row = assert(db:requests():first())
    assert.same({ "m", "p", 1 }, { row.model, row.project, row.scores.k })
    assert(db:add { request_id = "r", created_at = 1, project = "q" })
    local _, message, detail = db:update({ request_id = "r", model = "x" }, { hold = true })
    assert.equal("ambiguous", detail.code, message)
    assert.same({ 1, 0 }, { db:update({ request_id = "r", project = "q", model = "x" }, { hold = true }) })
    db:close()
  end)

  it("of one project's handle is not for another's requests, nor told of", function()
    local path = vm.path()
    local all, ours = assert(sq.open(path)), assert(sq.open(path, { organization = "o", project = "p" }))
    assert(all:add { request_id = "theirs", created_at = 1, organization_id = "o", project = "q" })
    assert.same({ 0, 1 }, { ours:update({ request_id = "theirs", model = "ours" }, { hold = true }) })
    assert.same({ 0, 1 }, { ours:update({ request_id = "later", model = "ours" }, { hold = true }) })
    assert.equal("forbidden", select(3, ours:update({ request_id = "x", project = "q" }, { hold = true })).code)
    assert(all:add { request_id = "later", created_at = 1, organization_id = "o", project = "q" })
    assert.equal(0, assert(all:requests():where "model is present":count()))
    -- an update of nobody's project is the organization's: a project's handle that brings the request brings it out
    assert(all:update({ request_id = "any", organization_id = "o", model = "theirs" }, { hold = true }))
    assert.equal(0, assert(ours:delete { request = "any" }).held)
    assert(ours:add { request_id = "any", created_at = 1 })
    assert.equal("theirs", assert(ours:requests():first()).model)
    all:close()
    ours:close()
    vm.remove(path)
  end)
end)

describe("what is held", function()
  local path, db

  before_each(function()
    path = vm.path()
    db = assert(sq.open(path))
  end)

  after_each(function()
    db:close()
    vm.remove(path)
  end)

  local function hold(patch) assert(db:update(with({ request_id = "r", organization_id = "o" }, patch), { hold = true })) end

  it("goes with what is deleted", function()
    local cases = {
      { { request = "r" }, {} }, { { request = "r", organization = "o" }, {} }, { { session = "s" }, { session_id = "s" } },
      { { session = "42" }, { session_id = 42 } }, { { user = "u" }, { user_id = "u" } }, { { project = "p" }, { project = "p" } },
      { { project = "p", organization = "o" }, { project = "p" } }, { { before = os.time() + 10 }, {} },
      { { request = "r", project = "p" }, { project = "p" } }, { { project = "p", session = "s" }, { project = "p", session_id = "s" } },
    }
    for i, case in ipairs(cases) do
      hold(case[2])
      assert.equal(1, assert(db:delete(case[1])).held, i)
      assert.equal(0, held(path))
    end
  end)

  it("stays with what is not", function()
    hold { project = "p", session_id = "s", user_id = "u" }
    for i, what in ipairs {
      { request = "x" }, { request = "r", organization = "n" }, { session = "x" }, { user = "x" }, { project = "q" }, { before = 5 },
      { request = "r", project = "q" }, { session = "s", project = "q" },
    } do
      assert.equal(0, assert(db:delete(what)).held, i)
    end
    assert.equal(0, assert(db:retain { days = 1 }).held)
    assert.equal(1, held(path))
    assert.equal(1, assert(db:stats()).held)
    for scope, count in pairs { o = 1, n = 0 } do
      local narrowed = assert(sq.open(path, { organization = scope, readonly = true }))
      assert.equal(count, assert(narrowed:stats()).held)
      narrowed:close()
    end
    assert.equal(1, assert(db:retain { days = 0 }).held + held(path)) -- of this very second
  end)

  it("loses its bodies where bodies are deleted", function()
    hold { model = "m", request_body = "a secret body", response_body = "another secret" }
    assert.equal(0, assert(db:delete { before = os.time() + 10, bodies_only = true }).held)
    assert(db:add { request_id = "r", organization_id = "o", created_at = 1 })
    local row = assert(db:requests { bodies = true }:first())
    assert.same({ model = "m" }, { model = row.model, request_body = row.request_body, response_body = row.response_body })
  end)

  it("is erased without a trace", function()
    hold { model = "a secret model", user_id = "u", request_body = ("a secret body "):rep(500) }
    assert(db:delete { user = "u", erase = true })
    for _, suffix in ipairs { "", "-wal" } do
      local file = io.open(path .. suffix, "rb")
      local bytes = file and file:read "*a" or ""
      if file then file:close() end
      assert.is_nil(bytes:find("a secret", 1, true), suffix)
    end
  end)

  it("follows its project's new name", function()
    assert(db:create_project { organization_id = "o", name = "p" })
    hold { project = "p", model = "m" }
    assert(db:update_project(core.project_id("o", "p"), { name = "q" }))
    assert(db:add { request_id = "r", organization_id = "o", project = "q", created_at = 1 })
    assert.equal("m", assert(db:requests():first()).model)
  end)

  it("outlives a writer that is killed, wholly or not at all, and is never merged twice", function()
    local child = vm.write(vm.path "writer.lua", [[
      local db = assert(require("sessionquery").open(arg[1]))
      for i = 1, 1000000 do
        assert(db:update({ request_id = "k" .. i, latency_ms = 1, feedback = { { key = "f", score = 1 } } }, { hold = true }))
        assert(db:update({ request_id = "k" .. i, model = "m" }, { hold = true }))
        assert(db:add { request_id = "k" .. i, created_at = i })
      end]])
    for _ = 1, 5 do
      vm.shell(("%s %s %s & pid=$!; sleep 0.2; kill -9 $pid; wait $pid"):format(vm.command, child, path))
      local waiting, done = held(path), 0
      assert(waiting <= 2, waiting)
      for row in db:requests():each() do
        assert.same({ 1, "m", 1 }, { row.latency_ms, row.model, row.scores.f })
        done = done + 1
      end
      assert.equal(done, assert(db:stats()).feedback)
      assert(done > 0)
      assert(db:delete { before = os.time() + 10 })
    end
    os.remove(child)
  end)

  it("meets its request whoever brings either, in several processes", function()
    local child = vm.write(vm.path "party.lua", [==[
      local db = assert(require("sessionquery").open(arg[1]))
      for i = 1, 100 do
        if arg[2] == "post" then assert(db:add({ request_id = "k" .. i, created_at = i, properties = { post = 1 } }, { on_conflict = "update" }))
        else assert(db:update({ request_id = "k" .. i, properties = { [arg[2]] = i } }, { hold = true })) end
      end
      db:close()]==])
    local output, status = vm.shell(("for n in a b post c; do %s %s %s $n & done; wait"):format(vm.command, child, path))
    assert.same({ "", 0 }, { output, status })
    assert.equal(0, held(path))
    local count = 0
    for row in db:requests():each() do
      local i = tonumber(row.request_id:match "%d+")
      assert.same({ a = i, b = i, c = i, post = 1 }, row.properties)
      count = count + 1
    end
    assert.equal(100, count)
    assert(db:seal())
    assert.equal(100, assert(db:check()))
    os.remove(child)
  end)
end)

describe("add with on_conflict", function()
  local function stored(options)
    local db = memory()
    assert(db:add { request_id = "r", created_at = 1, model = "old", properties = { a = 1 } })
    local id = assert(db:add({ request_id = "r", created_at = 2, latency_ms = 5, properties = { b = 2 } }, options))
    assert.equal("r", id)
    local row = assert(db:requests():first())
    db:close()
    return { row.created_at, row.model or "-", row.latency_ms or "-", row.properties.a or "-", row.properties.b or "-" }
  end

  it("replaces, skips or merges", function()
    assert.same({ 2, "-", 5, "-", 2 }, stored())
    assert.same({ 2, "-", 5, "-", 2 }, stored { on_conflict = "replace" })
    assert.same({ 1, "old", "-", 1, "-" }, stored { on_conflict = "skip" })
    assert.same({ 2, "old", 5, 1, 2 }, stored { on_conflict = "update" })
  end)

  it("keeps a recorded cost, and computes one of the whole", function()
    local list = (prices.load { m = { input_per_million = 1e5, output_per_million = 2e5 } })
    local db = memory { prices = list }
    assert(db:add({ request_id = "a", created_at = 1, model = "m", cost_usd = 9 }, { on_conflict = "update" }))
    assert(db:add({ { request_id = "a", created_at = 1, prompt_tokens = 10, completion_tokens = 10 } }, { on_conflict = "update" }))
    assert(db:add({ request_id = "b", created_at = 1, model = "m" }, { on_conflict = "update" }))
    assert(db:add({ request_id = "b", created_at = 1, prompt_tokens = 10, completion_tokens = 10 }, { on_conflict = "update" }))
    local costs = {}
    for row in db:requests():each() do costs[row.request_id] = { row.cost_usd, row.cost_source } end
    assert.same({ a = { 9, "recorded" }, b = { 3, "computed" } }, costs)
    db:close()
  end)

  it("takes nothing else", function()
    local db = memory()
    for _, options in ipairs { { on_conflict = "merge" }, { on_conflict = 1 }, { conflict = "skip" } } do
      local good, message = pcall(function() db:add({ created_at = 1 }, options) end)
      assert(not good and message:find("held_spec.lua:", 1, true), message)
    end
    db:close()
  end)
end)
