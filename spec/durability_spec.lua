--- Acknowledged is durable: killed processes, full disks, several processes at once, locks and deadlines.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

--- os.clock counts only this process; this is the time of day.
local function now()
  local pipe = assert(io.popen "date +%s.%N")
  local text = pipe:read "*l"
  pipe:close()
  return tonumber(text)
end

local function check_integrity(path)
  assert.equal("ok\n", (vm.shell("sqlite3 " .. path .. " 'PRAGMA integrity_check'")))
end

describe("a killed process", function()
  it("loses nothing that was acknowledged, and leaves no half transaction", function()
    local child = vm.write(vm.path "writer.lua", [[
      local sq = require "sessionquery"
      local db = assert(sq.open(arg[1], { durable = tonumber(arg[2]) % 2 == 0 })) -- false: a power cut may lose some
      for i = 1, 1e9 do
        local batch = {}
        for k = 1, 7 do batch[k] = { request_id = arg[2] .. "-" .. i .. "-" .. k, session_id = "s" .. i % 50,
          created_at = i, properties = { i = i } } end
        assert(db:add(batch))
        io.write(arg[2], "-", i, "\n")
        io.flush()
      end]])
    local path = vm.path()
    local acknowledged, rounds = {}, 6
    for round = 1, rounds do
      local output = vm.shell(("timeout -s KILL 0.%d %s %s %s %d"):format(10 + round * 7, vm.command, child, path, round))
      for id in output:gmatch "(%d+%-%d+)\n" do acknowledged[#acknowledged + 1] = id end
    end
    assert(#acknowledged > rounds, #acknowledged)
    local db = assert(sq.open(path))
    local stored = {}
    for row in db:requests():each() do stored[row.request_id] = true end
    for _, id in ipairs(acknowledged) do
      for k = 1, 7 do assert(stored[id .. "-" .. k], id) end
    end
    assert.equal(0, assert(db:requests():count()) % 7)
    db:close()
    check_integrity(path)
    vm.remove(path)
    os.remove(child)
  end)

  it("leaves no half export and no half backup", function()
    local path, target = vm.path(), vm.path "target"
    local db = assert(sq.open(path))
    local records = {}
    for i = 1, 30000 do records[i] = { request_id = "r" .. i, created_at = i, model = ("x"):rep(300) } end
    assert(db:add(records))
    local child = vm.write(vm.path "exporter.lua", [[
      local db = assert(require("sessionquery").open(arg[1]))
      assert(db[arg[2] ](db, arg[3]))]])
    for _, job in ipairs { "export", "backup" } do
      local killed = 0
      for _ = 1, 10 do -- killed as soon as there is something to be seen
        local _, status = vm.shell(("%s %s %s %s %s & pid=$!; while [ ! -s %s.partial ] && kill -0 $pid; do :; done; kill -9 $pid; wait $pid")
          :format(vm.command, child, path, job, target, target))
        local file = io.open(target)
        if status == 137 then
          killed = killed + 1
          assert(not file, job)
        end
        if file then file:close() end
        os.remove(target)
      end
      assert(killed > 0, job)
      assert(db[job](db, target)) -- over what the killed one left
      assert.is_nil((io.open(target .. ".partial")))
      if job == "export" then
        assert.equal(30000, select(2, vm.read(target):gsub("\n", "")))
      else
        check_integrity(target)
      end
      vm.remove(target)
    end
    db:close()
    vm.remove(path)
    os.remove(child)
  end)
end)

describe("a full disk", function()
  it("is an error; what was acknowledged stays", function()
    local path = vm.path()
    local child = vm.write(vm.path "filler.lua", [[
      local db = assert(require("sessionquery").open(arg[1]))
      local acknowledged = 0
      while true do
        local id, message, detail = db:add { created_at = 1, request_body = ("x"):rep(20000) }
        if not id then
          print(acknowledged, detail.code, message)
          print(db:requests():count())
          break
        end
        acknowledged = acknowledged + 1
      end]])
    local output = vm.shell(("trap '' XFSZ; ulimit -f 4000; %s %s %s"):format(vm.command, child, path))
    local acknowledged, code, count = output:match "^(%d+)\t(%l+)\t[^\n]*\n(%d+)\n"
    assert(acknowledged and tonumber(acknowledged) > 10, output)
    assert(code == "store" or code == "full", output)
    assert.equal(acknowledged, count)
    local db = assert(sq.open(path))
    assert.equal(tonumber(acknowledged), assert(db:requests():count()))
    assert(db:add { created_at = 1 })
    db:close()
    check_integrity(path)
    vm.remove(path)
    os.remove(child)
  end)
end)

describe("several processes", function()
  it("write and read one store at once", function()
    local path = vm.path()
    assert(sq.open(path)):close()
    local child = vm.write(vm.path "worker.lua", [[
      local db = assert(require("sessionquery").open(arg[1]))
      for i = 1, 150 do
        assert(db:add { request_id = arg[2] .. "-" .. i, session_id = "s", created_at = i })
        if i % 10 == 0 then
          assert(assert(db:sessions():first()).total_requests >= i)
          assert(db:update { request_id = arg[2] .. "-" .. i, model = "u" })
        end
      end
      db:close()]])
    local output, status = vm.shell(("for n in 1 2 3 4; do %s %s %s $n & done; wait"):format(vm.command, child, path))
    assert.equal("", output)
    assert.equal(0, status)
    local db = assert(sq.open(path))
    assert.equal(600, assert(db:requests():count()))
    assert.equal(60, assert(db:requests():where "model = 'u'":count()))
    db:close()
    check_integrity(path)
    vm.remove(path)
    os.remove(child)
  end)
end)

describe("deadlines", function()
  --- Holds the write lock for about a second in another process.
  local function with_lock(path, run)
    local ready = vm.path "ready"
    os.execute(("sqlite3 %s 'BEGIN IMMEDIATE' '.shell touch %s' '.shell sleep 1.2' 'COMMIT' >/dev/null 2>&1 &"):format(path, ready))
    for _ = 1, 200 do
      local file = io.open(ready)
      if file then
        file:close()
        break
      end
      os.execute "sleep 0.01"
    end
    run()
    os.execute "sleep 1.3"
    os.remove(ready)
  end

  it("bound waiting for a lock", function()
    local path = vm.path()
    local db = assert(sq.open(path, { timeout_ms = 200 }))
    local patient = assert(sq.open(path))
    assert(db:add { request_id = "a", created_at = 1 })
    with_lock(path, function()
      local start = now()
      local id, message, detail = db:add { created_at = 1 }
      local took = now() - start
      assert.is_nil(id)
      assert.equal("busy", detail.code, message)
      assert(took > 0.15 and took < 0.8, took)
      assert.equal(1, assert(db:requests():count()))
      assert(patient:add { request_id = "b", created_at = 1 })
    end)
    assert.equal(2, assert(db:requests():count()))
    assert(db:add { created_at = 1 })
    patient:close()
    db:close()
    vm.remove(path)
  end)

  it("bound reads and writes", function()
    local path = vm.path()
    local writer = assert(sq.open(path))
    local records = {}
    for i = 1, 40000 do records[i] = { request_id = "r" .. i, session_id = "s" .. i, created_at = i, properties = { a = "x" .. i } } end
    assert(writer:add(records))
    local db = assert(sq.open(path, { timeout_ms = 20 }))
    local parts = {}
    for i = 1, 200 do parts[i] = ("not properties.a contains 'y%d'"):format(i) end
    local slow = assert(sq.filter("where", table.concat(parts, " and "))) -- seconds of work
    local start = now()
    for i, call in ipairs {
      function() return db:sessions():where(slow):all() end, function() return db:sessions():where(slow):count() end,
      function() return db:requests():where(slow):json() end, function() return db:export(vm.path "x.jsonl", { where = slow }) end,
      function() return db:add(records) end,
    } do
      local result, message, detail = call()
      assert.is_nil(result, "call " .. i)
      assert.equal("timeout", detail.code, message)
    end
    assert(now() - start < 8) -- the work takes much longer
    assert.equal(40000, assert(writer:requests():count()))
    assert.equal(1, #assert(db:requests():limit(1):all()))
    writer:close()
    db:close()
    vm.remove(path)
  end)
end)
