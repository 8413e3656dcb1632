--- Fields and filters as values: what the builder makes, and where a mistake raises.
local sq = require "sessionquery"
local f = sq.field

local function raises(call, pattern)
  local good, message = pcall(call)
  assert(not good, "expected an error like " .. pattern)
  assert(tostring(message):find(pattern, 1, true), ("%s: expected %s"):format(message, pattern))
end

--- A mistake must raise at the caller's line, not inside the library.
local function raises_here(call, pattern)
  raises(call, pattern)
  local _, message = pcall(call)
  assert(tostring(message):find("^%S*filter_spec%.lua:%d+: "), message)
end

describe("fields", function()
  it("are found by name, request, session and entry", function()
    assert.equal("(gt latency_ms 5)", f.latency_ms:gt(5):dump():gsub("^rows ", ""))
    assert.equal('keep (eq session.id "s1")', f.session.id:eq "s1":dump())
    assert.equal('rows (entry scores (eq entry.key "q"))', sq.entry("scores", f.entry.key:eq "q"):dump())
  end)

  it("of maps take any key", function()
    assert.equal('rows (eq properties.env "prod")', f.properties.env:eq("prod"):dump())
    assert.equal('rows (eq properties."Os Platform" "x")', f.properties["Os Platform"]:eq("x"):dump())
    assert.equal('rows (eq properties.has "x")', f.properties "has":eq("x"):dump())
    assert.equal('rows (present properties.env)', f.properties:has("env"):dump())
    assert.equal("rows (present properties)", f.properties:present():dump())
    assert.equal("rows (not (present scores))", f.scores:absent():dump())
    assert.equal("keep (gt session.metadata.n 1)", f.session.metadata.n:gt(1):dump())
  end)

  it("name themselves", function()
    assert.equal("latency_ms", tostring(f.latency_ms))
    assert.equal('properties."a b"', tostring(f.properties["a b"]))
    assert.equal("properties", tostring(f.properties))
  end)

  it("raise at the caller's line when unknown", function()
    raises_here(function() local _ = f.latncy_ms end, "unknown field 'latncy_ms', did you mean 'latency_ms'?")
    raises_here(function() local _ = f.session.total_cost end, "did you mean 'session.total_cost_usd'?")
    raises_here(function() local _ = f.entry.nothing_like_it end, "unknown field 'entry.nothing_like_it'")
    raises_here(function() local _ = f[5] end, "a field's name is text, not a number")
    raises(function() f.new = 1 end, "cannot be set")
  end)

  it("have every comparison", function()
    local m = f.model
    for _, case in ipairs {
      { m:eq "a", 'rows (eq model "a")' }, { m:ne "a", 'rows (not (eq model "a"))' },
      { m:gt "a", 'rows (gt model "a")' }, { m:gte "a", 'rows (gte model "a")' },
      { m:lt "a", 'rows (lt model "a")' }, { m:lte "a", 'rows (lte model "a")' },
      { m:between("a", "b"), 'rows (between model "a" "b")' }, { m:among { "a", "b" }, 'rows (among model "a" "b")' },
      { m:among {}, "rows false" }, { m:like "a%", 'rows (like model "a%")' }, { m:ilike "a%", 'rows (ilike model "a%")' },
      { m:contains "a", 'rows (contains model "a")' }, { f.tags:has "a", 'rows (eq tags "a")' },
      { m:present(), "rows (present model)" }, { m:absent(), "rows (not (present model))" },
      { m:eq(sq.null), "rows (not (present model))" }, { m:ne(sq.null), "rows (present model)" },
      { f.streamed:eq(true), "rows (eq streamed true)" }, { f.cost_usd:gte(0.1), "rows (gte cost_usd 0.1)" },
      { f.created_at:gte "2026-11-20", "rows (gte created_at 2026-11-20T00:00:00Z)" },
      { f.created_at:eq(1775802351.873744), "rows (eq created_at 2026-04-10T06:25:51.873744Z)" },
      { f.latency_ms:gt(2000.5), "rows (gt latency_ms 2000)" }, { f.latency_ms:lt(2 ^ 70), "rows (present latency_ms)" },
    } do
      assert.equal(case[2], case[1]:dump())
    end
  end)

  it("refuse what cannot be compared", function()
    raises_here(function() local _ = f.latency_ms:gt "x" end, "latency_ms wants a number here, not text")
    raises_here(function() local _ = f.model:gt(5) end, "model wants text here, not a number")
    raises_here(function() local _ = f.latency_ms:like "a" end, "latency_ms is of type integer, which has no 'like'")
    raises_here(function() local _ = f.model:eq(nil) end, "nil is no value")
    raises_here(function() local _ = f.model:eq() end, "nil is no value")
    raises_here(function() local _ = f.model:eq({}) end, "value 1 is a table")
    raises_here(function() local _ = f.model:eq(print) end, "value 1 is a function")
    raises_here(function() local _ = f.model:like "a\\b" end, "a backslash in a like pattern")
    raises_here(function() local _ = f.model:among "a" end, "expected a list")
    raises_here(function() local _ = f.model:between("a") end, "two values")
    raises_here(function() local _ = f.latency_ms:gt(0 / 0) end, "is not a number")
    raises_here(function() local _ = f.model:gt(sq.null) end, "null can be asked for with eq and ne only")
    raises_here(function() local _ = f.created_at:gt "yesterday" end, "is not a time")
    raises_here(function() local _ = f.properties[5] end, "a map's key is text")
    if jit then
      local ffi = require "ffi"
      raises_here(function() local _ = f.latency_ms:gt(ffi.new("int64_t", 5)) end, "an int64 is given as tonumber(x)")
    end
  end)
end)

