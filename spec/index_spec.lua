--- The column index as a file beside the store: whatever becomes of it, answers are those of the rows.
local index = require "spec.support.index"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local lines, open, make, answers, agree = index.lines, index.open, index.make, index.answers, index.agree
local is_right, stats, seal, copy, copy_store, is_root = index.is_right, index.stats, index.seal, index.copy, index.copy_store, index.is_root

-- ----------------------------------------------------------------------------------------------- what becomes of it

describe("an index file", function()
  local kinds = {
    ["that is deleted"] = { function(path) os.remove(path) end, "its file is not there" },
    ["that is empty"] = { function(path) vm.write(path, "") end, "its file is none of ours" },
    ["of garbage"] = { function(path) vm.write(path, ("garbage"):rep(5000)) end, "its file is none of ours" },
    ["with a damaged header"] = { function(path)
      local bytes = vm.read(path)
      vm.write(path, bytes:sub(1, 20) .. string.char((bytes:byte(21) + 1) % 256) .. bytes:sub(22))
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

describe("the index of a store", function()
  it("is made anew when all requests were deleted, and it too", function()
    local path = make(30, 10)
    local db = assert(sq.open(path))
    assert(db:delete { before = 1800000000 })
    db:close()
    os.remove(path .. "-columns")
    seal(path)
    is_right(path)
    vm.remove(path)
  end)

  it("is of the file that is open, not of the one that took its name", function()
    local path, twin = make(60, 20), vm.path "twin.db"
    copy_store(path, twin)
    local function add(model)
      local handle = assert(sq.open(path))
      assert(handle:add { request_id = "new", session_id = "s1", created_at = 2000, model = model })
      assert(handle:sessions():all())
      handle:close()
    end
    add "this one"
    local first = assert(sq.open(path)) -- has not asked for its index yet
    assert(os.rename(twin, path))
    os.remove(path .. "-wal")
    os.remove(path .. "-shm")
    add "that one"
    local second = assert(sq.open(path))
    local texts = {}
    for handle, model in pairs { [second] = "that one", [first] = "this one" } do
      texts[model] = answers(handle)
      assert(texts[model]:find(model, 1, true))
    end
    assert.is_nil(texts["this one"]:find("that one", 1, true))
    assert.is_nil(texts["that one"]:find("this one", 1, true))
    first:close()
    second:close()
    vm.remove(path)
  end)

  it("is read in a folder that is read-only, or done without, and nothing is left there", function()
    local folder = vm.path "folder"
    assert(os.execute(("rm -rf %s && mkdir %s"):format(folder, folder)))
    local path, made = folder .. "/store.db", make(80, 20)
    copy_store(made, path)
    vm.remove(made)
    seal(path)
    local keeper = assert(sq.open(path)) -- keeps -wal and -shm there: SQLite reads no WAL without them
    local expected = answers(keeper)
    vm.shell(("chmod 444 %s/*; chmod 555 %s"):format(folder, folder))
    local child = vm.write(vm.path "reader.lua", [[
      local db = assert(require("sessionquery").open(arg[1], { readonly = true }))
      print((assert(db:sessions():explain()):match "engine: (%a+)"))
      print(select(3, db:seal()).code, select(3, db:reindex()).code, (db:check()))
      io.write(require("spec.support.index").answers(db))]])
    local as = is_root and "setpriv --bounding-set=-dac_override,-dac_read_search " or ""
    for engine, checked in pairs { columns = "80", sql = "nil" } do
      vm.shell("chmod 755 " .. folder)
      if engine == "sql" then os.rename(path .. "-columns", path .. ".kept") end
      vm.shell("chmod 555 " .. folder)
      local before = vm.shell("ls -l --time-style=full-iso " .. folder .. " | grep -v shm")
      local output, status = vm.shell(as .. vm.command .. " " .. child .. " " .. path)
      assert.equal(0, status, output)
      assert.equal(("%s\nreadonly\treadonly\t%s\n%s"):format(engine, checked, expected), output)
      assert.equal(before, (vm.shell("ls -l --time-style=full-iso " .. folder .. " | grep -v shm")))
      vm.shell(("chmod 755 %s; mv -f %s.kept %s-columns 2>/dev/null"):format(folder, path, path))
    end
    keeper:close()
    os.execute("rm -r " .. folder)
    os.remove(child)
  end)
end)
