--- Feedback, tags, deletion, retention.
local core = require "sessionquery.core"
local sq = require "sessionquery"
local vm = require "spec.support.vm"
local f = sq.field

local function store(records)
  local db = assert(sq.open ":memory:")
  assert(db:add(records))
  return db
end

describe("feedback", function()
  it("with a score is the request's score; the newest counts", function()
    local db = store { { request_id = "r", session_id = "s", created_at = 1, scores = { q = 1, other = 2 } } }
    local function q() return assert(db:requests():first()).scores.q end
    assert.equal(1, q())
    assert(db:feedback { request_id = "r", key = "q", score = 5, created_at = 100 })
    assert.equal(5, q())
    assert(db:feedback { request_id = "r", key = "q", score = 3, created_at = 50 })
    assert.equal(5, q())
    assert(db:feedback { request_id = "r", key = "q", score = "good", created_at = 100 })
    assert.equal("good", q())
    assert(db:feedback { request_id = "r", key = "q", comment = "no score", created_at = 200 })
    assert.equal("good", q())
    assert(db:feedback { request_id = "r", key = "q", score = true })
    assert.equal(true, q())
    assert.equal(2, assert(db:requests():first()).scores.other)
    assert.equal(1, assert(db:requests():where(f.scores.q:eq(true)):count()))
    assert.equal(0, assert(db:requests():where(f.scores.q:eq(1)):count()))
    db:close()
  end)

  it("is summed up per key, of the rows and of the session itself", function()
    local db = store { { request_id = "1", session_id = "s", created_at = 1 },
      { request_id = "2", session_id = "s", created_at = 2, model = "x" } }
    assert(db:feedback { request_id = "1", key = "q", score = 1, value = "good" })
    assert(db:feedback { request_id = "2", key = "q", score = 0.5, value = "good" })
    assert(db:feedback { request_id = "2", key = "q", value = "bad" })
    assert(db:feedback { request_id = "2", key = "thumb", score = true })
    assert(db:feedback { session_id = "s", key = "q", score = 9, value = { a = 1 } })
    local row = assert(db:sessions():first())
    assert.same({ q = { n = 3, avg = 0.75, values = { good = 2, bad = 1 } }, thumb = { n = 1, avg = 1, values = {} } }, row.feedback_stats)
    assert.same({ q = { n = 1, avg = 9, values = { ['{"a":1}'] = 1 } } }, row.own_feedback_stats)
    row = assert(db:sessions():where(f.model:eq "x"):first())
    assert.equal(2, row.feedback_stats.q.n)
    assert.same({ good = 1, bad = 1 }, row.feedback_stats.q.values)
    assert.equal(1, assert(db:sessions():where "session.feedback_stats is present":count()))
    assert.equal(1, assert(db:group_by "model":where "session.feedback_stats is present and session.id is absent":count()))
    db:close()
  end)

  it("on a whole project is apart from that on its requests and sessions", function()
    local db = store { { request_id = "1", session_id = "s", created_at = 1, organization_id = "o", project = "p" },
      { request_id = "1", session_id = "s", created_at = 1, organization_id = "other", project = "p" } }
    local function read(target, of_requests)
      local said = {}
      for _, row in ipairs(assert(core.decode(assert(db._core:project_feedback(target or {}, of_requests))))) do said[row[1] .. "/" .. row[2]] = row[3] end
      return said
    end
    assert.same({}, read())
    assert(db:feedback { organization = "o", project = "p", key = "grade", score = 1, value = "good" })
    assert(db:feedback { organization = "o", project = "p", key = "grade", score = 0 })
    assert(db:feedback { organization = "other", project = "p", key = "x", score = true })
    assert(db:feedback { request_id = "1", organization = "o", key = "of the request", score = 7 })
    assert(db:feedback { session_id = "s", organization = "o", key = "of the session", score = 7 })
    local grade, x = { grade = { n = 2, avg = 0.5, values = { good = 1 } } }, { x = { n = 1, avg = 1, values = {} } }
    assert.same({ ["o/p"] = grade, ["other/p"] = x }, read())
    assert.same({ ["o/p"] = grade }, read { organization = "o" })
    assert.same({}, read { organization = "o", project = "q" })
    assert.same({ ["o/p"] = { ["of the request"] = { n = 1, avg = 7, values = {} } } }, read({}, true))
    local row = assert(db:sessions():where "organization_id = 'o'":first())
    assert.same({ "of the request", "of the session" }, { next(row.feedback_stats), (next(row.own_feedback_stats)) })
    local id, message, detail = db:feedback { project = "p", key = "x" }
    assert.same({ nil, "a project is named with its organization", "missing" }, { id, message, detail.code })
    db:close()
  end)

  it("on a whole project stays within the handle's scope", function()
    local path = vm.path "project_feedback.db"
    local db = assert(sq.open(path))
    assert(db:feedback { organization = "o", project = "p", key = "a" })
    assert(db:feedback { organization = "other", project = "p", key = "b" })
    db:close()
    db = assert(sq.open(path, { organization = "o" }))
    assert.equal('[["o","p",{"a":{"n":1,"avg":null,"values":{}}}]]', db._core:project_feedback {})
    assert.equal("forbidden", (select(3, db._core:project_feedback { organization = "other" })).code)
    assert.equal("forbidden", (select(3, db:feedback { organization = "other", project = "p", key = "a" })).code)
    assert(db:feedback { project = "p", key = "a" })
    db:close()
    vm.remove(path)
  end)

  it("gives its row's number, and says what is wrong", function()
    local db = store { { request_id = "r", session_id = "s", created_at = 1 } }
    assert.equal(1, assert(db:feedback { request_id = "r", key = "a" }))
    assert.equal(2, assert(db:feedback { session_id = "s", key = "a" }))
    for _, case in ipairs {
      { { request_id = "none", key = "a" }, "not_found" }, { { session_id = "none", key = "a" }, "not_found" },
      { { key = "a" }, "missing" }, { { request_id = "r", session_id = "s", key = "a" }, "missing" }, { { request_id = "r" }, "missing" },
      { { request_id = "r", key = "" }, "missing" }, { { request_id = "r", key = "a", created_at = "soon" }, "value" },
      { { request_id = "r", key = "a", value = { print } }, "value" },
    } do
      local id, message, detail = db:feedback(case[1])
      assert.is_nil(id)
      assert.equal(case[2], detail.code, message)
    end
    assert.has_error(function() db:feedback(5) end, "feedback: expected table, got number")
    assert.has_error(function() db:feedback { request_id = "r", key = "a", scroe = 1 } end,
      "feedback: unknown option 'scroe', did you mean 'score'?")
    assert.has_error(function() db:feedback { request_id = "r", key = "a", score = {} } end)
    assert.equal(2, assert(db:stats()).feedback)
    db:close()
  end)

  it("stays when its request is replaced, and goes when it is deleted", function()
    local db = store { { request_id = "r", session_id = "s", created_at = 1 } }
    assert(db:feedback { request_id = "r", key = "q", score = 1 })
    assert(db:add { request_id = "r", created_at = 2 })
    assert.equal(1, assert(db:requests():first()).scores.q)
    assert.equal(1, assert(db:delete { request = "r" }).feedback)
    assert(db:add { request_id = "r", created_at = 3 })
    assert.same({}, assert(db:requests():first()).scores)
    db:close()
  end)
end)

