--- A request id is unique in its organization and project, whatever becomes of the column index.
local index = require "spec.support.index"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local lines, open, make, is_right, stats, seal, line = index.lines, index.open, index.make, index.is_right, index.stats, index.seal, index.line

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

  it("is unique whichever of a process's handles adds, is undone, seals, deletes or looks", function()
    local path = make(30, 20)
    local handles, known, last_drawn = {}, {}, 1000
    for i = 1, 30 do known[i] = true end
    for i = 1, 5 do handles[i] = open(path, 20) end
    local function any() return handles[math.random(#handles)] end
    local steps = {
      function(from, to)
        local new = 0
        for i = from, to do
          new, known[i] = new + (known[i] and 0 or 1), true
        end
        assert.equal(new, assert(any():ingest(lines(from, to), {})).added)
      end,
      function(from, to) assert.is_nil((any():ingest(lines(from, to) .. "\n{}", {}))) end,
      function(from)
        assert.equal(known[from] and 1 or 0, assert(any():delete { request = "r" .. from }).requests)
        known[from] = nil
      end,
      function(from) assert.equal(known[from] ~= nil, any():feedback({ request_id = "r" .. from }, [[{"key":"k","score":1}]]) ~= nil) end,
      function() assert(any():seal()) end,
      function() assert(any():reindex()) end,
      function(from) -- by another program
        if known[from] then return end
        assert.equal("", (vm.shell(([[sqlite3 %s "INSERT INTO request(request_id, organization_id, project, run_type, created_at_us)
          VALUES ('r%d', '', 'default', 'llm', 1)" 2>&1]]):format(path, from))))
        known[from] = true
      end,
      function()
        local i = math.random(#handles)
        handles[i]:close()
        handles[i] = open(path, 20)
      end,
      function() -- ids that are drawn only now, and by whom they are given once more
        local drawn = lines(last_drawn + 1, last_drawn + 3)
        for i = 1, 3 do known[last_drawn + i] = true end
        last_drawn = last_drawn + 3
        assert.equal(3, assert(any():ingest(drawn, { new_ids = true })).added)
        assert.equal(3, assert(any():ingest(drawn, {})).replaced)
      end,
    }
    local often = { 1, 1, 1, 1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9 }
    for _ = 1, 600 do
      local from = math.random(150)
      steps[often[math.random(#often)]](from, math.min(from + math.random(0, 12), 150))
    end
    for _, store in ipairs(handles) do store:close() end
    is_unique(path)
    local count = 0
    for _ in pairs(known) do count = count + 1 end
    assert.equal(count, stats(path).requests)
    seal(path)
    is_right(path)
    vm.remove(path)
  end)

  it("looks for one that was drawn only now among the rows that are not sealed", function()
    local path = make(30, 20)
    local store = open(path, 20)
    assert.equal(5, assert(store:ingest(lines(31, 35), { new_ids = true })).added)
    assert.equal(5, assert(store:ingest(lines(31, 35), { new_ids = true })).replaced)
    local given = assert(store:ingest(lines(1, 35), {}))
    assert.are.same({ 0, 35 }, { given.added, given.replaced })
    store:close()
    is_unique(path)
    vm.remove(path)
  end)

  it("is unique after the store was put back under open handles", function()
    local path, backup = make(30, 20), vm.path()
    local one, other = open(path, 20), open(path, 20)
    vm.shell(("sqlite3 %s '.backup %s'"):format(path, backup))
    assert(one:ingest(lines(31, 75), {}))
    assert(other:seal())
    add_again(other, 1, 75)
    vm.shell(("sqlite3 %s '.restore %s'"):format(path, backup))
    assert.equal(10, assert(other:ingest(lines(36, 45), {})).added)
    add_again(one, 36, 45)
    assert(one:seal())
    add_again(one, 1, 30)
    add_again(other, 36, 45)
    assert.equal(30, assert(one:ingest(lines(46, 75), {})).added)
    one:close()
    other:close()
    is_unique(path)
    assert.equal(70, stats(path).requests)
    vm.remove(path)
    vm.remove(backup)
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
