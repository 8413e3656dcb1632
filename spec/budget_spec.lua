--- Budgets: counts in a shared dictionary, here a table with the same methods.
local budgets = require "sessionquery.budget"

--- As ngx.shared.DICT, with a clock of our own. `full`: every call fails; `crowded`: every new count pushes another out.
local function dictionary()
  local dict = { values = {}, now = 0 }
  local function live(key)
    local entry = dict.values[key]
    if entry and entry.ends and entry.ends <= dict.now then dict.values[key] = nil end
    return dict.values[key]
  end
  local function put(key, value, ttl) dict.values[key] = { value = value, ends = ttl and ttl > 0 and dict.now + ttl or nil } end
  function dict.get(_, key) return live(key) and live(key).value end
  function dict.set(_, key, value, ttl)
    put(key, value, ttl)
    return true
  end
  function dict:add(key, value, ttl)
    if live(key) then return false, "exists", false end
    put(key, value, ttl)
    return true, nil, self.crowded
  end
  function dict:delete(key) self.values[key] = nil end
  function dict:incr(key, more, init, ttl)
    if self.full then return nil, "no memory" end
    local entry = live(key)
    if entry then
      entry.value = entry.value + more
      return entry.value, nil, false
    end
    put(key, init + more, ttl)
    return init + more, nil, self.crowded
  end
  return dict
end

local function new(options)
  local dict = dictionary()
  options.by = options.by or "session"
  return budgets.new(options, dict), dict
end

