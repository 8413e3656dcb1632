--- Who answers a query, and why; what the column index is told and tells: seal, reindex, check, stats, snapshots.
local core = require "sessionquery.core"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local MODELS = { "m0", "m1", "m2" }

--- Records in the order of arrival; the model of the last tenth is "late".
local function records(count)
  local list = {}
  for i = 1, count do
    list[i] = { request_id = "r" .. i, session_id = "s" .. math.floor((i - 1) / 10), trace_id = "t" .. i % 5, created_at = i,
      model = i > count * 0.9 and "late" or MODELS[i % 3 + 1], cost_usd = 0.5, latency_ms = i, status = i % 7 == 0 and 500 or 200,
      user_id = "u" .. i % 4, properties = { a = tostring(i % 4) }, scores = { q = i % 2 }, request_body = i == 1 and "body" or nil }
  end
  return list
end

--- A store whose segments have `rows` rows, as the core makes them for tests; its path.
local function in_segments(rows, count, options)
  local path = vm.path()
  options = options or {}
  options.segment_rows = rows
  local open = assert(core.open(path, options))
  for _, record in ipairs(records(count)) do assert(open:ingest(assert(core.encode(record)), { mode = "strict" })) end
  return path, open
end

--- "columns", or the reason for SQL.
local function engine(query)
  local text = assert(query:explain())
  return text:match "^engine: (columns)\n" or assert(text:match "^engine: sql, by SQLite %(([^\n]*)%)\n", text)
end

--- Changes bytes of a file in a new one at its place (another may have the old one mapped).
local function damage(path, change)
  local text = change(vm.read(path))
  os.remove(path)
  vm.write(path, text)
end

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

describe("without an index that answers, the engine is SQL", function()
  local path, other, expected, db

  before_each(function()
    path, other = vm.path(), vm.path "other.db"
    db = assert(sq.open(path))
    assert(db:add(records(30)))
    assert(db:seal())
    expected = assert(db:sessions():json())
    db:close()
  end)

  after_each(function()
    vm.remove(path)
    vm.remove(other)
  end)

  --- SQL says why and gives the same, columns alone refuse; what puts it right again does.
  local function check(why, state, code)
    db = assert(sq.open(path))
    assert.equal(why, engine(db:sessions()))
    assert.equal(state, assert(db:stats()).index_state)
    assert.equal(expected, assert(db:sessions():json()))
    local columns = assert(sq.open(path, { engine = "columns" }))
    local rows, message, detail = columns:sessions():all()
    assert.is_nil(rows)
    assert.equal(code or "value", detail.code, message)
    assert(message:find(state, 1, true), message)
    columns:close()
    rows, message, detail = db:check()
    assert.is_nil(rows)
    assert.equal("store", detail.code)
    assert(message:find(state, 1, true), message)
  end

  local function mended(how)
    assert(db[how](db))
    assert.equal("columns", engine(db:sessions()))
    assert.equal(expected, assert(db:sessions():json()))
    assert.equal(30, assert(db:check()))
    assert.is_nil(assert(db:stats()).index_state)
    db:close()
  end

  for _, how in ipairs { "seal", "reindex" } do
    it("when its file was deleted, until " .. how, function()
      assert(os.remove(path .. "-columns"))
      check("its file is not there", "its file is not there")
      mended(how)
    end)

    it("when its file is cut, until " .. how, function()
      damage(path .. "-columns", function(text) return text:sub(1, 5000) end)
      check("the column index is damaged: reindex", "the column index is damaged: its file is shorter than it was", "store")
      mended(how)
    end)
  end

  it("when its file is nonsense", function()
    damage(path .. "-columns", function() return "" end)
    check("its file is none of ours", "its file is none of ours")
    mended "reindex"
    damage(path .. "-columns", function(text) return text:sub(1, 30) .. string.char((text:byte(31) + 1) % 256) .. text:sub(32) end)
    check("its file's header is damaged", "its file's header is damaged")
    mended "reindex"
    damage(path .. "-columns", function(text) return text:sub(1, 8) .. "\99" .. text:sub(10) end)
    check("its file is of another version", "its file is of another version")
    mended "reindex"
  end)

  it("when its file is another store's, or an older one", function()
    local stranger = assert(sq.open(other))
    assert(stranger:add(records(30)))
    assert(stranger:seal())
    stranger:close()
    damage(path .. "-columns", function() return vm.read(other .. "-columns") end)
    check("its file is another store's", "its file is another store's")
    local before
    damage(path .. "-columns", function(text) before = text return text end)
    mended "reindex"
    local own = vm.read(path .. "-columns")
    assert(own ~= before)
    db = assert(sq.open(path))
    assert(db:reindex())
    db:close()
    damage(path .. "-columns", function() return own end)
    check("its file is an older or newer one", "its file is an older or newer one")
    mended "reindex"
  end)

  it("when a backup was restored: it has no file beside it, and needs none", function()
    db = assert(sq.open(path))
    assert(db:backup(other))
    db:close()
    path, other = other, path
    check("its file is not there", "its file is not there")
    mended "seal"
  end)

  it("when too many rows wait to be sealed", function()
    -- numbers that were given and are gone count too: what another's transaction took, and undid
    db = assert(sq.open(path))
    db:close()
    vm.shell("sqlite3 " .. path .. " \"UPDATE sqlite_sequence SET seq = seq + 262145 WHERE name = 'request'\"")
    check("too many rows are not sealed yet", "too many rows are not sealed yet")
    mended "seal"
    vm.shell("sqlite3 " .. path .. " \"UPDATE sqlite_sequence SET seq = seq + 262144 WHERE name = 'request'\"")
    db = assert(sq.open(path))
    assert.equal("columns", engine(db:sessions()))
    db:close()
  end)
end)

