--- Feedback one by one: listed, changed, taken away, and by the ids that clients give it.
local core = require "sessionquery.core"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local T = 1700000000

describe("feedback rows", function()
  local db
  before_each(function()
    db = assert(sq.open ":memory:")
    assert(db:add {
      { request_id = "a", created_at = T, organization_id = "o", project = "p" },
      { request_id = "b", created_at = T, organization_id = "o", project = "q" },
      { request_id = "a", created_at = T, organization_id = "other", project = "p", session_id = "s" },
    })
    local function give(target, said) assert(db._core:feedback(target, (assert(core.encode(said))))) end
    give({ request_id = "a", organization = "o" }, { key = "k1", score = 1, uuid = "u1", source = "api", created_at = T + 1, extra = { x = 1 } })
    give({ request_id = "b" }, { key = "k2", value = { list = core.decode "[]" }, uuid = "u2", source = "model", comment = "so", created_at = T + 2 })
    give({ request_id = "a", organization = "other" }, { key = "k1", score = true, uuid = "u1", created_at = T + 3 })
    give({ session_id = "s" }, { key = "of a session", created_at = T + 4 })
    give({ organization = "o", project = "p" }, { key = "of a project", score = 0.5, created_at = T + 5 })
  end)
  after_each(function() db:close() end)

  local function keys(wanted, open)
    local list = {}
    for i, row in ipairs(assert(core.decode(assert((open or db._core):list_feedback(wanted))))) do list[i] = row.organization_id .. " " .. row.key end
    return list
  end

  local lists = {
    { "all of them, newest first, but for those on sessions", {}, { "o of a project", "other k1", "o k2", "o k1" } },
    { "an organization's", { organization = "other" }, { "other k1" } },
    { "those of requests", { requests = '["a","none"]' }, { "other k1", "o k1" } },
    { "those of no request in the list", { requests = "[]" }, {} },
    { "those of projects", { projects = '[["o","p"]]' }, { "o of a project", "o k1" } },
    { "those of no project in the list", { projects = "[]" }, {} },
    { "by key", { keys = '["k2","k3"]' }, { "o k2" } },
    { "by source", { sources = '["api","model"]' }, { "o k2", "o k1" } },
    { "by UUID", { uuid = "u1" }, { "other k1", "o k1" } },
    { "by UUID and organization", { uuid = "u1", organization = "o" }, { "o k1" } },
    { "by row", { row = 2 }, { "o k2" } },
    { "on requests", { on_request = true }, { "other k1", "o k2", "o k1" } },
    { "on projects", { on_request = false }, { "o of a project" } },
    { "with a score", { has_score = true }, { "o of a project", "other k1", "o k1" } },
    { "without a score", { has_score = false }, { "o k2" } },
    { "with a comment", { has_comment = true }, { "o k2" } },
    { "without a comment", { has_comment = false }, { "o of a project", "other k1", "o k1" } },
    { "from a time", { from_us = (T + 3) * 1e6 }, { "o of a project", "other k1" } },
    { "up to a time", { to_us = (T + 3) * 1e6 }, { "o k2", "o k1" } },
    { "a page", { limit = 2, offset = 1 }, { "other k1", "o k2" } },
  }
  for _, case in ipairs(lists) do
    it("list " .. case[1], function() assert.same(case[3], keys(case[2])) end)
  end

  it("show all that was said", function()
    local text = assert(db._core:list_feedback { row = 2 })
    assert.equal('[{"row":2,"uuid":"u2","organization_id":"o","project":"q","project_id":"' .. core.project_id("o", "q")
      .. '","request_id":"b","key":"k2","score":null,"value":{"list":[]},"comment":"so","source":"model",'
      .. '"created_at":"2023-11-14T22:13:22Z","extra":null}]', text)
  end)

  it("are summed up by request", function()
    assert.equal('[["o","p","a",{"k1":{"n":1,"avg":1,"values":{}}}],["other","p","a",{"k1":{"n":1,"avg":1,"values":{}}}]]',
      db._core:request_feedback '["a"]')
    assert.equal("[]", db._core:request_feedback "[]")
  end)

  it("are changed in place, and their requests' scores with them", function()
    local function score() return db:requests():where "request_id = 'a' and organization_id = 'o'":first().scores.k1 end
    assert.equal(1, score())
    assert(db._core:change_feedback(1, '{"key":"k1","score":7,"extra":{"y":2}}'))
    local row = core.decode(db._core:list_feedback { row = 1 })[1]
    assert.same({ "u1", 7, sq.null, "2023-11-14T22:13:21Z", 2 }, { row.uuid, row.score, row.source, row.created_at, row.extra.y })
    assert.equal(7, score())
    local done, message, detail = db._core:change_feedback(99, '{"key":"k1"}')
    assert.same({ nil, "there is no such feedback", "not_found" }, { done, message, detail.code })
    assert.equal("missing", (select(3, db._core:change_feedback(1, "{}"))).code)
  end)

  it("are taken away, and what they scored with them", function()
    assert(db._core:remove_feedback(1))
    assert.same({}, db:requests():where "request_id = 'a' and organization_id = 'o'":first().scores)
    assert.equal("not_found", (select(3, db._core:remove_feedback(1))).code)
  end)

  it("stay within a handle's scope", function()
    local path = vm.path "feedback_rows.db"
    assert(db:backup(path))
    local one = assert(sq.open(path, { organization = "other" }))
    assert.same({ "other k1" }, keys({}, one._core))
    assert.same({ "other k1" }, keys({ uuid = "u1" }, one._core))
    assert.equal("forbidden", (select(3, one._core:list_feedback { organization = "o" })).code)
    assert.equal("not_found", (select(3, one._core:change_feedback(1, '{"key":"x"}'))).code)
    assert.equal("not_found", (select(3, one._core:remove_feedback(1))).code)
    assert.equal('[["other","p","a",{"k1":{"n":1,"avg":1,"values":{}}}]]', one._core:request_feedback '["a","b"]')
    one:close()
    one = assert(sq.open(path, { organization = "o", project = "q" }))
    assert.same({ "o k2" }, keys({}, one._core))
    one:close()
    vm.remove(path)
  end)

  it("travel with their requests, and come once however often", function()
    local path = vm.path "feedback_rows.jsonl"
    assert(db:export(path))
    assert(db._core:change_feedback(2, '{"key":"k2","value":"changed since"}'))
    local other = assert(sq.open ":memory:")
    for _ = 1, 2 do
      assert(db:import(path))
      assert(other:import(path))
    end
    for _, store in ipairs { db, other } do
      local row = core.decode(store._core:list_feedback { uuid = "u2" })
      assert.equal(1, #row)
      assert.same({ "b", "so", "model" }, { row[1].request_id, row[1].comment, row[1].source })
      assert.same({ x = 1 }, core.decode(store._core:list_feedback { uuid = "u1", organization = "o" })[1].extra)
    end
    other:close()
    vm.remove(path)
  end)
end)
