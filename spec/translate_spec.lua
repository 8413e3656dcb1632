--- Filters written back: into the dialect that they came from, and into the others.
---
--- AGREE_CASES and AGREE_SEED choose how many random filters, and which.
local random = require "spec.support.random"
local sample = require "spec.support.sample"
local sources = require "spec.support.sources"
local sq = require "sessionquery"
local translations = require "spec.support.translations"

local CASES = math.min(tonumber(os.getenv "AGREE_CASES") or 3000, 3000)
local SEED = tonumber(os.getenv "AGREE_SEED") or 20261121
local ROWS = 80
local field = sq.field

local function compile(dialect, source)
  local filter, message = sq.filter(dialect, source)
  if not filter then error(("%s does not compile: %s\n%s"):format(dialect, message, source), 2) end
  return filter
end

--- What a translation says it cannot.
local function reasons_of(parts)
  local list = {}
  for i, part in ipairs(parts) do
    assert(part.part ~= "" and part.reason ~= "", "a part without a reason")
    list[i] = part.part .. ": " .. part.reason
  end
  return table.concat(list, "; ")
end

--- What a filter lets through: the ids of requests, and the ids and sizes of sessions.
local function requests_of(db, filter)
  local ids = {}
  local takes, query = pcall(function() return db:requests():where(filter) end)
  if not takes then return "" end -- it is about sessions
  for i, row in ipairs(assert(query:select { "request_id" }:all())) do ids[i] = row.request_id end
  return table.concat(ids, " ")
end

local function sessions_of(db, filter)
  local ids = {}
  for i, row in ipairs(assert(db:sessions():where(filter):all())) do ids[i] = ("%s×%d"):format(row.id, row.total_requests) end
  return table.concat(ids, " ")
end

--- Both as text. `whole`: of sessions nothing, since one dialect finds them by a whole filter and the other trims them.
local function answers_of(db, filter, whole) return requests_of(db, filter) .. "\n" .. (whole and "" or sessions_of(db, filter)) end

describe("a filter written back", function()
  for _, dialect in ipairs(sources.dialects) do
    it(("in %s is the same tree, and the same text from then on"):format(dialect), function()
      local rng = random.new(SEED)
      local db, world = random.world(rng, ROWS)
      local data = sample.of(world, {})
      db:close()
      for _ = 1, CASES do
        local source = sources[dialect](rng, data)
        local filter = compile(dialect, source)
        local text, parts = filter:to(dialect)
        assert(text, ("%s cannot say what it said: %s\n%s"):format(dialect, reasons_of(parts or {}), source))
        local again = compile(dialect, text)
        assert.equal(filter:dump "tree", again:dump "tree", source)
        assert.equal(text, (again:to(dialect)), source)
      end
    end)
  end
end)