describe("a budget", function()
  it("of dollars is used up when it is reached, and what is in flight ends", function()
    local budget = new { max_cost_usd = 1 }
    local ticket = budget:ticket("s1", 1000)
    assert.is_true(budget:admit(ticket))
    assert.is_true(budget:admit(ticket)) -- nothing has been spent yet
    budget:settle(ticket, 0.6)
    assert.is_true(budget:admit(ticket))
    budget:settle(ticket, 0.6)
    local admitted, totals = budget:admit(ticket)
    assert.is_false(admitted)
    assert.near(1.2, totals.cost_usd, 1e-9)
    assert.are.equal(3, totals.requests)
    assert.are.equal(86400 - 1000, totals.retry_after)
    budget:settle(ticket, 0.6)
    assert.near(1.8, select(2, budget:admit(ticket)).cost_usd, 1e-9)
  end)

  it("of requests is never passed, and a refused one does not count", function()
    local budget = new { max_requests = 2 }
    local ticket = budget:ticket("s1", 0)
    assert.is_true(budget:admit(ticket))
    assert.is_true(budget:admit(ticket))
    for _ = 1, 5 do
      local admitted, totals = budget:admit(ticket)
      assert.is_false(admitted)
      assert.are.equal(2, totals.requests)
    end
    budget:cancel(ticket)
    assert.is_true(budget:admit(ticket))
  end)

  it("of 0 refuses everything", function()
    assert.is_false((new { max_cost_usd = 0 }):admit((new { max_cost_usd = 0 }):ticket("s", 0)))
    assert.is_false((new { max_requests = 0 }):admit((new { max_requests = 0 }):ticket("s", 0)))
  end)

  it("holds back what is reserved, so that calls in flight do not pass it", function()
    local budget = new { max_cost_usd = 1, reserve_usd = 0.3 }
    local ticket = budget:ticket("s1", 0)
    for _ = 1, 3 do assert.is_true(budget:admit(ticket)) end
    local admitted, totals = budget:admit(ticket)
    assert.is_false(admitted)
    assert.near(0.9, totals.cost_usd, 1e-9)
    budget:settle(ticket, 0.1)
    assert.is_true(budget:admit(ticket)) -- 0.1 + 3 * 0.3 = 1.0
    assert.is_false(budget:admit(ticket))
    budget:settle(ticket, nil) -- unknown: what was reserved is the best that is known
    assert.is_false(budget:admit(ticket))
    budget:settle(ticket, 0)
    assert.is_true(budget:admit(ticket))
  end)

  it("is of one subject, and of one window, which begins at a multiple of it", function()
    local budget = new { max_requests = 1, window = "hour" }
    local first = budget:ticket("s1", 7200.5)
    assert.are.equal(7200, first.starts)
    assert.are.equal(10800, first.ends)
    assert.is_true(budget:admit(first))
    assert.is_false(budget:admit(budget:ticket("s1", 10799)))
    assert.is_true(budget:admit(budget:ticket("s2", 10799)))
    assert.is_true(budget:admit(budget:ticket("s1", 10800)))
  end)

  it("counts a call in the window in which it was let in, also when it ends later", function()
    local budget, dict = new { max_cost_usd = 1, window = 60 }
    local ticket = budget:ticket("s1", 59)
    budget:admit(ticket)
    dict.now = 59 + 30 -- the dictionary's clock begins at 0
    budget:settle(ticket, 2)
    assert.is_true(budget:admit(budget:ticket("s1", 89)))
    assert.are.equal(2e9, dict:get(ticket.cost))
  end)

  it("is seeded once, by one, with what was spent before", function()
    local budget, dict = new { max_cost_usd = 1, max_requests = 10 }
    local ticket = budget:ticket("s1", 0)
    assert.are.equal("seed", budget:state(ticket))
    assert.are.equal("wait", budget:state(ticket))
    budget:unseed(ticket)
    assert.are.equal("seed", budget:state(ticket))
    dict.now = 6 -- who was at it is gone
    assert.are.equal("seed", budget:state(ticket))
    assert.is_true(budget:seed(ticket, 0.75, 4))
    assert.are.equal("seeded", budget:state(ticket))
    assert.is_true(budget:admit(ticket))
    budget:settle(ticket, 0.25)
    local admitted, totals = budget:admit(ticket)
    assert.is_false(admitted)
    assert.are.equal(5, totals.requests)
    assert.near(1, totals.cost_usd, 1e-9)
  end)

  it("counts nothing twice when it is seeded again, nor less than the store holds", function()
    local budget, dict = new { max_cost_usd = 10, max_requests = 10, fail = "open" }
    local ticket = budget:ticket("s1", 0)
    for _ = 1, 3 do -- while the store could not be read
      budget:admit(ticket)
      budget:settle(ticket, 1)
    end
    budget:seed(ticket, 4, 5) -- two from before, and these three
    assert.are.same({ 4e9, 5 }, { dict:get(ticket.cost), dict:get(ticket.requests) })
    budget:admit(ticket)
    budget:settle(ticket, 1)
    dict:delete(ticket.seed) -- pushed out, as what was used longest ago
    assert.are.equal("seed", budget:state(ticket))
    budget:seed(ticket, 4, 5) -- the last call is not stored yet
    assert.are.same({ 5e9, 6 }, { dict:get(ticket.cost), dict:get(ticket.requests) })
    dict:delete(ticket.seed)
    dict:delete(ticket.cost)
    budget:settle(ticket, nil)
    budget:seed(ticket, 5, 6)
    assert.are.same({ 5e9, 6 }, { dict:get(ticket.cost), dict:get(ticket.requests) })
  end)

  it("says so when the counts cannot be kept, and counts evictions", function()
    local budget, dict = new { max_cost_usd = 1 }
    local ticket = budget:ticket("s1", 0)
    dict.full = true
    local admitted, why = budget:admit(ticket)
    assert.is_nil(admitted)
    assert.are.equal("no memory", why)
    dict.full, dict.crowded = false, true
    budget:admit(ticket)
    assert.are.equal(2, budget.evictions)
  end)

  it("adds nano-dollars exactly", function()
    local budget, dict = new { max_cost_usd = 1 }
    local ticket = budget:ticket("s1", 0)
    for _ = 1, 1000 do budget:settle(ticket, 0.000000001) end
    assert.are.equal(1000, dict:get(ticket.cost))
  end)

  local wrong = {
    { { by = "session" }, "max_cost_usd, max_requests, or both" },
    { { by = "team", max_requests = 1 }, "by is session, user or key, not 'team'" },
    { { by = "user", max_requests = 1.5 }, "max_requests: expected a whole number" },
    { { by = "user", max_cost_usd = -1 }, "max_cost_usd: expected dollars from 0" },
    { { by = "user", max_cost_usd = 1, window = "month" }, "window: expected hour, day, week" },
    { { by = "user", max_cost_usd = 1, window = 0 }, "window: expected hour, day, week" },
    { { by = "user", max_cost_usd = 1, fail = "half" }, "fail is open or closed, not 'half'" },
    { { by = "user", max_cost_usd = 1, reserve_usd = 1.01 }, "budget: reserve_usd is more than max_cost_usd" },
    { { by = "user", max_cost_usd = 1, max_cost = 1 }, "unknown option 'max_cost', did you mean 'max_cost_usd'" },
  }
  for _, case in ipairs(wrong) do
    it("refuses " .. case[2], function()
      local ok, message = pcall(budgets.new, case[1], dictionary())
      assert.is_false(ok)
      assert.truthy(message:find(case[2], 1, true), message)
    end)
  end
end)
