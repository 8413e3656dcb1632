--- Sealing: by whom, when, and what is sealed again; and what stats tell of it.
local core = require "sessionquery.core"
local index = require "spec.support.index"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local lines, open, make, agree, is_right = index.lines, index.open, index.make, index.agree, index.is_right
local exists, stats, seal, is_root, line = index.exists, index.stats, index.seal, index.is_root, index.line

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

--- An import hands the rows it inserts to the seal, unless something came between.
describe("an import", function()
  local BLOCK, ROWS, MORE = 900, 1300, (',"user_id":"%s"'):format(("u"):rep(200)) -- enough bytes of lines to be one

  local between = {
    ["nothing"] = function() end,
    ["rows from another handle"] = function(_, path)
      local other = open(path, ROWS)
      assert(other:ingest(lines(100001, 100010), {}))
      other:close()
    end,
    ["a row of the same handle"] = function(store) assert(store:ingest(line(100001), {})) end,
    ["a block that is undone"] = function(store)
      assert.is_nil((store:ingest(lines(200001, 200000 + BLOCK, MORE) .. "\nbad", { mode = "strict" })))
    end,
    ["a block that replaces"] = function(store) assert(store:ingest(lines(BLOCK - 10, 2 * BLOCK - 10, MORE .. ',"status":500'), {})) end,
    ["a block that updates"] = function(store)
      assert(store:ingest(lines(BLOCK - 10, 2 * BLOCK - 10, MORE .. ',"status":501'), { on_conflict = "update" }))
    end,
    ["a deletion"] = function(store) assert(store:delete { session = "s3" }) end,
    ["feedback"] = function(store) store:ingest(line(5), {}) assert(store:feedback({ request_id = "r5" }, '{"key":"k","score":0.5}')) end,
    ["plain SQL that updates"] = "UPDATE request SET latency_ms = 7 WHERE seq % 10 = 1",
    ["plain SQL that deletes"] = "DELETE FROM request WHERE seq % 10 = 1",
    ["plain SQL that adds"] = "INSERT INTO request(request_id, organization_id, project, run_type, created_at_us) VALUES (9, 8, 7, 6, 5)",
    ["plain SQL that gives feedback on what comes"] = "INSERT INTO feedback(organization_id, project, request_id, key, score, created_at_us)"
      .. " VALUES ('', 'default', 'r1850', 'k', 1, 5)",
    ["a seal by another"] = function(_, path)
      local other = open(path, ROWS)
      assert(other:seal())
      other:close()
    end,
    ["an index made anew"] = function(_, path)
      local other = open(path, ROWS)
      assert(other:reindex())
      other:close()
    end,
  }

  for what, act in pairs(between) do
    it("seals what is stored, with " .. what .. " in its midst", function()
      for _, at in ipairs { 0, 1, 2, 4 } do
        local path = vm.path()
        local store = assert(core.open(path, { segment_rows = ROWS, relaxed = true }))
        for block = 0, 5 do
          if block == at and type(act) == "string" then assert.equal("", (vm.shell(("sqlite3 %s \"%s\""):format(path, act)))) end
          if block == at and type(act) == "function" then act(store, path) end
          assert(store:ingest(lines(block * BLOCK + 1, (block + 1) * BLOCK, MORE), {}))
        end
        assert(assert(store:check()) > 0)
        store:close()
        agree(path)
        vm.remove(path)
      end
    end)
  end
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