describe("combinations", function()
  local slow, cheap = f.latency_ms:gt(2000), f.cost_usd:lt(0.01)

  it("are values too", function()
    assert.equal("rows (and (gt latency_ms 2000) (lt cost_usd 0.01))", sq.all { slow, cheap }:dump())
    assert.equal("rows (or (gt latency_ms 2000) (lt cost_usd 0.01))", sq.any { slow, cheap }:dump())
    assert.equal("rows (not (gt latency_ms 2000))", sq.negate(slow):dump())
    assert.equal("rows (gt latency_ms 2000)", sq.negate(sq.negate(slow)):dump())
    assert.equal("keep (some (gt latency_ms 2000))", sq.some_request(slow):dump())
    assert.equal("keep (every (gt latency_ms 2000))", sq.every_request(slow):dump())
    assert.equal("rows (root (gt latency_ms 2000))", sq.root(slow):dump())
    assert.equal("rows (in_trace (gt latency_ms 2000))", sq.in_trace(slow):dump())
    assert.equal("all", sq.all {}:dump())
    assert.equal("rows false", sq.any {}:dump())
    assert.equal('rows (entry properties (and (eq entry.key "a") (gt entry.value 1)))',
      sq.entry(f.properties, f.entry.key:eq "a", f.entry.value:gt(1)):dump())
  end)

  it("leave their parts alone", function()
    local before = slow:dump()
    local _ = sq.negate(sq.all { slow, cheap })
    assert.equal(before, slow:dump())
    assert.equal("(and (gt latency_ms 2000) (gt latency_ms 2000))", sq.all { slow, slow }:dump "tree")
  end)

  it("give levels to the whole tree, not to its parts", function()
    local mixed = sq.all { slow, f.session.errors:gt(0) }
    assert.equal("rows (gt latency_ms 2000) keep (gt session.errors 0)", mixed:dump())
    assert.equal("keep (not (and (some (gt latency_ms 2000)) (gt session.errors 0)))", sq.negate(mixed):dump())
  end)

  it("refuse what is no filter", function()
    raises_here(function() local _ = sq.all(slow) end, "expected a list")
    raises_here(function() local _ = sq.all { slow, 5 } end, "part 2 is a number")
    raises_here(function() local _ = sq.negate(nil) end, "negate: expected a filter, got nil")
    raises_here(function() local _ = sq.negate "x" end, "negate: expected a filter, got string")
    raises_here(function() local _ = sq.some_request(f.session.errors:gt(0)) end, "is a session field")
    raises_here(function() local _ = sq.some_request(sq.some_request(slow)) end, "cannot stand inside")
    raises_here(function() local _ = sq.entry("model", f.entry.key:eq "a") end, "no map")
    raises_here(function() local _ = sq.entry("nothing", f.entry.key:eq "a") end, "properties, scores, feedback or a body")
    raises_here(function() local _ = sq.entry "scores" end, "at least one filter")
    raises_here(function() local _ = sq.entry("scores", slow) end, "is no part of an entry")
    raises_here(function() local _ = sq.entry("scores", f.entry.comment:eq "x") end, "is part of feedback only")
  end)

  it("end at a depth, with an error", function()
    local deep = slow
    raises(function()
      for i = 1, 300 do deep = sq.any { sq.negate(sq.all { deep, cheap }), f.status:eq(i) } end
    end, "nested deeper than 256")
  end)
end)

