--- Who answers a query, and why: the engine, what it explains, and the state that a snapshot shows.
local core = require "sessionquery.core"
local index = require "spec.support.index"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local records, in_segments, engine = index.records, index.in_segments, index.engine

describe("the engine", function()
  local path, db

  setup(function()
    path = vm.path()
    db = assert(sq.open(path))
    assert(db:add(records(60)))
    assert(db:seal())
  end)

  teardown(function()
    db:close()
    vm.remove(path)
  end)

  it("is the columns, wherever they can answer", function()
    for _, query in ipairs {
      db:sessions(), db:sessions():where "model = 'm1' or not status >= 500", db:sessions():where "some(cost_usd > 1) and every(status = 200)",
      db:sessions():where "session.total_cost_usd > 1":order_by "latency_p99_ms":limit(3), db:sessions():where "session.user_ids has 'u1'",
      db:sessions():window(10, 20), db:group_by("model", "properties.a"), db:group_by(sq.day), db:projects(),
      db:requests():limit(5), db:requests { bodies = true }:where "session_id = 's1'":order_by "-cost_usd":limit(5),
      db:requests():where "cached or total_tokens > 5 or tags has 'x' or scores.q > 0":limit(5),
    } do
      assert.equal("columns", engine(query))
    end
    local body = assert(core.encode { search = "", timeFilter = { startTimeUnixMs = 0, endTimeUnixMs = 4e12 }, timezoneDifference = 0, filter = "all" })
    assert.equal("columns", engine(assert(sq.query("helicone", body)):on(db)))
  end)

  it("is SQL for what has no columns, and says why", function()
    for _, case in ipairs {
      { db:requests(), "all requests are wanted, and they lie in SQLite" },
      { db:requests():where "extra.x = 1", "the members of a map have no columns, or too many" },
      { db:requests():where "request_body contains 'x'":limit(5), "bodies have no columns" },
      { db:sessions():where "some(response_body is present)", "bodies have no columns" },
      { db:sessions():where "root(model = 'm1')", "root(…) asks about other requests" },
      { db:sessions():where "in_trace(model = 'm1')", "in_trace(…) asks about other requests" },
      { db:requests():where(sq.root(sq.field.model:eq "m1")):limit(5), "root(…) asks about other requests" },
      { db:sessions():where "entry(scores, value > 0.5)", "entry(…) asks about whole maps" },
      { db:requests():where "entry(feedback, key = 'x')":limit(5), "entry(…) asks about whole maps" },
      { db:sessions():where "entry(session.metadata, value = 'x')", "it asks about the entries of a session's map" },
      { db:sessions():where "session.tags has 'x'", "it chooses by feedback, or by what was set on sessions" },
      { db:sessions():where "session.metadata.tier = 'gold'", "it chooses by feedback, or by what was set on sessions" },
      { db:sessions():where(sq.field.session.feedback_stats:present()), "it chooses by feedback, or by what was set on sessions" },
    } do
      assert.equal(case[2], engine(case[1]))
      -- and columns alone say so
      local columns = assert(sq.open(path, { engine = "columns" }))
      local rows, message, detail = setmetatable({ _db = columns, _core = case[1]._core }, getmetatable(case[1])):all()
      assert.is_nil(rows)
      assert.equal("value", detail.code)
      assert.equal("the store was opened for the column engine, which cannot answer: " .. case[2], message)
      columns:close()
    end
  end)

  it("is SQL where a map has too many keys for columns", function()
    for _, keys in ipairs { 256, 257 } do
      local store, many = assert(sq.open ":memory:"), {}
      for i = 1, keys do many[i] = { request_id = "r" .. i, created_at = i, properties = { ["k" .. i] = "x" } } end
      assert(store:add(many))
      local query = store:requests():where "properties.k5 = 'x'":limit(5)
      assert.equal(keys == 256 and "columns" or "the members of a map have no columns, or too many", engine(query))
      local found = assert(query:all())
      assert.same({ 1, "r5" }, { #found, found[1].request_id })
      store:close()
    end
  end)

  it("is what the handle was opened for, and every one gives the same", function()
    local sql, columns = assert(sq.open(path, { engine = "sql" })), assert(sq.open(path, { engine = "columns" }))
    local auto = assert(sq.open(path, { engine = "auto" }))
    assert.equal("the store was opened for it", engine(sql:sessions()))
    assert.equal("columns", engine(columns:sessions()))
    assert.equal("columns", engine(auto:sessions()))
    for _, ask in ipairs {
      function(store) return store:sessions():json() end,
      function(store) return store:sessions():where "model = 'm1'":order_by "-total_cost_usd":limit(3):offset(1):json() end,
      function(store) return store:group_by("model", "properties.a"):json() end,
      function(store) return store:requests { bodies = true }:where "status = 500":limit(50):json() end,
      function(store) return store:requests():where "status = 500":count() end,
      function(store) return store:sessions():first() end,
      function(store) return store:sessions():limit(2):page() end,
      function(store) return store:session("s2"):get() end,
      function(store)
        local ids = {}
        for row in store:requests():each() do ids[#ids + 1] = row.request_id end
        return ids
      end,
    } do
      local expected = assert(ask(sql))
      assert.same(expected, assert(ask(columns)))
      assert.same(expected, assert(ask(auto)))
    end
    -- an export writes what was recorded: nobody asks columns for that
    local lines = vm.path "export.jsonl"
    for _, store in ipairs { sql, columns, auto } do
      assert.equal(60, assert(store:export(lines)))
      store:close()
    end
    os.remove(lines)
  end)

  it("has cursors that the other one goes on from", function()
    local sql, columns = assert(sq.open(path, { engine = "sql" })), assert(sq.open(path, { engine = "columns" }))
    local seen, cursor, turn = {}, nil, 0
    repeat
      turn = turn + 1
      local page = assert((turn % 2 == 0 and sql or columns):sessions():order_by "-total_requests":limit(2):after(cursor):page())
      for _, row in ipairs(page) do seen[row.id] = (seen[row.id] or 0) + 1 end
      cursor = page.next
    until not cursor
    for i = 0, 5 do assert.equal(1, seen["s" .. i]) end
    sql:close()
    columns:close()
  end)
end)

describe("explain of columns", function()
  it("tells what was read, and what was left out", function()
    local path, open = in_segments(100, 1000)
    open:close()
    local db = assert(sq.open(path, { readonly = true }))
    local text = assert(db:sessions():where "model = 'late'":explain())
    assert(text:find("\nquery: sessions rows (eq model \"late\") order -session.latest_request_created_at\n", 1, true), text)
    local read, all, skipped, fragments, rows, bytes =
      text:match "\nread: (%d+) of (%d+) segments, (%d+) skipped; (%d+) fragments, (%d+) rows, (%d+) bytes\n$"
    assert.same({ "1", "10", "9", "0", "100" }, { read, all, skipped, fragments, rows }, text)
    assert(tonumber(bytes) > 0, text)
    -- without a request filter, sums of fragments do; the newest page needs the newest segment only
    text = assert(db:sessions():limit(3):explain())
    assert(text:find("\nplan: newest first, ended after 1 of 10 blocks; fragments\n", 1, true), text)
    assert(text:find "\nread: 1 of 10 segments, 0 skipped; [1-9]%d* fragments, 0 rows, ", text)
    text = assert(db:requests():limit(3):explain())
    assert(text:find("\nplan: newest first, ended after 1 of 10 blocks; rows\n", 1, true), text)
    text = assert(db:requests():order_by "created_at":limit(3):explain())
    assert(text:find("\nplan: oldest first, ended after 1 of 10 blocks; rows\n", 1, true), text)
    text = assert(db:group_by "model":explain())
    assert(text:find("\nplan: all 10 blocks; rows, 4 groups\n", 1, true), text)
    text = assert(db:requests():where "session_id = 's5'":limit(3):explain())
    assert(text:find "\nread: 1 of 10 segments, 9 skipped;", text)
    db:close()
    vm.remove(path)
  end)
end)

describe("snapshot, by columns", function()
  local function run(path, sealed)
    local db = assert(sq.open(path, { engine = "columns" }))
    local other = path == ":memory:" and db or assert(sq.open(path))
    assert(db:add(records(100)))
    if sealed then assert(db:seal()) end
    db:snapshot(function(tx)
      local function state()
        return { sessions = assert(tx:sessions():order_by "id":all()), count = assert(tx:sessions():count()), requests = assert(tx:requests():count()),
          groups = assert(tx:group_by("model"):order_by "id":all()), page = assert(tx:requests():limit(5):page()),
          costly = assert(tx:sessions():where "model = 'm1' and session.total_cost_usd > 0.5":count()) }
      end
      assert.equal("columns", engine(tx:sessions()))
      local first = state()
      assert.equal(100, first.requests)
      assert(other:add { request_id = "new", session_id = "s1", created_at = 1000, model = "m1" })
      assert.same(first, state())
      assert(other:update { request_id = "r5", session_id = "moved", model = "m1", cost_usd = 100 })
      assert(other:delete { session = "s7" })
      assert(other:add { request_id = "r6", session_id = "s99", created_at = 6 })
      assert.same(first, state())
      if path ~= ":memory:" then
        assert(other:seal())
        assert.same(first, state())
        assert(other:add(records(50)))
        assert(other:reindex())
        assert.same(first, state())
        assert.equal(100, assert(tx:check()))
      end
      -- and who looks at the present sees that
      assert(assert(other:requests():count()) ~= 100)
      assert.same(first, state())
    end)
    assert(assert(db:requests():count()) ~= 100)
    assert(db:check())
    if other ~= db then other:close() end
    db:close()
  end

  it("sees one state of a file, sealed or not, whoever writes, seals and reindexes meanwhile", function()
    for _, sealed in ipairs { false, true } do
      local path = vm.path()
      run(path, sealed)
      vm.remove(path)
    end
  end)

  it("sees one state of a memory", function() run(":memory:", false) end)

  it("is what each{ snapshot = true } reads", function()
    local path = vm.path()
    local db = assert(sq.open(path, { engine = "columns" }))
    assert(db:add(records(1200)))
    assert(db:seal())
    local seen = 0
    for row in db:requests():each { snapshot = true } do
      if seen == 0 then
        assert(db:delete { session = row.session_id })
        assert(db:delete { session = "s0" })
        assert(db:seal())
      end
      seen = seen + 1
    end
    assert.equal(1200, seen)
    assert.equal(1180, assert(db:requests():count()))
    db:close()
    vm.remove(path)
  end)
end)
