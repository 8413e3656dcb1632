--- A column index that is not there, damaged, another's or too far behind: SQL answers, says why, and what mends it.
local index = require "spec.support.index"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local records, engine, damage = index.records, index.engine, index.damage

describe("without an index that answers, the engine is SQL", function()
  local path, other, expected, db

  before_each(function()
    path, other = vm.path(), vm.path "other.db"
    db = assert(sq.open(path))
    assert(db:add(records(30)))
    assert(db:seal())
    expected = assert(db:sessions():json())
    db:close()
  end)

  after_each(function()
    vm.remove(path)
    vm.remove(other)
  end)

  --- SQL says why and gives the same, columns alone refuse; what puts it right again does.
  local function check(why, state, code)
    db = assert(sq.open(path))
    assert.equal(why, engine(db:sessions()))
    assert.equal(state, assert(db:stats()).index_state)
    assert.equal(expected, assert(db:sessions():json()))
    local columns = assert(sq.open(path, { engine = "columns" }))
    local rows, message, detail = columns:sessions():all()
    assert.is_nil(rows)
    assert.equal(code or "value", detail.code, message)
    assert(message:find(state, 1, true), message)
    columns:close()
    rows, message, detail = db:check()
    assert.is_nil(rows)
    assert.equal("store", detail.code)
    assert(message:find(state, 1, true), message)
  end

  local function mended(how)
    assert(db[how](db))
    assert.equal("columns", engine(db:sessions()))
    assert.equal(expected, assert(db:sessions():json()))
    assert.equal(30, assert(db:check()))
    assert.is_nil(assert(db:stats()).index_state)
    db:close()
  end

  for _, how in ipairs { "seal", "reindex" } do
    it("when its file was deleted, until " .. how, function()
      assert(os.remove(path .. "-columns"))
      check("its file is not there", "its file is not there")
      mended(how)
    end)

    it("when its file is cut, until " .. how, function()
      damage(path .. "-columns", function(text) return text:sub(1, 5000) end)
      check("the column index is damaged: reindex", "the column index is damaged: its file is shorter than it was", "store")
      mended(how)
    end)
  end

  it("when its file is nonsense", function()
    damage(path .. "-columns", function() return "" end)
    check("its file is none of ours", "its file is none of ours")
    mended "reindex"
    damage(path .. "-columns", function(text) return text:sub(1, 30) .. string.char((text:byte(31) + 1) % 256) .. text:sub(32) end)
    check("its file's header is damaged", "its file's header is damaged")
    mended "reindex"
    damage(path .. "-columns", function(text) return text:sub(1, 8) .. "\99" .. text:sub(10) end)
    check("its file is of another version", "its file is of another version")
    mended "reindex"
  end)

  it("when its file is another store's, or an older one", function()
    local stranger = assert(sq.open(other))
    assert(stranger:add(records(30)))
    assert(stranger:seal())
    stranger:close()
    damage(path .. "-columns", function() return vm.read(other .. "-columns") end)
    check("its file is another store's", "its file is another store's")
    local before
    damage(path .. "-columns", function(text) before = text return text end)
    mended "reindex"
    local own = vm.read(path .. "-columns")
    assert(own ~= before)
    db = assert(sq.open(path))
    assert(db:reindex())
    db:close()
    damage(path .. "-columns", function() return own end)
    check("its file is an older or newer one", "its file is an older or newer one")
    mended "reindex"
  end)

  it("when a backup was restored: it has no file beside it, and needs none", function()
    db = assert(sq.open(path))
    assert(db:backup(other))
    db:close()
    path, other = other, path
    check("its file is not there", "its file is not there")
    mended "seal"
  end)

  it("when too many rows wait to be sealed", function()
    -- numbers that were given and are gone count too: what another's transaction took, and undid
    db = assert(sq.open(path))
    db:close()
    vm.shell("sqlite3 " .. path .. " \"UPDATE sqlite_sequence SET seq = seq + 262145 WHERE name = 'request'\"")
    check("too many rows are not sealed yet", "too many rows are not sealed yet")
    mended "seal"
    vm.shell("sqlite3 " .. path .. " \"UPDATE sqlite_sequence SET seq = seq + 262144 WHERE name = 'request'\"")
    db = assert(sq.open(path))
    assert.equal("columns", engine(db:sessions()))
    db:close()
  end)
end)
