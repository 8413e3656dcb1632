--- Feedback took what records refuse: NaN hid the recorded score, broken text hid the good feedback of its
--- request, and a time in milliseconds was the newest for ever.
local sq = require "sessionquery"

local function store()
  local db = assert(sq.open ":memory:")
  assert(db:add { request_id = "r", session_id = "s", created_at = 1, scores = { q = 0.5 } })
  return db
end

it("broken text is repaired", function()
  local db = store()
  assert(db:feedback { request_id = "r", key = "k\255", score = "x\0y", value = "v\0w", comment = "c\255" })
  assert(db:feedback { request_id = "r", key = "good", score = 3 })
  local row = assert(db:requests():first())
  assert.same({ q = 0.5, good = 3, ["k\239\191\189"] = "x\239\191\189y" }, row.scores)
  assert.equal(1, assert(db:requests():where("scores.good = 3"):count()))
  local stats = assert(db:sessions():first()).feedback_stats
  assert.same({ ["x\239\191\189y"] = 1, ["v\239\191\189w"] = 1 }, stats["k\239\191\189"].values)
  assert.equal(3, stats.good.avg)
  db:close()
end)

it("numbers and times are checked, and nothing is changed", function()
  local db = store()
  for message, feedback in pairs {
    ["NaN and infinities"] = { score = 0 / 0 },
    ["NaN and infinities are"] = { score = 1 / 0 },
    ["score is a number beyond"] = { score = 2 ^ 60 },
    ["milliseconds given as seconds"] = { score = 1, created_at = 1775802351873 },
    ["outside of 1970 to 2200"] = { score = 1, created_at = -5 },
    ["is not a time"] = { score = 1, created_at = "soon" },
    ["feedback has a key"] = { key = "" },
  } do
    feedback.request_id, feedback.key = "r", feedback.key or "q"
    local id, why, detail = db:feedback(feedback)
    assert.is_nil(id)
    assert(why:find(message, 1, true), why)
    assert(detail.code == "value" or detail.code == "missing", detail.code)
  end
  assert.same({ q = 0.5 }, assert(db:requests():first()).scores)
  assert.equal(0, assert(db:stats()).feedback)
  db:close()
end)

it("null is nothing", function()
  local db = store()
  assert(db:feedback { request_id = "r", key = "q", score = 1, value = sq.null, comment = sq.null, source = sq.null,
    created_at = sq.null, session_id = sq.null })
  assert.same({ q = 1 }, assert(db:requests():first()).scores)
  db:close()
end)
