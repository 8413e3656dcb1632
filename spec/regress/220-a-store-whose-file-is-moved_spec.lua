--- SQLite goes on writing into a file that was moved or deleted while it was open: calls were told as stored that nobody
--- would find again.
local job = require "sessionquery.http.job"
local core = require "sessionquery.core"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local WAIT = 1000 -- ms

local function line(id) return core.encode { request_id = id, session_id = "s", created_at = 1700000000 } end

--- Takes the store's files away, as an operator does with mv or rm.
local ways = {
  moved = function(path) vm.shell(("for f in %s*; do mv $f $(dirname $f)/old-$(basename $f); done"):format(path)) end,
  deleted = function(path) vm.shell(("rm %s*"):format(path)) end,
  replaced = function(path, other) vm.shell(("rm %s*; mv %s %s"):format(path, other, path)) end,
}

local function other_store()
  local path = vm.path "other.db"
  local db = assert(sq.open(path))
  assert(db:add { request_id = "theirs", created_at = 1 })
  db:close()
  return path
end

describe("a store whose file is", function()
  for way, take_away in pairs(ways) do
    it(way .. " takes nothing more, until it is opened again", function()
      local path = vm.path "moved.db"
      local db = assert(sq.open(path))
      assert(db:add { request_id = "r1", created_at = 1 })
      take_away(path, other_store())
      local ok, message, detail = db:add { request_id = "r2", created_at = 1 }
      assert.is_nil(ok)
      assert.are.same({ "the store's file was moved or deleted while it was open: open it again", "closed" }, { message, detail.code })
      assert.are.equal(1, db:requests():count())
      db:close()
      db = assert(sq.open(path))
      assert(db:add { request_id = "r2", created_at = 1 })
      assert.are.equal(way == "replaced" and 2 or 1, db:requests():count())
      db:close()
      vm.remove(path)
    end)

    it(way .. " is opened again by a server's jobs and application", function()
      local path = vm.path "moved.db"
      local app = require("sessionquery.http").app { path = path }
      local function count()
        local status, _, body = app:handle { method = "POST", path = "/v1/session/count", remote = "127.0.0.1",
          headers = { ["content-type"] = "application/json" }, body = core.encode {
          search = "", timeFilter = { startTimeUnixMs = 0, endTimeUnixMs = 4e12 }, timezoneDifference = 0, filter = "all" } }
        assert.are.equal(200, status, body)
        return core.decode(body).data
      end
      assert.are.equal(1, (job.record(path, line "r1", true, WAIT)))
      local before = count()
      take_away(path, other_store())
      assert.are.equal(1, (job.record(path, line "r2", true, WAIT)))
      local db = assert(sq.open(path))
      assert.are.equal(way == "replaced" and 2 or 1, db:requests():count())
      assert(db:add { request_id = "r3", session_id = "another", created_at = 1700000000 })
      db:close()
      assert.are_not.same(before, count())
      app:close()
      vm.remove(path)
    end)
  end
end)
