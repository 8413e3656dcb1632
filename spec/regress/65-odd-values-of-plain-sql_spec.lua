--- One value of another type, written by plain SQL, stopped every query of engine "auto", and nobody was told where.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local refused = {
  ["latency_ms = 2.5"] = "integer in latency_ms", ["cost_nano_usd = 0.5"] = "money in cost_usd", ["created_at_us = 1.5"] = "time in created_at",
  ["streamed = 'yes'"] = "boolean in streamed", ["model = x'00ff'"] = "text in model", ["session_id = x'ff'"] = "text in session_id",
}
local kept = { "properties = '{oops'", "tags = 'nope'", "scores = 5" }

local function make(set)
  local path = vm.path()
  local db = assert(sq.open(path))
  for i = 1, 20 do assert(db:add { request_id = "r" .. i, session_id = "s" .. i % 3, created_at = i, latency_ms = i, scores = { q = 1 } }) end
  assert(db:seal())
  assert.equal("", (vm.shell(("sqlite3 %s \"UPDATE request SET %s WHERE seq = 3\""):format(path, set))))
  return db, path
end

it("are SQL's to answer about, and the row is named", function()
  for set, what in pairs(refused) do
    local db, path = make(set)
    local why = "the request with seq 3 has no " .. what
    assert.is_true(#assert(db:sessions():all()) >= 3)
    assert.equal(20, assert(db:requests():count()))
    assert.equal(("engine: sql, by SQLite (%s)"):format(why), assert(db:sessions():explain()):match "[^\n]*")
    for _, method in ipairs { "check", "reindex" } do
      local done, message, detail = db[method](db)
      assert.is_nil(done)
      assert.equal(why, message)
      assert.equal("store", detail.code)
    end
    vm.shell(("sqlite3 %s 'DELETE FROM request WHERE seq = 3'"):format(path))
    assert.matches("^engine: columns", assert(db:sessions():explain()))
    db:close()
    vm.remove(path)
  end
end)

it("without a place in a map or a list are none of its", function()
  for _, set in ipairs(kept) do
    local db, path = make(set)
    assert.matches("^engine: columns", assert(db:sessions():explain()))
    assert.equal(20, assert(db:check()))
    db:close()
    vm.remove(path)
  end
end)

it("in feedback count as text", function()
  local db, path = make "model = 'm'"
  assert(db:feedback { request_id = "r1", key = "stars", score = 5 })
  vm.shell(("sqlite3 %s \"INSERT INTO feedback(organization_id, project, request_id, key, score, created_at_us)"
    .. " VALUES ('', 'default', 'r2', 'k', 'oops{', 1)\""):format(path))
  for _, engine in ipairs { "auto", "sql", "columns" } do
    local other = assert(sq.open(path, { engine = engine }))
    assert.equal(1, assert(other:requests():where(assert(sq.filter("where", "scores.k = 'oops{'"))):count()))
    other:close()
  end
  assert.equal(20, assert(db:check()))
  db:close()
  vm.remove(path)
end)