describe("seal", function()
  it("happens as rows come, or when asked to: seal = manual", function()
    local path, open = in_segments(50, 120)
    local stats = assert(open:stats())
    assert.same({ 2, 100, 20 }, { stats.segments, stats.sealed, stats.unsealed })
    open:close()
    vm.remove(path)
    path, open = in_segments(50, 120, { manual_seal = true })
    stats = assert(open:stats())
    assert.same({ 0, 0, 120, 0 }, { stats.segments, stats.sealed, stats.unsealed, stats.index_bytes })
    assert(open:seal())
    stats = assert(open:stats())
    assert.same({ 3, 120, 0 }, { stats.segments, stats.sealed, stats.unsealed })
    open:close()
    vm.remove(path)
    for _, seal in ipairs { "auto", "manual" } do
      local db = assert(sq.open(path, { seal = seal }))
      assert(db:add(records(3)))
      assert.equal(0, assert(db:stats()).segments)
      assert.equal(true, db:seal())
      assert.equal(1, assert(db:stats()).segments)
      assert.equal(true, db:seal()) -- again: nothing to do
      assert.equal(1, assert(db:stats()).segments)
      db:close()
      vm.remove(path)
    end
  end)

  it("of an empty store is nothing to do", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    for _, how in ipairs { "seal", "reindex", "seal" } do
      assert.equal(true, db[how](db))
      assert.equal(0, assert(db:check()))
      assert.equal(0, assert(db:stats()).sealed)
      assert.equal("columns", engine(db:sessions()))
      assert.equal("[]", assert(db:sessions():json()))
    end
    assert(db:add { request_id = "a", created_at = 1 })
    assert(db:seal())
    assert(db:delete { request = "a" })
    assert.equal(0, assert(db:check()))
    assert(db:reindex())
    assert.equal(0, assert(db:check()))
    assert.equal(0, assert(db:requests():count()))
    db:close()
    vm.remove(path)
  end)

  it("keeps the file as private as the store", function()
    local path = vm.path()
    assert(sq.open(path)):close()
    vm.shell("chmod 640 " .. path)
    local db = assert(sq.open(path))
    assert(db:add(records(3)))
    assert(db:seal())
    assert.equal("640\n", (vm.shell("stat -c %a " .. path .. "-columns")))
    db:close()
    vm.remove(path)
  end)

  it("leaves a request's id its own, sealed or not", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    for round = 1, 3 do
      assert(db:add { request_id = "r", session_id = "s" .. round, created_at = round })
      assert.equal(1, assert(db:requests():count()))
      assert(db:seal())
      assert.equal("s" .. round, assert(db:requests():first()).session_id)
      assert.equal(1, assert(db:check()))
    end
    assert.equal(1, assert(db:update { request_id = "r", model = "m" }))
    assert.equal(1, assert(db:delete { request = "r" }).requests)
    assert.equal(0, assert(db:requests():count()))
    db:close()
    vm.remove(path)
  end)

  it("is refused where nothing can be written", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    assert(db:add(records(3)))
    assert(db:seal())
    local reader = assert(sq.open(path, { readonly = true }))
    local memory = assert(sq.open ":memory:")
    assert(memory:add(records(3)))
    for _, how in ipairs { "seal", "reindex" } do
      local done, message, detail = reader[how](reader)
      assert.is_nil(done)
      assert.equal("the store was opened read-only", message)
      assert.equal("readonly", detail.code)
      done, message, detail = memory[how](memory)
      assert.is_nil(done)
      assert.equal("a store in memory has no file beside it to seal to", message)
      assert.equal("value", detail.code)
      done, message, detail = db:snapshot(function(tx) return tx[how](tx) end)
      assert.is_nil(done)
      assert.equal("readonly", detail.code, message)
    end
    assert.equal(3, assert(reader:check()))
    assert.equal(3, assert(memory:check()))
    assert.equal(3, assert(db:snapshot(function(tx) return tx:check() end)))
    for _, store in ipairs { db, reader, memory } do
      store:close()
      for _, how in ipairs { "seal", "reindex", "check" } do
        local good, message = pcall(function() return (store[how](store)) end)
        assert(not good)
        assert(message:find("engine_spec.lua:%d+: the store is closed$"), message)
      end
    end
    vm.remove(path)
  end)

  it("is of the whole file, whatever the handle sees", function()
    local path = vm.path()
    local db = assert(sq.open(path, { organization = "a" }))
    local all = assert(sq.open(path))
    assert(db:add { request_id = "r", session_id = "s", created_at = 1 })
    assert(all:add { request_id = "r", session_id = "s", created_at = 2, organization_id = "b" })
    assert(db:seal())
    local stats = assert(db:stats())
    assert.same({ 1, 2 }, { stats.requests, stats.sealed })
    assert.equal(2, assert(db:check()))
    assert.equal("columns", engine(db:sessions()))
    assert.equal(1, assert(db:requests():count()))
    assert.equal(1, #assert(db:sessions():all()))
    assert.equal(2, #assert(all:sessions():all()))
    db:close()
    all:close()
    vm.remove(path)
  end)
end)

describe("check", function()
  it("finds what is not as in the rows, whatever part of the file was changed", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    assert(db:add(records(200)))
    assert(db:seal())
    assert.equal(200, assert(db:check()))
    db:close()
    local whole = vm.read(path .. "-columns")
    local found = 0
    for at = 4097, #whole, 331 do
      damage(path .. "-columns", function() return whole:sub(1, at - 1) .. string.char((whole:byte(at) + 1) % 256) .. whole:sub(at + 1) end)
      db = assert(sq.open(path, { readonly = true }))
      local rows, message, detail = db:check()
      if rows then
        assert.equal(200, rows) -- between two parts, nobody reads
      else
        found = found + 1
        assert.equal("store", detail.code)
        assert(message:find "^the column index is damaged: " or message:find "^there is no column index to compare: ", message)
      end
      db:close()
    end
    assert(found > 50, found)
    vm.remove(path)
  end)

  it("counts what is sealed, waits and was changed", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    assert(db:add(records(100)))
    assert.equal(100, assert(db:check()))
    assert(db:seal())
    assert(db:add { request_id = "new", created_at = 1 })
    assert(db:update { request_id = "r5", model = "other" })
    assert(db:delete { session = "s3" })
    assert(db:feedback { request_id = "r1", key = "k", score = 1 })
    assert.equal(91, assert(db:check()))
    assert.equal("columns", engine(db:sessions()))
    assert.equal(1, assert(db:requests():where "model = 'other'":count()))
    assert.equal(1, assert(db:requests():where "scores.k = 1":count()))
    -- whoever writes: the triggers tell
    vm.shell("sqlite3 " .. path .. " \"UPDATE request SET model = 'other' WHERE request_id = 'r6'; DELETE FROM request WHERE request_id = 'r7';"
      .. " INSERT INTO request(organization_id, project, request_id, run_type, created_at_us) VALUES ('', 'default', 'theirs', 'llm', 5)\"")
    assert.equal(91, assert(db:check()))
    assert.equal(2, assert(db:requests():where "model = 'other'":count()))
    assert.equal(1, assert(db:requests():where "request_id = 'theirs'":count()))
    db:close()
    vm.remove(path)
  end)
end)

describe("stats of the index", function()
  it("count what is sealed, waits and is dead", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    local function numbers()
      local s = assert(db:stats())
      return { s.requests, s.sealed, s.unsealed, s.dead, s.segments }
    end
    assert.same({ 0, 0, 0, 0, 0 }, numbers())
    assert(db:add(records(100)))
    assert.same({ 100, 0, 100, 0, 0 }, numbers())
    assert(db:seal())
    assert.same({ 100, 100, 0, 0, 1 }, numbers())
    local stats = assert(db:stats())
    assert.equal(#vm.read(path .. "-columns"), stats.index_bytes)
    assert.is_nil(stats.index_state)
    assert.is_nil(stats.last_error)
    assert(db:update { request_id = "r1", model = "x" })
    assert.same({ 100, 100, 0, 1, 1 }, numbers())
    assert(db:update { request_id = "r1", model = "y" })
    assert.same({ 100, 100, 0, 1, 1 }, numbers())
    assert(db:delete { request = "r2" })
    assert.same({ 99, 100, 0, 2, 1 }, numbers())
    assert(db:add { request_id = "r3", created_at = 1 }) -- a replaced one is a new row
    assert.same({ 99, 100, 1, 3, 1 }, numbers())
    assert(db:add { request_id = "n", created_at = 1 })
    assert.same({ 100, 100, 2, 3, 1 }, numbers())
    assert(db:seal()) -- a last segment that is small is sealed again, with what waited
    assert.same({ 100, 100, 0, 0, 1 }, numbers())
    assert(db:delete { before = 10 }) -- less than a quarter: it stays
    assert(db:seal())
    assert.equal(numbers()[2] - numbers()[1], numbers()[4])
    assert(numbers()[4] > 0)
    assert(db:delete { before = 40 })
    assert(db:seal())
    local s = assert(db:stats())
    assert.same({ 0, 0, s.requests }, { s.unsealed, s.dead, s.sealed })
    assert(db:reindex())
    assert.same({ s.requests, s.requests, 0, 0, 1 }, numbers())
    db:close()
    vm.remove(path)
  end)

  it("are there in memory too, where nothing is sealed", function()
    local db = assert(sq.open ":memory:")
    assert(db:add(records(10)))
    local stats = assert(db:stats())
    assert.same({ 0, 10, 0, 0, 0 }, { stats.sealed, stats.unsealed, stats.dead, stats.segments, stats.index_bytes })
    assert.is_nil(stats.index_state)
    db:close()
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
