--- Queries: steps, order, pages, iterators, groups, explanations.
local random = require "spec.support.random"
local sq = require "sessionquery"
local vm = require "spec.support.vm"
local f = sq.field

local function names(rows, field)
  local list = {}
  for i, row in ipairs(rows) do list[i] = tostring(row[field or "id"]) end
  return table.concat(list, " ")
end

local function store(records)
  local db = assert(sq.open ":memory:")
  assert(db:add(records))
  return db
end

local function raises_here(call, pattern)
  local good, message = pcall(call)
  assert(not good, "expected an error like " .. pattern)
  assert(tostring(message):find(pattern, 1, true), ("%s: expected %s"):format(message, pattern))
  assert(tostring(message):find "^%S*query_spec%.lua:%d+: ", message)
end

describe("the builder", function()
  local db = store {
    { request_id = "1", session_id = "a", created_at = 100, cost_usd = 1, latency_ms = 10, model = "x" },
    { request_id = "2", session_id = "a", created_at = 200, cost_usd = 2, latency_ms = 20, model = "y" },
    { request_id = "3", session_id = "b", created_at = 150, cost_usd = 5, latency_ms = 30, model = "x" },
    { request_id = "4", session_id = "c", created_at = 300, latency_ms = 40 },
  }

  it("is immutable", function()
    local base = db:sessions()
    local limited = base:limit(1)
    local filtered = base:where(f.model:eq "x")
    assert.equal(3, #assert(base:all()))
    assert.equal(1, #assert(limited:all()))
    assert.equal(2, #assert(filtered:all()))
    assert.equal(3, #assert(base:all()))
  end)

  it("accumulates filters and windows, and replaces order and limit", function()
    assert.equal("a", names(assert(db:sessions():where(f.model:eq "x"):where(f.cost_usd:lt(3)):all())))
    assert.equal("b", names(assert(db:sessions():window(120, nil):window(nil, 180):all())))
    assert.equal("a b c", names(assert(db:sessions():order_by("-total_cost_usd"):order_by("id"):all())))
    assert.equal(2, #assert(db:sessions():limit(1):limit(2):all()))
    assert.equal("a", names(assert(db:sessions():where("model = 'x' and cost_usd < 3"):all())))
  end)

  it("windows are from <= created_at < to", function()
    assert.equal("2 3 1", names(assert(db:requests():window(100, 300):all()), "request_id"))
    assert.equal("2 3", names(assert(db:requests():window("1970-01-01T00:01:40.000001Z", "1970-01-01T00:05:00Z"):all()), "request_id"))
    assert.equal(4, #assert(db:requests():window(nil, nil):all()))
    assert.equal(0, #assert(db:requests():window(300, 100):all()))
  end)

  it("shows what is selected, by any engine", function()
    local keys = function(row)
      local list = {}
      for key in pairs(row) do list[#list + 1] = key end
      table.sort(list)
      return table.concat(list, " ")
    end
    local query = db:sessions():order_by "id"
    assert.equal("id organization_id project total_requests", keys(query:select { "total_requests" }:first()))
    assert.same({ 2, 1, 1 }, (function(rows) return { rows[1].total_requests, rows[2].total_requests, rows[3].total_requests } end)(
      assert(query:select { "session.total_requests", "total_requests" }:all())))
    assert.equal("id organization_id project", keys(query:select {}:first()))
    assert.equal("id latency_p50_ms organization_id project total_cost_usd",
      keys(db:group_by("project"):select { "latency_p50_ms", "total_cost_usd" }:first()))
    assert.equal("model organization_id project", keys(db:requests():where "request_id = '1'":select { "model" }:first()))
    assert.equal("organization_id project request_id", keys(db:requests():select { "model" }:select { "request_id" }:first()))
    -- the order and the filter may be of what is not shown
    assert.equal("b", names(assert(db:sessions():select {}:where "session.total_cost_usd > 1":order_by "-total_cost_usd":limit(1):all())))
    assert.equal(3, db:sessions():select {}:count())
  end)

  it("trims: totals cover just the rows that pass", function()
    local row = assert(db:sessions():where(f.model:eq "x"):where(f.session.id:eq "a"):first())
    assert.equal(1, row.total_requests)
    assert.equal(1, row.total_cost_usd)
    assert.equal(100, row.latest_request_created_at)
  end)

  it("orders with absent values last, both ways", function()
    assert.equal("b a c", names(assert(db:sessions():order_by("-total_cost_usd"):all())))
    assert.equal("a b c", names(assert(db:sessions():order_by("total_cost_usd"):all())))
    assert.equal("a b c", names(assert(db:sessions():order_by("session.total_cost_usd"):all())))
    assert.equal("1 3 2 4", names(assert(db:requests():order_by("model"):all()), "request_id"))
    assert.equal("2 1 3 4", names(assert(db:requests():order_by("-model"):all()), "request_id"))
    assert.equal("c a b", names(assert(db:sessions():all())))
  end)

  it("first and count ignore limit and offset", function()
    local query = db:sessions():limit(1):offset(1)
    assert.equal("a", names(assert(query:all())))
    assert.equal("c", assert(query:first()).id)
    assert.equal(3, assert(query:count()))
    assert.is_nil((db:sessions():where(f.model:eq "none"):first()))
    assert.equal(0, assert(db:sessions():where(f.model:eq "none"):count()))
    assert.equal(0, #assert(db:sessions():limit(0):all()))
  end)

  it("raises on mistakes, at the caller's line", function()
    raises_here(function() db:sessions():select { "total_request" } end, "no field 'total_request', did you mean 'total_requests'?")
    raises_here(function() db:requests():select { "request_body" } end, "no field 'request_body'") -- without { bodies = true }
    raises_here(function() db:group_by("model"):select { "tags" } end, "no field 'tags'") -- a session's own
    raises_here(function() db:requests():select { 1 } end, "select: name 1 is a number, not text")
    raises_here(function() db:requests():select "model" end, "select: expected a list, got string")
    raises_here(function() db:sessions():order_by "nope" end, "cannot order by unknown field 'nope'")
    raises_here(function() db:sessions():order_by "-total_cost" end, "did you mean '-total_cost_usd'?")
    raises_here(function() db:sessions():order_by "user_ids" end, "it is no single value")
    raises_here(function() db:requests():order_by "total_cost_usd" end, "unknown field 'total_cost_usd'")
    raises_here(function() db:requests():order_by "properties" end, "it is no single value")
    raises_here(function() db:requests():where(f.session.errors:gt(0)) end, "session.errors asks about sessions")
    raises_here(function() db:requests():where(sq.some_request(f.status:gt(0))) end, "some asks about sessions")
    raises_here(function() db:sessions():where(f.entry.key:eq "x") end, "can only be asked about inside entry")
    raises_here(function() db:sessions():where "latncy_ms > 1" end, "did you mean 'latency_ms'?")
    raises_here(function() db:sessions():where(5) end, "expected a filter")
    raises_here(function() db:sessions():where() end, "expected a filter")
    raises_here(function() db:sessions():limit(-1) end, "expected a whole number from 0")
    raises_here(function() db:sessions():limit(1.5) end, "expected a whole number from 0")
    raises_here(function() db:sessions():limit "1" end, "expected a whole number from 0")
    raises_here(function() db:sessions():offset(-1) end, "expected a whole number from 0")
    raises_here(function() db:sessions():after(5) end, "after: expected string or nil")
    raises_here(function() db:sessions():window {} end, "window: expected number or string")
    raises_here(function() db:sessions():window "soon" end, "is not a time")
    raises_here(function() db:sessions():order_by() end, "order_by: expected string")
    raises_here(function() db:sessions():each { snapsot = true } end, "did you mean 'snapshot'?")
    raises_here(function() db:group_by() end, "expected one to three keys")
    raises_here(function() db:group_by "latency_ms" end, "cannot group by 'latency_ms'")
    raises_here(function() db:group_by "modl" end, "did you mean 'model'?")
    raises_here(function() db:group_by "scores.q" end, "cannot group by 'scores.q'")
    raises_here(function() db:group_by("model", "model") end, "grouped by 'model' twice")
    raises_here(function() db:group_by("model", "user_id", "provider", "name") end, "one to 3 keys, not 4")
    raises_here(function() db:group_by(5) end, "key 1 is a number")
    raises_here(function() db:group_by(sq.day { offset_minutes = 2000 }) end, "-1440 to 1440")
    raises_here(function() db:group_by "model":where(f.session.tags:has "x") end, "belongs to a session")
    raises_here(function() db:group_by("model", "user_id"):where(f.session.id:eq "x") end, "no one key of text")
    raises_here(function() db:group_by("model", "user_id"):order_by "id" end, "there are several keys")
    raises_here(function() sq.day { offset = 5 } end, "unknown option 'offset'")
  end)
end)

describe("pages", function()
  local rng = random.new(5)
  local db, world = random.world(rng, 120)

  local function all_of(query) return names(assert(query:all()), "request_id") .. "|" .. names(assert(query:all()), "id") end

  local function by_cursor(query, size)
    local rows, pages = {}, 0
    local begun = query:limit(size)
    repeat
      local page = assert(begun:page())
      pages = pages + 1
      assert(#page <= size)
      for _, row in ipairs(page) do rows[#rows + 1] = row end
      begun = query:limit(size):after(page.next)
    until not page.next
    return names(rows, "request_id") .. "|" .. names(rows, "id"), pages
  end

  local function by_offset(query, size)
    local rows = {}
    for offset = 0, 1000, size do
      local page = assert(query:limit(size):offset(offset):page())
      for _, row in ipairs(page) do rows[#rows + 1] = row end
      if not page.next then break end
    end
    return names(rows, "request_id") .. "|" .. names(rows, "id")
  end

  it("by offset and by cursor give every row once, ties and absent values included", function()
    for _, order in ipairs { "total_cost_usd", "-total_cost_usd", "error_rate", "-name", "name", "-avg_latency_ms",
      "total_requests", "id", "-id" } do
      local query = db:sessions():order_by(order)
      for _, size in ipairs { 1, 2, 3, 7, 1000 } do
        assert.equal(all_of(query), (by_cursor(query, size)), order .. size)
        assert.equal(all_of(query), by_offset(query, size), order .. size)
      end
    end
    for _, order in ipairs { "model", "-model", "streamed", "-streamed", "cost_usd", "-latency_ms", "created_at",
      "total_tokens", "-cached" } do
      local query = db:requests():order_by(order)
      for _, size in ipairs { 1, 7, 50 } do assert.equal(all_of(query), (by_cursor(query, size)), order .. size) end
    end
    for _, keys in ipairs { { "properties.n" }, { "model", "streamed" }, { "properties.flag", "properties.env", sq.hour }, { "cached" } } do
      local query = db:group_by((unpack or table.unpack)(keys))
      for _, size in ipairs { 1, 3 } do assert.equal(all_of(query), (by_cursor(query, size))) end
    end
  end)

  it("without a limit are of a hundred rows", function()
    local page = assert(db:requests():page())
    assert.equal(100, #page)
    assert.equal(20, #assert(db:requests():after(page.next):page()))
    assert.equal(#world.rows, 120)
  end)

  it("go on behind the row while others arrive and go", function()
    local path = vm.path()
    local file = assert(sq.open(path))
    for i = 1, 20 do assert(file:add { request_id = ("r%02d"):format(i), created_at = i * 10 }) end
    local query, seen, step = file:requests():order_by("created_at"):limit(3), {}, 0
    local begun = query
    repeat
      local page = assert(begun:page())
      for _, row in ipairs(page) do
        assert(not seen[row.request_id], row.request_id)
        seen[row.request_id] = true
      end
      step = step + 1
      assert(file:add { request_id = "late" .. step, created_at = 1 })
      assert(file:add { request_id = "new" .. step, created_at = 1000 + step })
      assert(file:delete { request = page[#page].request_id })
      begun = query:after(page.next)
    until not page.next or step > 30
    for i = 1, 20 do assert(seen[("r%02d"):format(i)], i) end
    file:close()
    vm.remove(path)
  end)

  it("refuse a cursor of another query, and a damaged one", function()
    local page = assert(db:sessions():limit(1):page())
    local function refused(query, cursor, pattern)
      local result, message, detail = query:limit(1):after(cursor):page()
      assert.is_nil(result)
      assert.equal("cursor", detail.code)
      assert(message:find(pattern), message)
    end
    refused(db:requests(), page.next, "another query")
    refused(db:sessions():order_by "id", page.next, "another query")
    refused(db:sessions():where(f.model:eq "x"), page.next, "another query")
    refused(db:group_by "model", page.next, "another query")
    refused(db:sessions(), "", "not a cursor")
    refused(db:sessions(), "x", "not a cursor")
    refused(db:sessions(), "!!!!", "not a cursor")
    refused(db:sessions(), page.next:sub(1, -5), "damaged")
    refused(db:sessions(), "A" .. page.next:sub(2), "damaged")
    for i = 1, #page.next do
      local other = page.next:sub(i, i) == "A" and "B" or "A"
      local result = db:sessions():limit(1):after(page.next:sub(1, i - 1) .. other .. page.next:sub(i + 1)):page()
      assert(result == nil or i == #page.next, "byte " .. i)
    end
    assert(db:sessions():limit(5):after(page.next):page())
    assert(db:sessions():offset(3):after(page.next):page())
    local again = assert(db:sessions():limit(1):after(page.next):offset(0):page())
    assert.equal(page[1].id, again[1].id)
  end)
end)

describe("iterators", function()
  local function numbered(count)
    local records = {}
    for i = 1, count do records[i] = { request_id = ("r%05d"):format(i), session_id = "s" .. i % 7, created_at = i } end
    return records
  end

  it("walk requests through many batches", function()
    local db = store(numbered(1777))
    local count, last = 0, math.huge
    for row in db:requests():each() do
      count = count + 1
      assert(row.created_at < last)
      last = row.created_at
    end
    assert.equal(1777, count)
    count = 0
    for _ in db:requests():limit(1200):offset(100):each() do count = count + 1 end
    assert.equal(1200, count)
    count = 0
    for _ in db:requests():limit(0):each() do count = count + 1 end
    assert.equal(0, count)
    count = 0
    for _ in db:requests():limit(500):each() do count = count + 1 end
    assert.equal(500, count)
    local page = assert(db:requests():limit(700):page())
    for _ in db:requests():after(page.next):each() do count = count + 1 end
    assert.equal(500 + 1077, count)
    db:close()
  end)

  it("allow writes in the loop, and a break holds nothing", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    assert(db:add(numbered(1200)))
    local seen = 0
    for row in db:requests():each() do
      assert(db:update { request_id = row.request_id, model = "seen" })
      seen = seen + 1
      if seen == 900 then break end
    end
    for row in db:sessions():each() do assert(db:tag(row.id, "seen")) end
    assert.equal(900, assert(db:requests():where(f.model:eq "seen"):count()))
    local other = assert(sq.open(path, { timeout_ms = 100 }))
    assert(other:add { created_at = 1 })
    assert(db:delete { before = 1e9 })
    other:close()
    db:close()
    vm.remove(path)
  end)

  it("hold one state when asked to", function()
    for _, path in ipairs { ":memory:", vm.path() } do
      local db = assert(sq.open(path))
      assert(db:add(numbered(1200)))
      local count = 0
      for _ in db:requests():each { snapshot = true } do
        count = count + 1
        if count == 1 then assert(db:delete { before = 1e9 }) end
      end
      assert.equal(1200, count)
      assert.equal(0, assert(db:requests():count()))
      assert(db:add(numbered(10)))
      local iterator = db:requests():each { snapshot = true }
      assert(iterator())
      iterator:close()
      iterator:close()
      assert.is_nil(iterator())
      for _ in db:sessions():each { snapshot = true } do count = count + 1 end
      assert.equal(1207, count)
      db:close()
      if path ~= ":memory:" then vm.remove(path) end
    end
  end)

  it("raise, since a for has no place for an error", function()
    local db = store(numbered(3))
    local cursor = assert(db:requests():limit(1):page()).next
    local good, message = pcall(function()
      for _ in db:sessions():after(cursor):each() do error "a row" end
    end)
    assert(not good)
    assert(message:find "query_spec%.lua:%d+: the cursor belongs to another query", message)
    db:close()
  end)

  it("are closed by the loop on Lua 5.4", function()
    if _VERSION ~= "Lua 5.4" then return end
    local db = store(numbered(3))
    local iterator, state, initial, closing = db:requests():each { snapshot = true }
    for row in iterator, state, initial, closing do
      if row.request_id == "r00003" then break end
    end
    assert.is_nil((iterator()))
    db:close()
  end)
end)

describe("groups", function()
  local db = store {
    { request_id = "1", session_id = "a", created_at = "2026-03-31T23:30:00Z", model = "x", cost_usd = 1,
      streamed = true, properties = { env = "prod" } },
    { request_id = "2", session_id = "a", created_at = "2026-04-01T00:30:00Z", model = "x", cost_usd = 2,
      streamed = false, properties = { env = 1 } },
    { request_id = "3", session_id = "b", created_at = "2026-04-05T12:00:00Z", model = "y", cost_usd = 4, properties = { env = true } },
    { request_id = "4", created_at = "2026-04-06T12:00:00Z", cost_usd = 8, project = "p" },
    { request_id = "5", created_at = "2026-04-06T12:00:00Z", cost_usd = 16, model = "", properties = { env = "" } },
  }

  it("by a field: absent is a group of its own, apart from \"\"", function()
    local rows = assert(db:group_by "model":order_by "total_cost_usd":all())
    assert.equal("x y nil ", names(rows, "model"))
    assert.equal("x y nil ", names(rows))
    assert.equal(1, rows[1].total_sessions)
    assert.equal(3, rows[1].total_cost_usd)
    assert.equal(0, rows[3].total_sessions)
    assert.is_nil(rows[1].tags)
    assert.is_nil(rows[1].project)
  end)

  it("by a boolean and by a property of any kind", function()
    assert.equal("false true nil", names(assert(db:group_by "streamed":order_by "streamed":all()), "streamed"))
    local rows = assert(db:group_by(f.properties.env):order_by "properties.env":all())
    assert.equal("1  prod true nil", names(rows, "properties.env"))
    assert.equal("number", type(rows[1]["properties.env"]))
    assert.equal("boolean", type(rows[4]["properties.env"]))
  end)

  it("by time, with an offset from UTC", function()
    local function starts(bucket)
      local list = {}
      for _, row in ipairs(assert(db:group_by(bucket):order_by(bucket._bucket):all())) do list[#list + 1] = sq.iso(row[bucket._bucket]) end
      return table.concat(list, " ")
    end
    assert.equal("2026-03-31T23:00:00Z 2026-04-01T00:00:00Z 2026-04-05T12:00:00Z 2026-04-06T12:00:00Z", starts(sq.hour))
    assert.equal("2026-03-31T00:00:00Z 2026-04-01T00:00:00Z 2026-04-05T00:00:00Z 2026-04-06T00:00:00Z", starts(sq.day))
    assert.equal("2026-03-31T22:00:00Z 2026-04-04T22:00:00Z 2026-04-05T22:00:00Z", starts(sq.day { offset_minutes = 120 }))
    assert.equal("2026-03-30T00:00:00Z 2026-04-06T00:00:00Z", starts(sq.week))
    assert.equal("2026-03-01T00:00:00Z 2026-04-01T00:00:00Z", starts(sq.month))
    assert.equal("2026-03-31T23:00:00Z", starts(sq.month { offset_minutes = 60 }))
    assert.equal("2026-03-01T05:00:00Z 2026-04-01T05:00:00Z", starts(sq.month { offset_minutes = -300 }))
  end)

  it("by several keys", function()
    local rows = assert(db:group_by("model", sq.day, "streamed"):order_by "day":all())
    assert.equal(5, #rows)
    assert.equal("x", rows[1].model)
    assert.equal(true, rows[1].streamed)
    assert.is_nil(rows[1].id)
  end)

  it("by project", function()
    local rows = assert(db:projects():order_by "-total_cost_usd":all())
    assert.equal("default p", names(rows))
    assert.equal(23, rows[1].total_cost_usd)
    assert.equal(2, rows[1].total_sessions)
  end)

  it("keep and filter as sessions do", function()
    assert.equal("x", names(assert(db:group_by "model":where(f.session.total_requests:gt(1)):all())))
    assert.equal("y", names(assert(db:group_by "model":where(f.session.id:eq "y"):all())))
    assert.equal(2, assert(db:group_by "model":where(sq.every_request(f.session_id:present())):count()))
    assert.equal(1, assert(db:group_by "model":where(f.cost_usd:gte(16)):count()))
  end)
end)

describe("a session", function()
  it("gives its requests and its row", function()
    local db = store { { request_id = "1", session_id = "a", created_at = 1 },
      { request_id = "2", session_id = "a", created_at = 2, status = 500 },
      { request_id = "3", session_id = "b", created_at = 3 } }
    local session = assert(db:session "a")
    assert.equal(2, #assert(session:requests():all()))
    assert.equal(1, assert(session:requests():where(f.status:gte(400)):count()))
    assert.equal(2, assert(session:get()).total_requests)
    assert(session:set { tier = "gold", n = 1 })
    assert(session:set { n = sq.null, b = true })
    assert(session:tag "t")
    assert(session:feedback { key = "k", score = 4, value = { "free" }, comment = "c" })
    local row = assert(session:get())
    assert.same({ tier = "gold", b = true }, row.metadata)
    assert.same({ "t" }, row.tags)
    assert.same({ k = { n = 1, avg = 4, values = { ['["free"]'] = 1 } } }, row.own_feedback_stats)
    assert.same({}, row.feedback_stats)
    assert.is_nil((assert(db:session "none"):get()))
    local good, message, detail = assert(db:session "none"):tag "x"
    assert.is_nil(good)
    assert.equal("not_found", detail.code, message)
    raises_here(function() db:session(5) end, "session: session id: expected string")
    raises_here(function() session:set "x" end, "set: expected table")
    raises_here(function() session:tag() end, "tag: expected string")
    db:close()
  end)
end)

describe("explain", function()
  it("tells the engine, the query, the SQL and its values", function()
    local db = assert(sq.open(":memory:", { organization = "o", engine = "sql" }))
    local text = assert(db:sessions():where(f.model:eq "x"):where(f.session.errors:gt(0)):limit(5):offset(2):explain())
    assert(text:find "^engine: sql, by SQLite %(the store was opened for it%)\n", text)
    assert(text:find('\nscope: organization "o"\n', 1, true), text)
    assert(text:find('\nquery: sessions rows (eq model "x") keep (gt session.errors 0) order -session.latest_request_created_at limit 5 offset 2\n', 1, true), text)
    assert(text:find("\nsql: SELECT ", 1, true), text)
    assert(text:find('\nvalues: ?1 = "o", ?2 = "x", ?3 = 0, ?4 = 6, ?5 = 2\n', 1, true), text)
    assert(text:find("\nplan:\n", 1, true), text)
    assert(assert(db:requests():explain()):find "query: requests all order %-created_at")
    assert(assert(db:group_by("model", sq.day { offset_minutes = 60 }):explain()):find "query: groups by model by day%+60 all")
    db:close()
  end)

  it("has no value in the SQL text", function()
    local db = assert(sq.open(":memory:", { organization = "ORG'1", engine = "sql" }))
    local text = assert(db:requests():where(f.model:eq "VALUE'2"):where(f.properties["KEY'3"]:like "VALUE'4%"):explain())
    local sql = text:match "\nsql: ([^\n]*)"
    assert(not sql:find "VALUE" and not sql:find "KEY" and not sql:find "ORG", sql)
    db:close()
  end)
end)

describe("json", function()
  it("gives canonical rows", function()
    local db = assert(sq.open(":memory:", { organization = "o", project = "p" }))
    assert(db:add { request_id = "1", session_id = "a\"b", created_at = 1.5, cost_usd = 0.1, tags = { "x" } })
    local rows = assert(require("sessionquery.core").decode(assert(db:sessions():json())))
    assert.equal('a"b', rows[1].id)
    assert.equal("1970-01-01T00:00:01.500Z", rows[1].created_at)
    assert.equal(0.1, rows[1].total_cost_usd)
    assert.equal("[]", assert(db:sessions():where(f.model:eq "none"):json()))
    local text = assert(db:requests():json())
    assert(text:find('"cost_usd":0.1', 1, true), text)
    assert(text:find('"tags":["x"]', 1, true) and text:find('"assets":[]', 1, true) and text:find('"properties":{}', 1, true), text)
    assert(text:find('"model":null', 1, true), text)
    db:close()
  end)
end)
