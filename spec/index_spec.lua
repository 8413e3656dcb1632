--- The column index as a file beside the store: whatever becomes of it, answers are those of the rows.
local core = require "sessionquery.core"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local function line(i, more)
  return ('{"request_id":"r%d","session_id":"s%d","created_at":%d,"model":"m%d","latency_ms":%d%s}'):format(i, i % 20, 1000 + i, i % 3, i % 100, more or "")
end

local function lines(from, to, more)
  local list = {}
  for i = from, to do list[#list + 1] = line(i, more) end
  return table.concat(list, "\n")
end

--- A core handle that seals in small segments, when asked.
local function open(path, rows, options)
  options = options or {}
  options.manual_seal, options.segment_rows, options.relaxed = true, rows, true
  return assert(core.open(path, options))
end

--- A store of requests 1 to `count`, all sealed; closed.
local function make(count, rows)
  local path = vm.path()
  local store = open(path, rows)
  assert(store:ingest(lines(1, count), {}))
  assert(store:seal())
  store:close()
  return path
end

local function answers(db)
  return table.concat({ assert(db:sessions():json()), assert(db:group_by("model"):json()), assert(db:requests():where("latency_ms > 90"):limit(50):json()),
    assert(db:requests():where("model = 'm1'"):count()) }, "\n")
end

--- Any answer is SQL's; who gave it, and why.
local function agree(path)
  local db, sql = assert(sq.open(path)), assert(sq.open(path, { engine = "sql" }))
  assert.equal(answers(sql), answers(db))
  local how = assert(db:sessions():explain()):match "^engine: ([^\n]*)"
  db:close()
  sql:close()
  return how
end

--- The columns answer, and every value is that of its row.
local function is_right(path)
  assert.equal("columns", agree(path))
  local db = assert(sq.open(path))
  assert.equal(assert(db:stats()).requests, assert(db:check()))
  db:close()
end

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local function stats(path)
  local db = assert(sq.open(path))
  local all = assert(db:stats())
  db:close()
  return all
end

local function seal(path)
  local db = assert(sq.open(path))
  assert(db:seal())
  db:close()
end

local function copy(from, to) assert(os.execute(("cp %s %s"):format(from, to))) end

--- The store by itself, in one file.
local function copy_store(from, to)
  local db = assert(sq.open(from))
  assert(db:backup(to))
  db:close()
end

local is_root = (vm.shell "id -u"):match "%d+" == "0"

-- ----------------------------------------------------------------------------------------------- what becomes of it

describe("an index file", function()
  local kinds = {
    ["that is deleted"] = { function(path) os.remove(path) end, "its file is not there" },
    ["that is empty"] = { function(path) vm.write(path, "") end, "its file is none of ours" },
    ["of garbage"] = { function(path) vm.write(path, ("garbage"):rep(5000)) end, "its file is none of ours" },
    ["with a damaged header"] = { function(path)
      local bytes = vm.read(path)
      vm.write(path, bytes:sub(1, 20) .. "x" .. bytes:sub(22))
    end, "its file's header is damaged" },
    ["of another version"] = { function(path)
      local bytes = vm.read(path)
      vm.write(path, bytes:sub(1, 8) .. "\9" .. bytes:sub(10))
    end, "its file is of another version" },
    ["that is cut off in its segments"] = { function(path) vm.write(path, vm.read(path):sub(1, 20000)) end, "the column index is damaged: reindex" },
    ["that is cut off behind its header"] = { function(path) vm.write(path, vm.read(path):sub(1, 4096)) end, "the column index is damaged: reindex" },
    ["of another store"] = { function(path)
      local other = make(50, 20)
      os.remove(path)
      assert(os.rename(other .. "-columns", path))
      vm.remove(other)
    end, "its file is another store's" },
    ["of before a reindex"] = { function(path)
      local kept = path .. ".kept"
      copy(path, kept)
      local db = assert(sq.open((path:gsub("%-columns$", ""))))
      assert(db:reindex())
      db:close()
      os.remove(path)
      assert(os.rename(kept, path))
    end, "its file is an older or newer one" },
  }
  for what, kind in pairs(kinds) do
    it(what .. " is passed over, and made anew by the next seal", function()
      local path = make(300, 100)
      is_right(path)
      kind[1](path .. "-columns")
      assert.equal(("sql, by SQLite (%s)"):format(kind[2]), agree(path))
      assert.matches(kind[2]:match "damaged" or kind[2]:gsub("%p", "%%%0"), stats(path).index_state)
      local columns = assert(sq.open(path, { engine = "columns" }))
      assert.is_nil((columns:sessions():json()))
      columns:close()
      seal(path)
      is_right(path)
      assert.is_nil(stats(path).index_state)
      kind[1](path .. "-columns")
      local db = assert(sq.open(path))
      assert(db:reindex())
      db:close()
      is_right(path)
      vm.remove(path)
    end)
  end

  it("that is a folder is passed over; sealing says so", function()
    local path = make(100, 50)
    os.remove(path .. "-columns")
    assert(os.execute("mkdir " .. path .. "-columns"))
    assert.matches("^sql, by SQLite", agree(path))
    local db = assert(sq.open(path))
    local done, message, detail = db:seal()
    assert.is_nil(done)
    assert.equal("store", detail.code)
    assert.matches("column index", message)
    assert.is_nil((db:reindex()))
    assert(db:add { request_id = "more", created_at = 1 })
    db:close()
    assert.matches("^sql, by SQLite", agree(path))
    assert.equal("", (vm.shell(("ls -d %s-columns.* 2>/dev/null"):format(path))))
    assert(os.execute("rmdir " .. path .. "-columns"))
    seal(path)
    is_right(path)
    vm.remove(path)
  end)

  it("that is deleted or replaced goes on for who has it open", function()
    local path = make(200, 50)
    local db = assert(sq.open(path))
    local before = answers(db)
    os.remove(path .. "-columns")
    assert.equal(before, answers(db))
    vm.write(path .. "-columns", "not ours")
    assert.equal(before, answers(db))
    assert(db:add { request_id = "new", session_id = "s1", created_at = 5, model = "m1" })
    assert.matches("^engine: columns", assert(db:sessions():explain()))
    local sql = assert(sq.open(path, { engine = "sql" }))
    assert.equal(answers(sql), answers(db))
    sql:close()
    assert(db:seal())
    db:close()
    is_right(path)
    vm.remove(path)
  end)

  it("is as private as the store, and its owner's", function()
    for _, mode in ipairs { "600", "640", "664" } do
      local path = vm.path()
      local store = open(path, 10)
      assert(os.execute(("chmod %s %s"):format(mode, path)))
      if is_root then assert(os.execute(("chown 1234:4321 %s"):format(path))) end
      assert(store:ingest(lines(1, 30), {}))
      assert(store:seal())
      local format = "stat -c '%a %u:%g' "
      assert.equal((vm.shell(format .. path)), (vm.shell(format .. path .. "-columns")))
      assert(store:reindex())
      assert.equal((vm.shell(format .. path)), (vm.shell(format .. path .. "-columns")))
      store:close()
      vm.remove(path)
    end
  end)
end)

-- ---------------------------------------------------------------------------------------------- copies and backups

describe("a backup", function()
  it("may stand beside the original's newer index file", function()
    local path, backup = make(200, 50), vm.path "backup.db"
    copy_store(path, backup)
    local store = open(path, 50)
    assert(store:ingest(lines(201, 300), {}))
    assert(store:ingest(lines(10, 30, ',"user_id":"later"'), {}))
    assert(store:seal())
    store:close()
    copy(path .. "-columns", backup .. "-columns")
    is_right(backup) -- its segments stand where they did
    store = open(backup, 50)
    assert(store:ingest(lines(400, 520), {})) -- others have these numbers now
    assert(store:seal())
    store:close()
    is_right(backup)
    is_right(path)
    copy(path .. "-columns", backup .. "-columns") -- and other segments stand there
    assert.equal("sql, by SQLite (the column index is damaged: reindex)", agree(backup))
    seal(backup)
    is_right(backup)
    vm.remove(path)
    vm.remove(backup)
  end)

  it("may stand beside the original's older index file", function()
    local path, backup = make(200, 50), vm.path "backup.db"
    copy(path .. "-columns", backup .. "-columns")
    local store = open(path, 50)
    assert(store:ingest(lines(201, 300), {}))
    assert(store:seal())
    store:close()
    copy_store(path, backup)
    assert.matches("^sql, by SQLite", agree(backup))
    seal(backup)
    is_right(backup)
    vm.remove(path)
    vm.remove(backup)
  end)

  it("that takes the original's place is not taken for it", function()
    local path, backup = make(200, 50), vm.path "backup.db"
    copy_store(path, backup)
    local store = open(path, 50)
    assert(store:ingest(lines(150, 260, ',"user_id":"later"'), {}))
    assert(store:seal())
    store:close()
    is_right(path)
    assert(os.rename(backup, path)) -- beside the newer index, whose name it has
    is_right(path)
    store = open(path, 50)
    assert(store:ingest(lines(190, 270, ',"user_id":"other"'), {}))
    store:close()
    is_right(path)
    seal(path)
    is_right(path)
    vm.remove(path)
  end)
end)

describe("a copied store", function()
  it("has an index of its own once both have gone their ways", function()
    local path, other = make(150, 50), vm.path "copy.db"
    copy(path, other)
    copy(path .. "-columns", other .. "-columns")
    is_right(other)
    local a, b = open(path, 50), open(other, 50)
    for round = 1, 4 do
      assert(a:ingest(lines(200 + round * 30, 229 + round * 30), {}))
      assert(b:ingest(lines(600 + round * 40, 639 + round * 40, ',"user_id":"b"'), {}))
      assert(b:ingest(lines(round, 20 + round, ',"user_id":"b"'), {}))
      assert(a:seal())
      assert(b:seal())
    end
    a:close()
    b:close()
    is_right(path)
    is_right(other)
    for _, pair in ipairs { { path, other }, { other, path } } do -- each beside the other's
      local kept = vm.read(pair[2] .. "-columns")
      copy(pair[1] .. "-columns", pair[2] .. "-columns")
      agree(pair[2])
      local db = assert(sq.open(pair[2]))
      assert.is_nil((db:check()))
      db:close()
      vm.write(pair[2] .. "-columns", kept)
      is_right(pair[2])
    end
    copy(path .. "-columns", other .. "-columns")
    local db = assert(sq.open(other))
    assert(db:add { request_id = "last", session_id = "s1", created_at = 9 })
    assert(db:seal())
    db:close()
    is_right(other)
    is_right(path)
    vm.remove(path)
    vm.remove(other)
  end)
end)

-- ------------------------------------------------------------------------------------------------------- sealing

describe("sealing", function()
  it("by several processes at once leaves one index that is right", function()
    local path = vm.path()
    assert(sq.open(path)):close()
    local child = vm.write(vm.path "sealer.lua", [[
      local core = require "sessionquery.core"
      local store = assert(core.open(arg[1], { manual_seal = true, relaxed = true, segment_rows = 30 + 5 * tonumber(arg[2]) }))
      for i = 1, 25 do
        local list = {}
        for k = 1, 15 do
          list[k] = ('{"request_id":"%s-%d-%d","session_id":"s%d","created_at":%d,"model":"m%d","latency_ms":%d}'):format(arg[2], i, k, k, i, k % 3, i + k)
        end
        assert(store:ingest(table.concat(list, "\n"), {}))
        if i > 1 then assert(store:ingest(list[1]:gsub('%-%d+%-', '-' .. i - 1 .. '-', 1), {})) end
        assert(store:seal())
        local done, message, detail = true
        if i % 4 == 0 then done, message, detail = store:reindex() end
        assert(done or detail.code == "busy", message)
      end]])
    local output, status = vm.shell(("for n in 1 2 3; do %s %s %s $n & done; wait"):format(vm.command, child, path))
    assert.equal("", output)
    assert.equal(0, status)
    assert.equal(3 * 25 * 15, stats(path).requests)
    seal(path)
    is_right(path)
    assert.equal(0, stats(path).unsealed)
    assert.equal("", (vm.shell(("ls %s-columns.* 2>/dev/null"):format(path))))
    vm.remove(path)
    os.remove(child)
  end)

  it("is left to another who is at it", function()
    local path = make(100, 50)
    local holder, done = vm.path "ready", vm.path "done"
    local child = vm.write(vm.path "holder.lua", ([[
      local store = assert(require("sessionquery.core").open(%q, { manual_seal = true, relaxed = true, segment_rows = 1 }))
      local list = {}
      for i = 1, 600 do list[i] = ('{"request_id":"h%%d","session_id":"s","created_at":1}'):format(i) end
      assert(store:ingest(table.concat(list, "\n"), {}))
      io.open(%q, "w"):close()
      assert(store:seal()) -- one segment for each: it takes its time
      io.open(%q, "w"):close()
    ]]):format(path, holder, done))
    os.execute(("%s %s >/dev/null 2>&1 &"):format(vm.command, child))
    while not exists(holder) do os.execute "sleep 0.005" end
    local store, skipped = open(path, 50), false
    local before = assert(store:stats()).segments
    repeat -- seals that are skipped leave what the other has not come to
      assert(store:seal())
      local now = assert(store:stats())
      skipped = skipped or (now.unsealed > 0 and not exists(done))
    until exists(done)
    assert(skipped)
    assert(assert(store:stats()).segments > before)
    assert(store:seal())
    store:close()
    assert.equal(0, stats(path).unsealed)
    is_right(path)
    vm.remove(path)
    for _, name in ipairs { holder, done, child } do os.remove(name) end
  end)

  it("fails in a folder that cannot be written to, and SQL answers", function()
    local folder = vm.path "folder"
    assert(os.execute(("rm -rf %s && mkdir %s"):format(folder, folder)))
    local path = folder .. "/store.db"
    local keeper = assert(sq.open(path)) -- the log and its map stay there
    assert(keeper:add { request_id = "a", session_id = "s1", created_at = 1 })
    local db = assert(sq.open(path))
    db:close()
    assert(os.execute(("chmod 666 %s* && chmod 555 %s"):format(path, folder)))
    local as = is_root and "setpriv --reuid=65534 --regid=65534 --clear-groups " or ""
    local child = vm.write(vm.path "child.lua", ([[
      local sq, core = require "sessionquery", require "sessionquery.core"
      local db = assert(sq.open(%q))
      assert(db:add { request_id = "b", session_id = "s1", created_at = 2 })
      local done, message, detail = db:seal()
      print(done, detail.code, message)
      done, message, detail = db:reindex()
      print(done, detail.code, message)
      db:close()
      local store = assert(core.open(%q, { segment_rows = 2 }))
      assert(store:ingest('{"request_id":"c","created_at":1}\n{"request_id":"d","created_at":1}', {}))
      print(assert(store:stats()).last_error)
      store:close()
    ]]):format(path, path))
    local output, status = vm.shell(as .. vm.command .. " " .. child)
    os.execute("chmod 755 " .. folder)
    assert.equal(0, status, output)
    local refusal = "the column index: open: Permission denied"
    assert.equal(("nil\tstore\t%s\nnil\tstore\t%s\n%s\n"):format(refusal, refusal, refusal), output)
    assert.equal(4, assert(keeper:requests():count()))
    assert(keeper:seal())
    keeper:close()
    is_right(path)
    os.execute("rm -r " .. folder)
    os.remove(child)
  end)

  it("is not for who only reads", function()
    local path = make(100, 50)
    local db = assert(sq.open(path, { readonly = true }))
    for _, method in ipairs { "seal", "reindex" } do
      local done, _, detail = db[method](db)
      assert.is_nil(done)
      assert.equal("readonly", detail.code)
    end
    assert.equal(100, assert(db:check()))
    db:close()
    os.remove(path .. "-columns")
    db = assert(sq.open(path, { readonly = true }))
    assert.equal(100, assert(db:requests():where("latency_ms >= 0"):count()))
    db:close()
    assert.is_false(exists(path .. "-columns"))
    vm.remove(path)
  end)

  it("seals a segment again when a quarter of it is dead", function()
    local path = make(200, 100)
    local store = open(path, 100)
    for i = 1, 24 do assert(store:ingest(line(i, ',"user_id":"u"'), { mode = "merge" })) end
    assert(store:seal())
    assert.equal(24, assert(store:stats()).dead) -- not yet
    assert(store:ingest(line(25, ',"user_id":"u"'), { mode = "merge" }))
    assert.equal(25, assert(store:stats()).dead)
    assert(store:seal())
    local now = assert(store:stats())
    assert.equal(0, now.dead)
    assert.equal(2, now.segments)
    assert.equal(200, now.sealed)
    is_right(path)
    for i = 101, 130 do assert.equal(1, assert(store:delete { request = "r" .. i }).requests) end
    assert.equal(30, assert(store:stats()).dead)
    assert(store:seal())
    now = assert(store:stats())
    assert.equal(0, now.dead)
    assert.equal(170, now.sealed)
    store:close()
    is_right(path)
    vm.remove(path)
  end)

  it("joins a small last segment with what comes behind it", function()
    local path = make(30, 100)
    assert.equal(1, stats(path).segments)
    local store = open(path, 100)
    assert(store:ingest(lines(31, 60), {}))
    assert(store:seal())
    assert.equal(1, assert(store:stats()).segments) -- 60 rows
    assert(store:ingest(lines(61, 70), {}))
    assert(store:seal())
    assert.equal(2, assert(store:stats()).segments) -- 60 and 10
    assert(store:ingest(lines(71, 250), {}))
    assert(store:seal())
    local now = assert(store:stats())
    assert.equal(3, now.segments) -- 60, 100 and 90
    assert.equal(250, now.sealed)
    store:close()
    is_right(path)
    vm.remove(path)
  end)

  it("goes on when every row of a segment is deleted", function()
    local path = make(100, 50)
    local store = open(path, 50)
    for i = 1, 50 do assert(store:delete { request = "r" .. i }) end
    assert(store:seal())
    is_right(path)
    for i = 51, 100 do assert(store:delete { request = "r" .. i }) end
    assert(store:seal())
    assert.equal(0, assert(store:check()))
    assert(store:ingest(lines(1, 100), {}))
    assert(store:seal())
    assert(store:reindex())
    store:close()
    is_right(path)
    vm.remove(path)
  end)
end)

describe("stats", function()
  it("tell of the index", function()
    local path = make(250, 100)
    local now = stats(path)
    assert.equal(250, now.sealed)
    assert.equal(0, now.unsealed)
    assert.equal(0, now.dead)
    assert.equal(3, now.segments)
    assert.equal(#vm.read(path .. "-columns"), now.index_bytes)
    assert.is_nil(now.index_state)
    assert.is_nil(now.last_error)
    local db = assert(sq.open(path))
    assert(db:add { { request_id = "r7", created_at = 7 }, { request_id = "new", created_at = 8 } })
    now = assert(db:stats())
    assert.equal(250, now.sealed)
    assert.equal(2, now.unsealed)
    assert.equal(1, now.dead)
    os.remove(path .. "-columns")
    now = assert(db:stats())
    assert.equal(0, now.index_bytes)
    assert.equal("its file is not there", now.index_state)
    db:close()
    vm.remove(path)
  end)
end)

-- ------------------------------------------------------------------------------------------------- request ids

describe("a request id", function()
  --- Adds them again, in this handle; each replaces one.
  local function add_again(store, from, to)
    local counts = assert(store:ingest(lines(from, to, ',"user_id":"again"'), {}))
    assert.equal(0, counts.added)
    assert.equal(to - from + 1, counts.replaced)
  end

  local function is_unique(path)
    assert.equal("0\n", (vm.shell(("sqlite3 %s 'SELECT count(*) - count(DISTINCT request_id) FROM request'"):format(path))))
  end

  it("is unique across seals, reindexes and a lost index", function()
    local path = make(300, 70)
    local store = open(path, 70)
    add_again(store, 1, 300)
    assert(store:seal())
    add_again(store, 100, 200)
    assert(store:reindex())
    add_again(store, 50, 150)
    os.remove(path .. "-columns")
    add_again(store, 1, 20)
    assert(store:seal())
    add_again(store, 1, 300)
    store:close()
    store = open(path, 30) -- segments of another size
    add_again(store, 280, 300)
    assert(store:reindex())
    add_again(store, 1, 300)
    assert(store:seal())
    add_again(store, 250, 260)
    store:close()
    is_unique(path)
    assert.equal(300, stats(path).requests)
    seal(path)
    is_right(path)
    vm.remove(path)
  end)

  it("is unique when a batch is undone before", function()
    local path = make(100, 40)
    local store = open(path, 40)
    for round = 1, 3 do
      local bad = lines(200, 230) .. "\n" .. lines(1, 20) .. "\n{}"
      assert.is_nil((store:ingest(bad, {})))
      assert.equal(31, assert(store:ingest(lines(200 + round * 100, 230 + round * 100), {})).added)
      add_again(store, 200 + round * 100, 230 + round * 100)
      add_again(store, 1, 20)
      assert(store:seal())
    end
    assert.equal(31, assert(store:ingest(lines(200, 230), {})).added)
    add_again(store, 200, 230)
    store:close()
    is_unique(path)
    is_right(path)
    vm.remove(path)
  end)

  it("is unique across handles and processes", function()
    local path = make(100, 40)
    local one, other = open(path, 40), open(path, 40)
    add_again(one, 1, 100)
    add_again(other, 1, 100)
    for round = 1, 5 do
      local from = 81 + round * 20
      assert.equal(20, assert(one:ingest(lines(from, from + 19), {})).added)
      if round % 2 == 0 then assert(other:seal()) end
      add_again(other, from, from + 19)
      if round == 3 then assert(other:reindex()) end
      add_again(one, from - 20, from + 19)
      assert(other:delete { request = "r" .. from })
      assert.equal(1, assert(one:ingest(line(from), {})).added)
    end
    local child = [[
      local store = assert(require("sessionquery.core").open(arg[1], { manual_seal = true, segment_rows = 25 }))
      local counts = assert(store:ingest('{"request_id":"r150","created_at":1}\n{"request_id":"r1","created_at":1}\n{"request_id":"theirs","created_at":1}', {}))
      print(counts.added, counts.replaced)
      assert(store:seal())
      assert(store:reindex())]]
    assert.equal("1\t2\n", (vm.run(child, path)))
    assert.equal(1, assert(one:ingest('{"request_id":"theirs","created_at":2}', {})).replaced)
    add_again(one, 1, 100)
    add_again(other, 1, 100)
    one:close()
    other:close()
    is_unique(path)
    is_right(path)
    vm.remove(path)
  end)

  it("may stand in several organizations and projects", function()
    local path = vm.path()
    local store = open(path, 30)
    for _, owner in ipairs { "a", "b" } do
      assert(store:ingest(lines(1, 100, (',"organization_id":"%s"'):format(owner)), {}))
      assert(store:seal())
    end
    local counts = assert(store:ingest(lines(50, 60, ',"organization_id":"a"'), {}))
    assert.equal(11, counts.replaced)
    local removed, _, detail = store:delete { request = "r55" }
    assert.is_nil(removed)
    assert.equal("ambiguous", detail.code)
    assert.equal(1, assert(store:delete { request = "r55", organization = "b" }).requests)
    assert.equal(1, assert(store:delete { request = "r55" }).requests)
    assert.equal(198, assert(store:stats()).requests)
    store:close()
    is_right(path)
    vm.remove(path)
  end)

  it("is found among many segments, with a filter over all of their ids", function()
    local path = make(1200, 10)
    local store = open(path, 10)
    local added = 0
    for round = 1, 4 do -- of 60 new ids each asks all 120 ranges: beyond 16,384 it pays to read all hashes once
      local counts = assert(store:ingest(lines(10000 * round + 1, 10000 * round + 60), {}))
      assert.equal(60, counts.added)
      added = added + 60
      add_again(store, 10000 * round + 1, 10000 * round + 60)
      assert(store:seal())
      add_again(store, 10000 * round + 1, 10000 * round + 60)
      add_again(store, 300 * round - 20, 300 * round)
    end
    assert(store:reindex())
    add_again(store, 1, 1200)
    add_again(store, 40001, 40060)
    assert.equal(1200 + added, assert(store:stats()).requests)
    store:close()
    is_unique(path)
    seal(path)
    is_right(path)
    vm.remove(path)
  end)

  it("finds sealed requests to update, delete and give feedback on", function()
    local path = make(200, 50)
    local db = assert(sq.open(path))
    assert.equal(2, assert(db:update { { request_id = "r10", user_id = "me" }, { request_id = "r199", user_id = "me" } }))
    local done, _, detail = db:update { request_id = "r201", user_id = "me" }
    assert.is_nil(done)
    assert.equal("not_found", detail.code)
    assert(db:feedback { request_id = "r60", key = "good", score = 1 })
    assert.equal(1, assert(db:delete { request = "r120" }).requests)
    assert.equal(0, assert(db:delete { request = "r120" }).requests)
    assert(db:add { request_id = "r120", session_id = "s3", created_at = 3 })
    assert.equal(2, assert(db:requests():where("user_id = 'me'"):count()))
    is_right(path)
    assert(db:seal())
    assert(db:feedback { request_id = "r120", key = "good", score = 0 })
    db:close()
    is_right(path)
    is_unique(path)
    vm.remove(path)
  end)
end)