describe("a filter written in another dialect", function()
  local function try(db, from, to, source, everything)
    local filter = compile(from, source)
    local whole = to ~= "where" and (from == "freeplay" or to == "freeplay")
    local text, parts = filter:to(to)
    if not text then
      assert(#parts > 0 and reasons_of(parts) ~= "", source)
      return "unsaid"
    end
    local again = compile(to, text)
    if to == "where" then assert.equal(filter:dump(), again:dump()) end -- with what tells whole filters apart
    local wanted = answers_of(db, filter, whole)
    assert.equal(wanted, answers_of(db, again, whole), ("%s\n%s"):format(source, text))
    return wanted ~= everything[whole] and wanted ~= "\n" and "chosen" or "said"
  end

  for _, from in ipairs(sources.dialects) do
    for _, to in ipairs(sources.dialects) do
      if from ~= to then
        it(("lets the same rows through: from %s to %s"):format(from, to), function()
          local rng = random.new(SEED + 1)
          local db, world = random.world(rng, ROWS)
          local data = sample.of(world, {})
          sources.furnish(rng, db)
          local everything = { [true] = answers_of(db, sq.all {}, true), [false] = answers_of(db, sq.all {}, false) }
          local counts = { said = 0, unsaid = 0, chosen = 0 }
          for _ = 1, CASES / 3 do
            local result = try(db, from, to, sources[from](rng, data), everything)
            counts[result] = counts[result] + 1
          end
          db:close()
          io.write(("# %s to %s: %d said, %d of them choose, %d unsaid\n"):format(from, to, counts.said + counts.chosen, counts.chosen, counts.unsaid))
          assert(counts.said + counts.chosen > CASES / 100, "too few are said")
          assert(counts.chosen > CASES / 1500, "too few of them choose")
          if to == "where" then assert.equal(0, counts.unsaid) else assert(counts.unsaid > CASES / 100, "too few are unsaid") end
        end)
      end
    end
  end
end)

describe(translations.path, function()
  for _, case in ipairs(translations.read()) do
    if case.source then
      it(("line %d"):format(case.line), function()
        assert(#case.lines > 0, "no translations: run make golden, and read the diff")
        assert.equal(table.concat(case.lines, "\n"), table.concat(translations.lines(case.source), "\n"))
      end)
    end
  end
end)

-- ------------------------------------------------------------------------------------------------ by hand

local function deep(depth, leaf)
  local filter = leaf
  for i = 1, depth / 2 do filter = sq.negate(sq.any { field.status:eq(i), filter }) end
  return filter
end

local function long_list(count)
  local list = {}
  for i = 1, count do list[i] = "text " .. i end
  return list
end

--- Filters that are built, since sources of other dialects cannot hold all of them.
local hard = {
  { "is as deep as filters may be", deep(254, field.model:eq "x") },
  { "has many members", sq.any((function()
    local list = {}
    for i = 1, 5000 do list[i] = field.latency_ms:eq(i) end
    return list
  end)()) },
  { "has long lists", sq.all { field.model:among(long_list(5000)), sq.negate(field.user_id:among(long_list(3))) } },
  { "has a single choice", field.model:among { "x" } },
  { "has choices of several kinds", field.properties.n:among { 1, "1", true, 0.5 } },
  { "has odd texts", sq.all {
    field.model:eq "it's", field.model:eq 'say "hi"', field.model:eq "back\\slash", field.model:like "100\\%\\_%", field.model:eq "two\nlines\r\t",
    field.model:eq "\240\159\152\128 \226\128\139 \1\31\127", field.model:eq "", field.model:eq "⏎", field.model:eq "'", field.model:eq "''", field.model:eq '"',
    field.model:contains "%", field.model:eq(("x"):rep(100000)), field.model:eq "-- ; /* */", field.model:eq "null", field.model:eq "$1 ?1 @x :y",
  } },
  { "has odd keys", sq.all {
    field.properties "it's":eq "x", field.properties 'say "hi"':present(), field.properties "a.b":eq(1), field.properties "":eq "x", field.properties "a b":absent(),
    field.properties "\240\159\152\128":eq "x", field.properties "in":eq "x", field.properties "1st":eq "x", field.properties "-":eq "x", field.session.metadata "a.'b":eq "x",
    field.properties "two\nlines":eq "x", field.properties "[0]":eq "x", field.properties "back\\":eq "x",
  } },
  { "has the least and the greatest numbers", sq.all {
    field.cost_usd:gt(9223372036.5), field.cost_usd:lte(-9223372036.854775807), field.cost_usd:eq(1e-9), field.cost_usd:gt(0), field.cost_usd:lt(-0.5),
    field.latency_ms:gt(9007199254740991), field.latency_ms:lt(-9007199254740991), field.latency_ms:gte(1e18), field.latency_ms:gte(-9.3e18), field.latency_ms:gt(1e30),
    field.properties.n:gt(1.7976931348623157e308), field.properties.n:eq(5e-324), field.properties.n:lt(-1e-300), field.properties.n:eq(0.1 + 0.2), field.properties.n:eq(1e21),
    field.session.duration_ms:between(1 / 3, 2 / 3), field.session.error_rate:gte(0), field.session.avg_latency_ms:gt(2 ^ 53 + 2),
  } },
  { "has times below the second, and far ones", sq.all {
    field.created_at:gt "2026-11-20T10:00:00.000001Z", field.created_at:lt "2026-11-20T10:00:00.1Z", field.created_at:between("1969-12-31T23:59:59.999999Z", "1970-01-01"),
    field.created_at:gte "0000-01-01", field.created_at:lte "9999-12-31T23:59:59.999999Z", field.created_at:among { 0, 0.5, -1, 1e9 },
    field.created_at:lt(253402300800), field.created_at:gt(-62167219201), field.created_at:lt(9e12), field.created_at:lt "2026-11-20T10:00:00.0000005Z",
  } },
  { "has what can never hold", sq.any { field.latency_ms:eq(2.5), field.model:among {}, sq.negate(field.session.total_requests:eq(0.5)), field.tags:among {} } },
  { "is all", sq.all {} },
  { "is none", sq.any {} },
  { "is about all kinds of parts", sq.all {
    sq.some_request(sq.any { field.cached:eq(true), sq.root(field.name:eq "x") }), sq.every_request(sq.in_trace(field.tags:has "a")),
    sq.entry("feedback", field.entry.key:eq "k", sq.any { field.entry.score:gt(1), field.entry.comment:absent() }), sq.entry("session.metadata", field.entry.key:like "%"),
    sq.negate(sq.entry(field.properties, field.entry.value:eq(true))), field.properties:present(), field.session.feedback_stats:absent(),
  } },
}

describe("a built filter written in `where`", function()
  for _, case in ipairs(hard) do
    it(case[1], function()
      local text, parts = case[2]:to "where"
      assert(text, parts and reasons_of(parts))
      local again = compile("where", text)
      assert.equal(case[2]:dump "tree", again:dump "tree")
      assert.equal(text, (again:to "where"))
    end)
  end

  it("keeps integers that no double holds", function()
    for _, source in ipairs {
      "latency_ms > 9223372036854775806", "latency_ms >= -9223372036854775807", "latency_ms in (9007199254740993, -9007199254740993)",
      "cost_usd = 9223372036.854775807", "cost_usd < -9223372036.854775807", "cost_usd between 0.000000001 and 9007199254.740993001",
      "created_at > 9223372036854.775807", "created_at < -9223372036854.775807",
    } do assert.equal(source, (compile("where", source):to "where")) end
  end)

  it("has brackets where they are needed, and nowhere else", function()
    local a, b, c = field.status:eq(1), field.status:eq(2), field.cached:eq(true)
    for _, row in ipairs {
      { sq.all { a, sq.any { b, c } }, "status = 1 and (status = 2 or cached)" },
      { sq.any { a, sq.all { b, c } }, "status = 1 or status = 2 and cached" },
      { sq.negate(sq.all { a, b }), "not (status = 1 and status = 2)" },
      { sq.any { sq.negate(sq.any { a, b }), c }, "not (status = 1 or status = 2) or cached" },
      { sq.all { sq.negate(a), sq.negate(c), sq.negate(field.status:gt(3)) }, "status != 1 and not cached and not status > 3" },
      { sq.some_request(sq.any { a, sq.all { b, c } }), "some(status = 1 or status = 2 and cached)" },
      { sq.negate(sq.root(a)), "not root(status = 1)" },
      { sq.all { a, sq.all { b, c } }, "status = 1 and status = 2 and cached" },
      { sq.negate(sq.all { sq.negate(sq.any { a, c }), b }), "not (not (status = 1 or cached) and status = 2)" },
      { sq.entry("scores", field.entry.key:eq "q", field.entry.value:gt(1)), "entry(scores, key = 'q' and value > 1)" },
    } do assert.equal(row[2], (row[1]:to "where")) end
  end)
end)

describe("what a dialect cannot say", function()
  --- dialect, filter, then part and reason of each
  local cases = {
    { "helicone", "model > 'a' and (latency_ms > 1 or not latency_ms < 5)", '(gt model "a")', "Helicone orders numbers and times only",
      "(not (lt latency_ms 5))", "negated it lets absent values through, which Helicone's operators never do" },
    { "helicone", "not (environment = 'x' and model = 'y')", '(eq environment "x")', "Helicone has no such column" },
    { "helicone", "properties.\"Helicone-Session-Id\" = 'x'", '(eq properties.Helicone-Session-Id "x")', "Helicone takes this property for a part of the session" },
    { "helicone", "not entry(feedback, key = 'helicone-score-feedback' and id > 1)", '(not (entry feedback (and (eq entry.key "helicone-score-feedback") (gt entry.id 1))))',
      "Helicone cannot say that no feedback is like that" },
    { "helicone", "text(properties.env) is absent", "(not (present (text properties.env)))", "Helicone cannot ask whether a property or score is absent" },
    { "helicone", "properties.n = '1' or properties.n in ('x', 'true') or properties.n contains '1' or properties.n like '1%' or properties.n contains 'true'",
      '(eq properties.n "1")', "Helicone sees properties and scores as text, where 1 and \"1\" are the same",
      '(among properties.n "x" "true")', "Helicone sees properties and scores as text, where 1 and \"1\" are the same",
      '(contains properties.n "1")', "Helicone sees properties and scores as text, where 1 and \"1\" are the same",
      '(like properties.n "1%")', "Helicone sees properties and scores as text, where 1 and \"1\" are the same",
      '(contains properties.n "true")', "Helicone sees properties and scores as text, where 1 and \"1\" are the same" },
    { "freeplay", "request_body.topic phrase '1'", '(phrase request_body.topic "1")', "Freeplay looks for words in numbers and booleans too" },
    { "langsmith", "text(properties.n) like '1%'", '(like (text properties.n) "1%")', "LangSmith's like looks at text only, not at numbers" },
    { "helicone", "session.total_cost_usd <= 0 or session.total_cost_usd between -1 and 1 or session.total_cost_usd in (1, 0)",
      "(lte session.total_cost_usd 0)", "to Helicone an unknown sum is 0", "(between session.total_cost_usd -1 1)", "to Helicone an unknown sum is 0",
      "(among session.total_cost_usd 1 0)", "to Helicone an unknown sum is 0" },
    { "helicone", "or_zero(latency_ms) < 1", "(lt (or-zero latency_ms) 1)", "to Helicone an absent number is not 0" },
    { "helicone", "model != 'null'", '(not (eq model "null"))', "to Helicone this text stands for an absent or empty one" },
    { "helicone", "model not in ('a', 'null')", '(not (among model "a" "null"))', "to Helicone this text stands for an absent or empty one" },
    { "helicone", "threat != true", "(not (eq threat true))", "Helicone has no not-equals for true and false" },
    { "helicone", "request_body > 'a'", '(gt request_body "a")', "Helicone orders numbers and times only" },
    { "helicone", "created_at > 253402300800", "(gt created_at 10000-01-01T00:00:00Z)", "a time before the year 0 or behind 9999" },
  }
  for _, case in ipairs(cases) do
    it(("%s: %s"):format(case[1], case[2]), function()
      local expected = {}
      for i = 3, #case, 2 do expected[#expected + 1] = { part = case[i], reason = case[i + 1] } end
      assert.same({ nil, expected }, { sq.filter("where", case[2]):to(case[1]) })
    end)
  end

  it("is a text that it would refuse", function()
    for _, case in ipairs {
      { "helicone", deep(200, field.model:eq "x"), "branches nested deeper than 64" },
      { "helicone", field.model:among(long_list(20000)), "more than the 1048576 that are taken" },
      { "where", field.model:among { ("x"):rep(1048577) }, "more than the 1048576 that are taken" },
    } do
      local text, parts = case[2]:to(case[1])
      assert.is_nil(text)
      assert.equal(1, #parts)
      assert(parts[1].reason:find("as text it would be refused: ", 1, true) and parts[1].reason:find(case[3], 1, true), parts[1].reason)
    end
  end)

  it("is a fragment of an entry", function()
    for _, dialect in ipairs(sources.dialects) do
      local text, parts = sq.all { field.entry.key:eq "x", field.model:eq "y" }:to(dialect)
      assert.is_nil(text)
      assert.same({ part = '(eq entry.key "x")', reason = "it can only be asked about inside entry(…)" }, parts[1])
    end
  end)
end)

describe("filter:to", function()
  it("raises for a dialect that is none, and for no dialect", function()
    local filter = field.model:eq "x"
    local ok, message = pcall(function() filter:to "helicon" end)
    assert(not ok and message:find "translate_spec.lua:%d+: to: unknown dialect 'helicon', did you mean 'helicone'%?", message)
    ok, message = pcall(function() filter:to() end)
    assert(not ok and message:find "translate_spec.lua:%d+: bad argument #1 to 'to' %(string expected, got no value%)", message)
  end)
end)
