--- A backup was put back under open handles, and another process counted on until all numbers were what they had been:
--- rows that were gone were answered, and ids that were there were not found.
local index = require "spec.support.index"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local theirs = [[
  local store = assert(require("sessionquery.core").open(arg[1], { segment_rows = 20, manual_seal = true }))
  assert(store:ingest(io.open(arg[2]):read "*a", {}))
  if arg[3] == "seal" then assert(store:seal()) end
  print "done"]]

describe("a backup that was put back under open handles, and counted on", function()
  local path, backup, added, store

  before_each(function()
    path, backup, added = index.make(30, 20), vm.path "backup.db", vm.path "added.jsonl"
    store = index.open(path, 20)
    vm.shell(("sqlite3 %s '.backup %s'"):format(path, backup))
  end)

  after_each(function()
    store:close()
    for _, one in ipairs { path, backup, added } do vm.remove(one) end
  end)

  local function put_back_and_add(from, to, more, seal)
    assert.equal("", (vm.shell(("sqlite3 %s '.restore %s'"):format(path, backup))))
    vm.write(added, index.lines(from, to, more))
    assert.equal("done\n", (vm.run(theirs, ("%s %s %s"):format(path, added, seal or ""))))
  end

  for _, seal in ipairs { "unsealed", "seal" } do
    it("answers what is there: " .. seal, function()
      assert(store:ingest(index.lines(31, 60, ',"user_id":"old"'), {}))
      if seal == "seal" then assert(store:seal()) end
      local db = assert(sq.open(path))
      local query = db:requests():where("user_id = 'old'")
      assert.equal(30, query:count())
      put_back_and_add(131, 160, ',"user_id":"new"', seal)
      assert.equal(0, query:count())
      assert.equal(30, db:requests():where("user_id = 'new'"):count())
      assert.matches("^engine: columns", query:explain())
      db:close()
      index.is_right(path)
    end)

    it("finds ids: " .. seal, function()
      assert(store:ingest(index.lines(31, 60), {}))
      if seal == "seal" then assert(store:seal()) end
      assert.equal(30, assert(store:ingest(index.lines(31, 60), {})).replaced)
      put_back_and_add(131, 230, "", seal)
      assert.equal(100, assert(store:ingest(index.lines(131, 230), {})).replaced)
      assert.equal(30, assert(store:ingest(index.lines(31, 60), {})).added)
      assert.equal(30, assert(store:ingest(index.lines(1, 30), {})).replaced)
      store:seal()
      index.is_right(path)
    end)
  end
end)
