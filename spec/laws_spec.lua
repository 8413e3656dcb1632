--- The laws of truth, on random filters over a random store: AGREE_SEED says which.
local random = require "spec.support.random"
local sq = require "sessionquery"

local SEED = tonumber(os.getenv "AGREE_SEED") or 20261120

describe("the laws of truth", function()
  local rng = random.new(SEED + 3)
  local db, world = random.world(rng, 80)
  local ids = {}
  for _, row in ipairs(assert(db:requests():order_by("request_id"):all())) do ids[#ids + 1] = row.request_id end

  local function found(filter)
    local set = {}
    for row in db:requests():where(filter):each() do set[row.request_id .. "/" .. row.organization_id .. "/" .. row.project] = true end
    return set
  end

  it("a request filter and its negation part the requests", function()
    for _ = 1, 300 do
      local filter, source = random.filter(random.request_tree(rng, 3))
      local yes, no = found(filter), found(sq.negate(filter))
      local count = 0
      for id in pairs(yes) do
        assert(not no[id], "in both: " .. source)
        count = count + 1
      end
      for _ in pairs(no) do count = count + 1 end
      assert(count == #world.rows, ("%d of %d: %s"):format(count, #world.rows, source))
    end
  end)

  it("a session filter and its negation part the sessions", function()
    local all = assert(db:sessions():count())
    for _ = 1, 200 do
      local filter, source = random.filter(random.session_tree(rng, 3, true))
      local yes, no = assert(db:sessions():where(filter):count()), assert(db:sessions():where(sq.negate(filter)):count())
      assert(yes + no == all, ("%d and %d of %d: %s"):format(yes, no, all, source))
    end
  end)

  --- Brackets of one kind, double NOTs and constants at random places.
  local function rebracket(tree)
    local kind = tree[1]
    if rng.chance(10) then return { "not", { "not", rebracket(tree) } } end
    if rng.chance(10) then return { "and", { "true" }, rebracket(tree) } end
    if rng.chance(10) then return { "or", rebracket(tree), { "false" } } end
    if kind == "not" or kind == "some" or kind == "every" then return { kind, rebracket(tree[2]) } end
    if kind ~= "and" and kind ~= "or" then return tree end
    local parts = {}
    for i = 2, #tree do parts[#parts + 1] = rebracket(tree[i]) end
    while #parts > 1 and rng.chance(60) do
      local at = rng.int(1, #parts - 1)
      parts[at] = { kind, parts[at], parts[at + 1] }
      table.remove(parts, at + 1)
    end
    return { kind, (unpack or table.unpack)(parts) }
  end

  it("brackets of one kind, double NOTs and constants change nothing", function()
    for _ = 1, 400 do
      local tree = random.mixed_tree(rng, 3, true)
      local again = rebracket(tree)
      local a, b = random.to_filter(tree):dump(), random.to_filter(again):dump()
      assert(a == b, random.to_where(again) .. "\n" .. a .. "\n" .. b)
    end
  end)

  it("all{} is true and any{} is false", function()
    assert.equal(#ids, assert(db:requests():where(sq.all {}):count()))
    assert.equal(0, assert(db:requests():where(sq.any {}):count()))
  end)
end)
