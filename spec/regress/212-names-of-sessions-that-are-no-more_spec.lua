--- A segment that was sealed again kept the names of all sessions that it ever had: when its project was renamed, say,
--- they became too many for it, no seal succeeded any more, and each try left what it wrote in the file.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

describe("a project that is renamed, whose requests are", function()
  local ROWS = 65536

  local function rename(db, name)
    assert(db:update_project(assert(db:projects {})[1].id, { name = name }))
    assert(db:seal())
    local stats = assert(db:stats())
    assert.equal(0, stats.dead)
    assert.equal(stats.requests, stats.sealed)
    assert.is_nil(stats.last_error)
    assert.equal(stats.requests, assert(db:check()))
    return stats
  end

  local function make(segments)
    local path, list = vm.path(), {}
    local db = assert(sq.open(path))
    for segment = 1, segments do
      for i = 1, ROWS do list[i] = { request_id = ("%d-%d"):format(segment, i), session_id = "s" .. i, created_at = segment * ROWS + i, project = "first" } end
      assert(db:add(list))
    end
    assert.equal(segments, assert(db:stats()).segments)
    return db, path
  end

  it("each of a session of its own", function()
    local db, path = make(1)
    local stats
    for _, name in ipairs { "second", "third", "fourth" } do stats = rename(db, name) end
    assert.equal(1, stats.segments)
    assert.equal(ROWS, db:sessions():count())
    assert.equal(ROWS, assert(db:sessions():where("project = 'fourth'"):count()))
    db:close()
    vm.remove(path)
  end)

  it("of sessions that go on in another segment", function()
    local db, path = make(2)
    for _, name in ipairs { "second", "third" } do rename(db, name) end
    assert.equal(ROWS, db:sessions():count())
    assert.equal(2, assert(db:session("s1")):requests():count())
    db:close()
    vm.remove(path)
  end)
end)
