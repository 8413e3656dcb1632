--- The file of the column index beside the database: gone, another's, older, newer, not to be written; and several
--- processes at it at once.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local function remove(path)
  vm.remove(path)
  os.remove(path .. "-columns")
end


local function copy(from, to) vm.write(to, vm.read(from)) end

local function records(from, to, model)
  local list = {}
  for i = from, to do
    list[#list + 1] = { request_id = "r" .. i, session_id = "s" .. i % 20, created_at = 1700000000 + i, latency_ms = i, model = model or "m" .. i % 3 }
  end
  return list
end

--- A store with `count` requests, all of them sealed, and its path.
local function sealed(count)
  local path = vm.path()
  remove(path)
  local db = assert(sq.open(path))
  assert(db:add(records(1, count)))
  assert(db:seal())
  return db, path
end

local function answers(db) return assert(db:sessions():json()) .. assert(db:group_by("model"):json()) end

--- What the columns say is what SQL says; or the columns cannot answer, for a reason that fits.
local function same(path, why)
  local by_sql = assert(sq.open(path, { engine = "sql", readonly = true }))
  local by_columns = assert(sq.open(path, { engine = "columns", readonly = true }))
  local by_any = assert(sq.open(path, { readonly = true }))
  local expected = answers(by_sql)
  assert.equal(expected, answers(by_any))
  local rows, message = by_columns:sessions():all()
  if why then
    assert.is_nil(rows)
    assert(message:find(why, 1, true), message)
    assert.matches("engine: sql", assert(by_any:sessions():explain()), 1, true)
  else
    assert(rows, message)
    assert.equal(expected, answers(by_columns))
  end
  by_sql:close()
  by_columns:close()
  by_any:close()
  return expected
end

local function mends(path)
  local db = assert(sq.open(path))
  assert(db:seal())
  assert.equal(assert(db:requests():count()), assert(db:check()))
  db:close()
  same(path)
end

describe("the index's file", function()
  it("may be deleted at any time: SQL answers, and the next seal makes it again", function()
    local db, path = sealed(300)
    local before = answers(db)
    db:close()
    assert(os.remove(path .. "-columns"))
    assert.equal(before, same(path, "its file is not there"))
    mends(path)
    os.remove(path .. "-columns")
    db = assert(sq.open(path))
    assert(db:reindex())
    assert.equal(before, answers(db))
    db:close()
    same(path)
    remove(path)
  end)

  it("may be deleted when all requests are", function()
    local db, path = sealed(30)
    assert(db:delete { before = 1800000000 })
    db:close()
    os.remove(path .. "-columns")
    mends(path)
    remove(path)
  end)

  it("of a handle that has it open goes on being read when its name is gone", function()
    local db, path = sealed(100)
    local before = answers(db)
    os.remove(path .. "-columns")
    assert.equal(before, answers(db))
    assert(db:add(records(101, 101)))
    assert.equal(101, assert(db:requests():count()))
    db:close()
    mends(path)
    remove(path)
  end)

  it("of another store is not read", function()
    local db, path = sealed(100)
    local other, other_path = sealed(120)
    db:close()
    other:close()
    copy(other_path .. "-columns", path .. "-columns")
    same(path, "its file is another store's")
    mends(path)
    same(other_path)
    remove(path)
    remove(other_path)
  end)

  it("is not that of a backup, which is its own store's all the same", function()
    local db, path = sealed(100)
    local backup = vm.path "backup.db"
    remove(backup)
    assert(db:backup(backup))
    same(backup, "its file is not there")
    mends(backup)
    assert(db:add(records(101, 400)))
    assert(db:delete { request = "r7" })
    assert(db:seal())
    db:close()
    -- restored beside the newer file, whose segments were only added to: both are right
    vm.remove(path)
    copy(backup, path)
    same(backup)
    local restored = assert(sq.open(path))
    assert.equal(100, assert(restored:requests():count()))
    assert(restored:add(records(200, 260, "other")))
    restored:close()
    mends(path)
    remove(path)
    remove(backup)
  end)

  it("of a copy that went its own way is not read for the original's", function()
    local db, path = sealed(100)
    db:close()
    local twin = vm.path "twin.db"
    remove(twin)
    copy(path, twin)
    copy(path .. "-columns", twin .. "-columns")
    for _, one in ipairs { { path, "here" }, { twin, "there" } } do -- as many rows, as many seals
      local diverging = assert(sq.open(one[1]))
      assert(diverging:add(records(101, 180, one[2])))
      assert(diverging:update { request_id = "r3", model = one[2] })
      assert(diverging:seal())
      diverging:close()
      same(one[1])
    end
    copy(twin .. "-columns", path .. "-columns")
    local expected = same(path, "")
    assert(expected:find("here", 1, true) and not expected:find("there", 1, true))
    mends(path)
    same(twin)
    remove(path)
    remove(twin)
  end)

  it("is of the store that is open, not of the one that took its name", function()
    local db, path = sealed(60)
    local twin = vm.path "twin.db"
    remove(twin)
    assert(db:backup(twin))
    db:close()
    local first = assert(sq.open(path)) -- has not asked for its index yet
    assert(os.rename(twin, path))
    os.remove(path .. "-wal")
    os.remove(path .. "-shm")
    local second = assert(sq.open(path))
    assert(second:add(records(61, 70, "that one")))
    assert(second:sessions():all())
    assert(first:add(records(61, 70, "this one")))
    for handle, own in pairs { [first] = "this one", [second] = "that one" } do
      local text = answers(handle)
      assert(text:find(own, 1, true))
      assert.is_nil(text:find(own == "this one" and "that one" or "this one", 1, true))
    end
    first:close()
    second:close()
    remove(path)
  end)

  it("takes after the database's owner and mode", function()
    for _, mode in ipairs { "600", "640", "664" } do
      local path = vm.path()
      remove(path)
      assert(sq.open(path)):close()
      local as_root = vm.shell("id -u"):match "^0" ~= nil
      vm.shell(("chmod %s %s%s"):format(mode, path, as_root and (" && chown 65534:65534 " .. path) or ""))
      local db = assert(sq.open(path))
      assert(db:add(records(1, 10)))
      assert(db:seal())
      local of_database, of_index = vm.shell("stat -c '%a %u %g' " .. path), vm.shell("stat -c '%a %u %g' " .. path .. "-columns")
      assert.equal(of_database, of_index)
      assert.equal(mode, of_index:match "%d+")
      db:close()
      remove(path)
    end
  end)
end)

describe("a handle that may not write", function()
  --- Runs `source` with the store's path; where we are root, without root's right to write what is read-only.
  local function run(source, path)
    local child = vm.write(vm.path "reader.lua", source)
    local as_root = vm.shell("id -u"):match "^0" ~= nil
    local output, status = vm.shell(("%s%s %s %s"):format(as_root and "setpriv --bounding-set=-dac_override,-dac_read_search " or "", vm.command, child, path))
    os.remove(child)
    return output, status
  end

  it("reads an index in a folder that is read-only, or does without, and leaves nothing there", function()
    local folder = vm.shell("mktemp -d /tmp/sessionquery-spec-XXXXXX"):match "%S+"
    local path = folder .. "/store.db"
    local db = assert(sq.open(path))
    assert(db:add(records(1, 80)))
    assert(db:seal())
    local expected = answers(db)
    db:close()
    db = assert(sq.open(path)) -- keeps -wal and -shm there: SQLite reads no WAL without them
    assert.equal(80, assert(db:requests():count()))
    vm.shell(("chmod 444 %s/*; chmod 555 %s"):format(folder, folder))
    local source = [[
      local db = assert(require("sessionquery").open(arg[1], { readonly = true }))
      local text = assert(db:sessions():explain())
      print(text:match "engine: %a+")
      io.write(assert(db:sessions():json()), assert(db:group_by("model"):json()), "\n")
      local done, message, detail = db:seal()
      print(done, detail.code)
      done, message, detail = db:reindex()
      print(done, detail.code)
      print(db:check())]]
    for _, there in ipairs { true, false } do
      if not there then
        vm.shell("chmod 755 " .. folder)
        os.remove(path .. "-columns")
        vm.shell("chmod 555 " .. folder)
      end
      local before = vm.shell("ls -l --time-style=full-iso " .. folder .. " | grep -v shm")
      local output, status = run(source, path)
      assert.equal(0, status, output)
      local engine, json, rest = output:match "^engine: (%a+)\n([^\n]*)\n(.*)$"
      assert.equal(there and "columns" or "sql", engine, output)
      assert.equal(expected, json)
      assert(rest:find("nil\treadonly\nnil\treadonly\n", 1, true), rest)
      assert(rest:find(there and "\n80\n" or "there is no column index to compare", 1, true), rest)
      assert.equal(before, (vm.shell("ls -l --time-style=full-iso " .. folder .. " | grep -v shm")))
    end
    db:close()
    vm.shell("chmod 755 " .. folder .. "; rm -r " .. folder)
  end)
end)

describe("several processes", function()
  it("seal, add and make anew at once: one does, the others go on", function()
    local path = vm.path()
    remove(path)
    assert(sq.open(path)):close()
    local child = vm.write(vm.path "sealer.lua", [[
      local db = assert(require("sessionquery").open(arg[1]))
      for i = 1, 25 do
        local batch = {}
        for k = 1, 8 do batch[k] = { request_id = arg[2] .. "-" .. i .. "-" .. k, session_id = "s" .. k, created_at = i } end
        assert(db:add(batch))
        if i % 3 == 0 then assert(db:update { request_id = arg[2] .. "-" .. i .. "-1", model = "u" }) end
        if i % 8 == 0 then
          local done, message, detail = db:reindex()
          assert(done or detail.code == "busy", message)
        else
          assert(db:seal())
        end
      end
      db:close()]])
    local output, status = vm.shell(("for n in 1 2 3 4; do %s %s %s $n & done; wait"):format(vm.command, child, path))
    assert.equal("", output)
    assert.equal(0, status)
    local db = assert(sq.open(path))
    assert.equal(800, assert(db:requests():count()))
    assert.equal(32, assert(db:requests():where "model = 'u'":count()))
    assert(db:seal())
    assert.equal(800, assert(db:check()))
    db:close()
    same(path)
    local left = vm.shell("ls " .. path .. "-columns*")
    assert.equal(path .. "-columns\n", left)
    remove(path)
    os.remove(child)
  end)
end)
