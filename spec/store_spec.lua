--- A store as a whole: opening, closing, stats, backup and snapshots.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local function memory(options) return assert(sq.open(":memory:", options)) end

describe("opening", function()
  it("makes a file with its schema, and opens it again", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    assert(db:add { request_id = "r", created_at = 1 })
    db:close()
    db = assert(sq.open(path))
    assert.equal(1, assert(db:requests():count()))
    db:close()
    db:close()
    assert.equal("sessionquery store (closed)", tostring(db))
    vm.remove(path)
  end)

  it("is readable by any SQLite tool", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    assert(db:add { request_id = "r", session_id = "s", created_at = 1.5, cost_usd = 0.25, properties = { env = "prod" } })
    local output = vm.shell("sqlite3 " .. path .. " \"SELECT session_id, created_at_us, cost_nano_usd, properties->>'$.env' FROM request; PRAGMA integrity_check\"")
    assert.equal("s|1500000|250000000|prod\nok\n", output)
    db:close()
    vm.remove(path)
  end)

  it("says what is wrong", function()
    local db, message, detail = sq.open("build/no/such/folder/llm.db")
    assert.is_nil(db)
    assert.equal("store", detail.code, message)
    db, message, detail = sq.open(vm.path(), { readonly = true })
    assert.is_nil(db)
    assert.equal("not_found", detail.code, message)
    local text = vm.write(vm.path "text.db", ("this is no database, but long enough to be read as one\n"):rep(100))
    db, message, detail = sq.open(text)
    assert.is_nil(db)
    assert.equal("version", detail.code, message)
    os.remove(text)
  end)

  it("refuses a stranger's SQLite file, and leaves it alone", function()
    local path = vm.path()
    vm.shell("sqlite3 " .. path .. " 'CREATE TABLE mine(x); INSERT INTO mine VALUES (1)'")
    local db, message, detail = sq.open(path)
    assert.is_nil(db)
    assert.equal("version", detail.code, message)
    assert.equal("mine\n1\n", (vm.shell("sqlite3 " .. path .. " \"SELECT name FROM sqlite_schema; SELECT * FROM mine\"")))
    vm.remove(path)
  end)

  it("refuses a store of a newer version, also one that became so meanwhile", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    vm.shell("sqlite3 " .. path .. " 'PRAGMA user_version = 99'")
    local id, message, detail = db:add { created_at = 1 }
    assert.is_nil(id)
    assert.equal("version", detail.code, message)
    db:close()
    db, message, detail = sq.open(path)
    assert.is_nil(db)
    assert.equal("version", detail.code)
    assert(message:find "schema version 99")
    vm.remove(path)
  end)

  it("migrates", function()
    local path = vm.path()
    assert(sq.open(path)):close()
    assert.same({ 4, 4 }, { sq.migrate(path) })
    vm.write(vm.path "empty.db", "")
    local from, to, detail = sq.migrate(vm.path "none.db")
    assert.is_nil(from)
    assert.equal("not_found", detail.code, to)
    local empty = vm.write(vm.path "empty.db", "")
    assert.same({ 0, 4 }, { sq.migrate(empty) })
    vm.remove(empty)
    vm.remove(path)
  end)

  it("brings a store of version 1 to 4 when it may write, and finds what is in it", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    for i = 1, 20 do assert(db:add { request_id = "r" .. i, session_id = "s" .. i % 3, created_at = i }) end
    db:close()
    -- as version 1 had it
    local output, status = vm.shell("sqlite3 " .. path .. [[ "DROP TABLE change; DROP TABLE segment; DROP TABLE request_hash; DROP TABLE column_index; DROP TABLE api_key;
      DROP TABLE project; DROP TABLE held_patch; DROP TRIGGER body_is_put; DROP TRIGGER body_is_changed; DROP TABLE word_index; DROP TABLE body_change;
      DROP INDEX feedback_by_project;
      DROP TRIGGER request_is_updated; DROP TRIGGER request_is_put_behind; DROP TRIGGER request_is_deleted; DROP TRIGGER request_is_put_below;
      DROP TRIGGER feedback_is_given;
      DROP TRIGGER feedback_is_taken; DROP TRIGGER feedback_is_changed_from; DROP TRIGGER feedback_is_changed_to; DROP TRIGGER feedback_is_replaced;
      DROP INDEX feedback_by_uuid; ALTER TABLE feedback DROP COLUMN uuid; ALTER TABLE feedback DROP COLUMN extra;
      CREATE UNIQUE INDEX request_by_id ON request(request_id, organization_id, project);
      CREATE INDEX request_by_session ON request(session_id) WHERE session_id IS NOT NULL;
      CREATE INDEX request_by_owner ON request(organization_id, project, created_at_us); PRAGMA user_version = 1"]])
    assert.equal(0, status, output)
    local reader, message, detail = sq.open(path, { readonly = true })
    assert.is_nil(reader)
    assert.equal("version", detail.code)
    assert(message:find("open it writable once", 1, true), message)
    db = assert(sq.open(path))
    assert.equal(4, assert(db:stats()).schema_version)
    assert.equal("request_by_time\nrequest_by_trace\n",
      (vm.shell("sqlite3 " .. path .. " \"SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'request' ORDER BY name\"")))
    assert(db:add { request_id = "r1", session_id = "new", created_at = 100 })
    assert.equal(20, assert(db:requests():count()))
    assert.equal(4, assert(db:sessions():count()))
    assert.equal(1, assert(db:update { request_id = "r2", model = "m" }))
    assert.equal(20, assert(db:check()))
    assert(db:seal())
    assert.equal(20, assert(db:check()))
    assert.equal("new", assert(db:requests():where "request_id = 'r1'":first()).session_id)
    db:close()
    vm.remove(path)
  end)

  it("checks its options", function()
    assert.has_error(function() sq.open(5) end, "open: path: expected string, got number")
    assert.has_error(function() sq.open(":memory:", 5) end)
    assert.has_error(function() sq.open(":memory:", { readonli = true }) end, "open: unknown option 'readonli', did you mean 'readonly'?")
    assert.has_error(function() sq.open(":memory:", { readonly = 1 }) end)
    assert.has_error(function() sq.open(":memory:", { timeout_ms = -1 }) end)
    assert.has_error(function() sq.open(":memory:", { engine = "fast" }) end, "open: engine is auto, sql or columns, not 'fast'")
    assert.has_error(function() sq.open(":memory:", { engine = true }) end)
    assert.has_error(function() sq.open(":memory:", { seal = "never" }) end, "open: seal is auto or manual, not 'never'")
    assert.has_error(function() sq.open(":memory:", { seal = false }) end)
    for _, options in ipairs { { engine = "auto" }, { engine = "sql" }, { engine = "columns" }, { seal = "auto" }, { seal = "manual" } } do
      assert(sq.open(":memory:", options)):close()
    end
  end)

  it("read-only writes nothing", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    assert(db:add { request_id = "r", session_id = "s", created_at = 1 })
    local reader = assert(sq.open(path, { readonly = true }))
    assert.equal(1, assert(reader:requests():count()))
    for _, write in ipairs {
      function() return reader:add { created_at = 1 } end,
      function() return reader:update { request_id = "r", model = "x" } end,
      function() return reader:feedback { request_id = "r", key = "k" } end,
      function() return reader:tag("s", "t") end,
      function() return reader:delete { request = "r" } end,
      function() return reader:retain { days = 1 } end,
      function() return reader:session("s"):set { a = 1 } end,
      function() return reader:import(function() end) or reader:import(vm.write(vm.path "one.jsonl", '{"created_at":1}\n')) end,
    } do
      local result, message, detail = write()
      if type(result) ~= "table" or result.added ~= 0 then
        assert.is_nil(result)
        assert.equal("readonly", detail.code, message)
      end
    end
    db:close()
    assert.equal(1, assert(reader:requests():count()))
    reader:close()
    vm.remove(path)
  end)

  it("raises on a closed handle, at the caller's line", function()
    local db = memory()
    local query = db:sessions()
    db:close()
    for _, call in ipairs {
      function() db:add {} end, function() db:sessions() end, function() db:stats() end, function() db:session "s" end,
      function() query:all() end, function() query:count() end, function() query:each() end, function() query:json() end,
      function() query:page() end, function() query:first() end, function() query:explain() end,
      function() db:import "x" end, function() db:export "x" end, function() db:backup "x" end,
      function() db:delete { request = "r" } end, function() db:feedback { key = "k" } end, function() db:tag("s", "t") end,
      function() db:snapshot(print) end, function() db:retain { days = 1 } end, function() db:group_by "model" end,
    } do
      local good, message = pcall(call)
      assert(not good)
      assert(message:find "^%S*store_spec%.lua:%d+: the store is closed", message)
    end
    assert.has_error(function() sq.answer("helicone", db, "{}") end)
  end)
end)

describe("stats", function()
  it("count what there is", function()
    local db = memory()
    local empty = assert(db:stats())
    assert.equal(0, empty.requests)
    assert.is_nil(empty.first_created_at)
    assert(db:add { { request_id = "a", session_id = "s", created_at = 1, request_body = "b" },
      { request_id = "b", created_at = 5, project = "p" },
      { request_id = "c", session_id = "s", organization_id = "o", created_at = 3 } })
    assert(db:feedback { request_id = "a", key = "k", score = 1 })
    local stats = assert(db:stats())
    assert.equal(3, stats.requests)
    assert.equal(2, stats.sessions)
    assert.equal(1, stats.without_session)
    assert.equal(1, stats.bodies)
    assert.equal(1, stats.feedback)
    assert.equal(2, stats.organizations)
    assert.equal(3, stats.projects)
    assert.equal(1, stats.first_created_at)
    assert.equal(5, stats.last_created_at)
    assert.equal(4, stats.schema_version)
    assert(stats.bytes > 0)
    db:close()
  end)
end)

describe("backup", function()
  it("copies a store that is in use", function()
    local path, copy = vm.path(), vm.path "copy.db"
    local db = assert(sq.open(path))
    assert(db:add { request_id = "r", created_at = 1 })
    assert(db:backup(copy))
    assert(db:add { request_id = "r2", created_at = 1 })
    local restored = assert(sq.open(copy))
    assert.equal(1, assert(restored:requests():count()))
    restored:close()
    local good, message, detail = db:backup(copy)
    assert.is_nil(good)
    assert(message:find "a backup does not overwrite", detail.code)
    good, message, detail = db:backup "build/no/such/folder/x.db"
    assert.is_nil(good)
    assert.equal("store", detail.code, message)
    db:close()
    vm.remove(path)
    vm.remove(copy)
  end)

  it("is not for a handle that sees a part", function()
    local db = memory { organization = "a" }
    local good, message, detail = db:backup(vm.path "copy.db")
    assert.is_nil(good)
    assert.equal("forbidden", detail.code, message)
    db:close()
  end)
end)

describe("snapshot", function()
  for _, kind in ipairs { "file", "memory" } do
    it("sees one state, of a " .. kind, function()
      local path = kind == "file" and vm.path() or ":memory:"
      local db = assert(sq.open(path))
      assert(db:add { request_id = "a", session_id = "s", created_at = 1 })
      local first, second = db:snapshot(function(tx)
        local before = assert(tx:requests():count())
        assert(db:add { request_id = "b", session_id = "s", created_at = 2 })
        assert.equal(before, assert(tx:requests():count()))
        assert.equal(1, assert(tx:sessions():first()).total_requests)
        local id, message, detail = tx:add { created_at = 1 }
        assert.is_nil(id)
        assert.equal("readonly", detail.code, message)
        return before, "x"
      end)
      assert.equal(1, first)
      assert.equal("x", second)
      assert.equal(2, assert(db:requests():count()))
      local good, message = pcall(db.snapshot, db, function() error("mine", 0) end)
      assert(not good)
      assert.equal("mine", message)
      db:close()
      if kind == "file" then vm.remove(path) end
    end)
  end
end)

describe("closing", function()
  it("lets iterators that are under way end", function()
    local db = memory()
    for i = 1, 3 do assert(db:add { request_id = "r" .. i, session_id = "s" .. i, created_at = i }) end
    local count = 0
    for _ in db:sessions():each() do
      db:close()
      count = count + 1
    end
    assert.equal(3, count)
  end)

  it("by the garbage collector, or by <close>", function()
    for _ = 1, 50 do
      local db = memory()
      local _ = db:sessions():each()
    end
    collectgarbage()
    collectgarbage()
    if _VERSION == "Lua 5.4" then
      local run = assert(load [[
        local sq = require "sessionquery"
        local kept
        do
          local db <close> = assert(sq.open ":memory:")
          kept = db
        end
        return tostring(kept)]])
      assert.equal("sessionquery store (closed)", run())
    end
  end)
end)