describe("tags", function()
  it("accumulate on a session, each once, sorted", function()
    local db = store { { request_id = "1", session_id = "s", created_at = 1, tags = { "b", "a" } },
      { request_id = "2", session_id = "s", created_at = 2, tags = { "a" } } }
    assert(db:tag("s", "z"))
    assert(db:tag("s", "gold"))
    assert(db:tag("s", "gold"))
    local row = assert(db:sessions():first())
    assert.same({ "gold", "z" }, row.tags)
    assert.same({ "a", "b" }, row.request_tags)
    assert.same({ "gold", "z" }, assert(db:sessions():where(f.request_id:eq "2"):first()).tags)
    local good, message, detail = db:tag("s", "")
    assert.is_nil(good)
    assert.equal("value", detail.code, message)
    good, message, detail = db:tag("none", "x")
    assert.is_nil(good)
    assert.equal("not_found", detail.code, message)
    assert.has_error(function() db:tag "s" end)
    assert.has_error(function() db:tag(5, "x") end)
    db:close()
  end)

  it("stay unseen while a session has no rows", function()
    local db = store { { request_id = "1", session_id = "s", created_at = 1 } }
    assert(db:tag("s", "x"))
    assert(db:session("s"):set { a = 1 })
    assert(db:update { request_id = "1", session_id = "t" })
    assert.same({}, assert(db:sessions():first()).tags)
    assert(db:add { request_id = "2", session_id = "s", created_at = 2 })
    local row = assert(db:session "s"):get()
    assert.same({ "x" }, row.tags)
    assert.same({ a = 1 }, row.metadata)
    db:close()
  end)
end)