describe("compiling", function()
  it("takes JSON dialects as Lua tables", function()
    local filter = assert(sq.filter("helicone", { request_response_rmt = { cost = { gt = 0.001 } } }))
    assert.equal("rows (gt cost_usd 0.001)", filter:dump())
    assert.equal("all", assert(sq.filter("helicone", {})):dump())
  end)

  it("takes options", function()
    assert.equal("rows (gt latency_ms 2)", assert(sq.filter("where", "latency_ms > 2", { strict = true })):dump())
    raises_here(function() sq.filter("where", "latency_ms > 2", { strikt = true }) end, "filter: unknown option 'strikt', did you mean 'strict'?")
    raises_here(function() sq.filter("where", "latency_ms > 2", { strict = 1 }) end, "filter: strict: expected boolean, got number")
  end)

  it("gives nil, a message and where", function()
    local filter, message, at = sq.filter("where", "latncy_ms > 2")
    assert.is_nil(filter)
    assert(message:find "did you mean 'latency_ms'?")
    assert.same({ code = "unknown", offset = 0, length = 9 }, at)
    filter, message, at = sq.filter("helicone", '{"request_response_rmt":{"latncy":{}}}')
    assert.is_nil(filter)
    assert(message:find "did you mean 'latency'?")
    assert.same({ code = "unknown", offset = 25, length = 8, pointer = "/request_response_rmt/latncy" }, at)
    filter, message, at = sq.filter("helicone", { request_response_rmt = { latncy = {} } })
    assert.is_nil(filter)
    assert(message:find "did you mean 'latency'?")
    assert.same({ code = "unknown", pointer = "/request_response_rmt/latncy" }, at)
    filter, message = sq.filter("helicon", "{}")
    assert.is_nil(filter)
    assert(message:find "unknown dialect 'helicon', did you mean 'helicone'?")
  end)

  it("refuses Lua values that JSON cannot hold", function()
    for _, case in ipairs {
      { { a = print }, "a function, userdata or thread is no value (at /a)" },
      { { a = { 1, 0 / 0 } }, "NaN and infinities are no values (at /a/1)" },
      { { 1, 2, x = 3 }, "neither 1 to n nor all text" },
      { { [1.5] = 3 }, "neither 1 to n nor all text" },
    } do
      local filter, message = sq.filter("helicone", case[1])
      assert.is_nil(filter)
      assert(message:find(case[2], 1, true), message)
    end
    local circle = {}
    circle.circle = circle
    local filter, message = sq.filter("helicone", circle)
    assert.is_nil(filter)
    assert(message:find "nested too deep, or in a circle")
    raises_here(function() sq.filter("helicone", 5) end, "expected string or table")
    raises_here(function() sq.filter(5, "x") end, "filter: dialect: expected string, got number")
  end)

  it("bounds sources", function()
    local filter, message, at = sq.filter("where", "model = '" .. ("x"):rep(2 ^ 20) .. "'")
    assert.is_nil(filter)
    assert.equal("limit", at.code, message)
    assert(sq.filter("where", "model = '" .. ("x"):rep(2 ^ 20 - 20) .. "'"))
    local function branches(depth)
      return ('{"left":'):rep(depth) .. "{}" .. (',"operator":"and","right":{}}'):rep(depth)
    end
    assert(sq.filter("helicone", branches(64)))
    filter, message, at = sq.filter("helicone", branches(65))
    assert.is_nil(filter)
    assert.equal("limit", at.code, message)
    assert(sq.filter("where", ("("):rep(250) .. "true" .. (")"):rep(250)))
    filter, message, at = sq.filter("where", ("("):rep(260) .. "true" .. (")"):rep(260))
    assert.is_nil(filter)
    assert.equal("limit", at.code, message)
    filter, message, at = sq.filter("where", ("not "):rep(100000) .. "true")
    assert.is_nil(filter)
    assert.equal("limit", at.code, message)
  end)

  it("takes 5,000 values and no more", function()
    local db = assert(sq.open ":memory:")
    local function tree(count)
      local parts = {}
      for i = 1, count do parts[i] = f.model:like("a" .. i) end
      return sq.any(parts)
    end
    assert.equal(0, assert(db:requests():where(tree(4990)):count()))
    local count, message, detail = db:requests():where(tree(5010)):count()
    assert.is_nil(count)
    assert(message:find "more than 5000", message)
    assert.equal("limit", detail.code)
    db:close()
  end)

  it("takes wide filters", function()
    local parts = {}
    for i = 1, 4000 do parts[i] = ("latency_ms > %d"):format(i) end
    local wide = assert(sq.filter("where", table.concat(parts, " and ")))
    local db = assert(sq.open ":memory:")
    assert(db:add { request_id = "r", created_at = 1, latency_ms = 30000 })
    assert.equal(1, assert(db:requests():where(wide):count()))
    for i = 1, 20000 do parts[i] = ("latency_ms > %d"):format(i) end
    local count, message, detail = db:requests():where(assert(sq.filter("where", table.concat(parts, " and ")))):count()
    assert.is_nil(count)
    assert.equal("limit", detail.code)
    assert(message:find "20000 values in one query, more than 5000")
    for i = 1, 20000 do parts[i] = ("'m%d'"):format(i) end
    local many = assert(sq.filter("where", "model in (" .. table.concat(parts, ",") .. ")"))
    assert.equal(0, assert(db:requests():where(many):count()))
    for i = 1, 20000 do parts[i] = ("model = 'm%d'"):format(i) end
    assert.equal(0, assert(db:requests():where(assert(sq.filter("where", table.concat(parts, " or ")))):count()))
    for i = 1, 2000 do parts[i] = ("(model = 'm%d' or session.errors > %d)"):format(i, i) end
    count, message = db:sessions():where(assert(sq.filter("where", table.concat(parts, " and ", 1, 2000)))):count()
    assert.is_nil(count)
    assert(message:find "more than 1000 conditions on some or every request")
    db:close()
  end)

  it("shows its SQL, and knows its targets", function()
    local filter = assert(sq.filter("where", "cost_usd > 0.5 or session.errors > 2"))
    assert.equal("keep: (s.quantified_0 OR s.errors > ?1)\nsome: r.cost_nano_usd > ?2\nvalues: ?1 = 2, ?2 = 500000000", filter:sql "sqlite")
    assert.equal(filter:sql "sqlite", filter:sql())
    assert.equal(filter:dump(), tostring(filter))
    local sql, message = filter:sql "oracle"
    assert.is_nil(sql)
    assert(message:find "unknown SQL target 'oracle'")
  end)
end)