describe("delete", function()
  local function full()
    local db = store {
      { request_id = "1", session_id = "a", created_at = 10, user_id = "u", request_body = "x" },
      { request_id = "2", session_id = "a", created_at = 20, user_id = "v", response_body = "x" },
      { request_id = "3", session_id = "b", created_at = 30, user_id = "u" },
      { request_id = "4", created_at = 40, project = "p", request_body = "x" },
    }
    for _, id in ipairs { "1", "2", "3", "4" } do assert(db:feedback { request_id = id, key = "k", score = 1 }) end
    assert(db:feedback { session_id = "a", key = "k", score = 1 })
    assert(db:tag("a", "t"))
    assert(db:session("a"):set { x = 1 })
    return db
  end

  local function counts(deleted) return { deleted.requests, deleted.bodies, deleted.feedback, deleted.tags, deleted.metadata } end

  it("takes what is named, with all that belongs to it, and counts", function()
    for _, case in ipairs {
      { { request = "1" }, { 1, 1, 1, 0, 0 } }, { { session = "a" }, { 2, 2, 3, 1, 1 } }, { { user = "u" }, { 2, 1, 2, 0, 0 } },
      { { project = "p" }, { 1, 1, 1, 0, 0 } }, { { before = 30 }, { 2, 2, 2, 0, 0 } },
        { { before = "1970-01-01T00:00:30Z" }, { 2, 2, 2, 0, 0 } },
      { { session = "a", bodies_only = true }, { 0, 2, 0, 0, 0 } }, { { before = 1e9, bodies_only = true }, { 0, 3, 0, 0, 0 } },
      { { user = "u", before = 20 }, { 1, 1, 1, 0, 0 } }, { { session = "a", user = "u" }, { 1, 1, 1, 0, 0 } },
        { { request = "none" }, { 0, 0, 0, 0, 0 } },
      { { project = "default" }, { 3, 2, 4, 1, 1 } }, { { before = 0 }, { 0, 0, 0, 0, 0 } },
    } do
      local db = full()
      local before = assert(db:requests():count())
      assert.same(case[2], counts(assert(db:delete(case[1]))))
      assert.equal(before - case[2][1], assert(db:requests():count()))
      assert.equal(5 - case[2][3], assert(db:stats()).feedback)
      db:close()
    end
  end)

  it("refuses to guess", function()
    local db = full()
    local deleted, message, detail = db:delete {}
    assert.is_nil(deleted)
    assert.equal("missing", detail.code, message)
    deleted, message, detail = db:delete { bodies_only = true }
    assert.is_nil(deleted)
    assert.equal("missing", detail.code, message)
    deleted, message, detail = db:delete { before = "soon" }
    assert.is_nil(deleted)
    assert.equal("value", detail.code, message)
    assert.has_error(function() db:delete() end)
    assert.has_error(function() db:delete { sesion = "a" } end, "delete: unknown option 'sesion', did you mean 'session'?")
    assert.has_error(function() db:delete { request = 5 } end)
    assert.equal(4, assert(db:requests():count()))
    db:close()
  end)
end)

describe("retain", function()
  it("deletes what is older than its days", function()
    local now = os.time()
    local db = store { { request_id = "1", created_at = now - 10 * 86400, request_body = "x" },
      { request_id = "2", created_at = now - 5 * 86400, request_body = "x" },
      { request_id = "3", created_at = now, request_body = "x" } }
    local deleted = assert(db:retain { days = 7, bodies_days = 3 })
    assert.equal(1, deleted.requests)
    assert.equal(2, deleted.bodies)
    assert.equal(1, assert(db:stats()).bodies)
    assert.equal(0, assert(db:retain { days = 7 }).requests)
    assert.has_error(function() db:retain {} end, "retain: days, bodies_days, or both")
    assert.has_error(function() db:retain { days = -1 } end)
    assert.has_error(function() db:retain { days = "7" } end)
    assert.has_error(function() db:retain(7) end)
    db:close()
  end)
end)
