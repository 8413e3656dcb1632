--- Budgets: how much a session, a user or a key may spend in a window of time. The counts stand in a dictionary
--- that all workers share (nginx's ngx.shared.DICT, or anything with its add, get, set and incr): requests, and
--- nano-dollars, which are whole numbers. Nothing here waits and nothing knows a clock: `now` is given.
---
--- A call is admitted before it is sent (`admit`), and settled when its cost is known (`settle`), in the window
--- in which it was admitted. Between the two its cost is unknown, so a budget is passed at most by the calls
--- that are in flight; `reserve_usd` holds back that much for each of them.
local check = require "sessionquery.check"

local budget = {}

---@class sessionquery.Budget
local Budget = {}
Budget.__index = Budget

local NANO = 1e9
local MOST_USD = 2 ^ 53 / NANO -- nano-dollars are exact up to there
local LATE = 3600 -- seconds that counts outlive their window, for calls that end after it
local SEEDING = 5 -- seconds after which somebody else may read from the store what was spent before

local names = { hour = 3600, day = 86400, week = 604800 }

local known = {
  by = "string", max_cost_usd = "number", max_requests = "number", window = "number|string", reserve_usd = "number",
  fail = "string", without = "string",
}

local function amount(value, what)
  if value == nil then return nil end
  if not (value >= 0 and value <= MOST_USD) then
    error(("budget: %s: expected dollars from 0 to %.0f, got %s"):format(what, MOST_USD, tostring(value)), 4)
  end
  return math.floor(value * NANO + 0.5)
end

local function window_of(value)
  local seconds = names[value] or value
  if type(seconds) ~= "number" or not (seconds >= 1 and seconds <= 366 * 86400 and seconds == math.floor(seconds)) then
    error(("budget: window: expected hour, day, week, or whole seconds, got '%s'"):format(tostring(value)), 4)
  end
  return seconds
end

local function make(options)
  check.options(options, known, "budget", 2)
  if not options.max_cost_usd and not options.max_requests then error("budget: max_cost_usd, max_requests, or both", 4) end
  if options.max_requests then check.whole(options.max_requests, 0, nil, "budget: max_requests", 2) end
  if options.max_cost_usd and options.max_cost_usd > 0 and (options.reserve_usd or 0) > options.max_cost_usd then
    error("budget: reserve_usd is more than max_cost_usd: no call would ever be let in", 4)
  end
  return {
    by = check.choice(options.by, { "session", "user", "key" }, "budget: by", 1),
    fail = check.choice(options.fail or "open", { "open", "closed" }, "budget: fail", 1),
    without = check.choice(options.without or "pass", { "pass", "share", "refuse" }, "budget: without", 1),
    window = window_of(options.window or "day"),
    most_cost = amount(options.max_cost_usd, "max_cost_usd"),
    most_requests = options.max_requests,
    reserve = amount(options.reserve_usd, "reserve_usd") or 0,
    evictions = 0,
  }
end

---@class sessionquery.BudgetOptions
---@field by "session"|"user"|"key" whose budget it is
---@field max_cost_usd? number in a window
---@field max_requests? integer in a window
---@field window? "hour"|"day"|"week"|integer its seconds, "day" unless told; windows begin at multiples of it since 1970 (UTC)
---@field reserve_usd? number held back for each call in flight, 0 unless told
---@field fail? "open"|"closed" where counts cannot be had: calls pass ("open"), or are refused
---@field without? "pass"|"share"|"refuse" calls that name no session, user or key: they pass, share one budget, or are refused

--- A budget, with its counts in `dict`: `budget.new({ by = "session", max_cost_usd = 5, window = "day" }, ngx.shared.budgets)`.
---@param options sessionquery.BudgetOptions
---@param dict table with add, get, set and incr, as ngx.shared.DICT has them
---@return sessionquery.Budget
function budget.new(options, dict)
  local self = make(options)
  self.dict = dict
  return setmetatable(self, Budget)
end

-- ----------------------------------------------------------------------------------------------------- counts

--- A call's place in the counts: the subject in the window that `now` is in.
---@class sessionquery.BudgetTicket
---@field cost string the key of its nano-dollars
---@field requests string the key of its requests
---@field seed string the key that tells that what was spent before is in the counts
---@field starts number when the window began: seconds
---@field ends number when it ends

--- The ticket of a call, for all methods below.
---@param subject string who spends, with its tenant
---@param now number seconds
---@return sessionquery.BudgetTicket
function Budget:ticket(subject, now)
  local starts = now - now % self.window
  local name = ("%s:%d:%d:%s:"):format(self.by, self.window, starts, subject)
  return { cost = name .. "c", requests = name .. "r", seed = name .. "s", starts = starts, ends = starts + self.window, now = now }
end

--- Adds to a count. Nil where the dictionary has no place; an eviction of others is counted.
function Budget:count(ticket, key, more)
  local sum, why, forced = self.dict:incr(key, more, 0, ticket.ends - ticket.now + LATE)
  if forced then self.evictions = self.evictions + 1 end
  return sum, why
end

--- Whether what was spent in this window before the counts began is in them: "seeded"; "wait": somebody is at it;
--- "seed": the caller is to read it and to call `seed`.
---@return "seeded"|"wait"|"seed"
function Budget:state(ticket)
  local state = self.dict:get(ticket.seed)
  if state == "seeded" then return state end
  if state then return "wait" end
  local mine, _, forced = self.dict:add(ticket.seed, "seeding", SEEDING)
  if forced then self.evictions = self.evictions + 1 end
  return mine and "seed" or "wait"
end

--- Brings a count up to what the store holds. One that stands may have that in it: of calls that passed while the store
--- could not be read, or of all, where the dictionary was full and only the seed's mark was pushed out.
local function raise(self, ticket, key, stored)
  return self:count(ticket, key, math.max(0, stored - (self.dict:get(key) or 0)))
end

--- Brings what was spent before into the counts.
---@param ticket sessionquery.BudgetTicket
---@param cost_usd number
---@param requests integer
function Budget:seed(ticket, cost_usd, requests)
  local cost = raise(self, ticket, ticket.cost, math.floor(cost_usd * NANO + 0.5))
  local count = raise(self, ticket, ticket.requests, requests)
  if not cost or not count then return false end
  return self.dict:set(ticket.seed, "seeded", ticket.ends - ticket.now + LATE) and true or false
end

--- Gives up seeding: the next caller tries.
function Budget:unseed(ticket) self.dict:delete(ticket.seed) end

-- -------------------------------------------------------------------------------------------------- decisions

local function over(self, ticket, cost, requests)
  return {
    by = self.by,
    cost_usd = cost / NANO,
    requests = requests,
    max_cost_usd = self.most_cost and self.most_cost / NANO,
    max_requests = self.most_requests,
    window_s = self.window,
    retry_after = math.max(1, math.ceil(ticket.ends - ticket.now)),
  }
end

--- Counts a call in, or refuses it: true; or false and the totals; or nil, and why the counts cannot be had.
---@param ticket sessionquery.BudgetTicket
---@return boolean?
---@return table|string|nil totals, or the message
function Budget:admit(ticket)
  local requests, why = self:count(ticket, ticket.requests, 1)
  if not requests then return nil, why end
  local cost
  cost, why = self:count(ticket, ticket.cost, self.reserve)
  if not cost then
    self:count(ticket, ticket.requests, -1)
    return nil, why
  end
  local too_many = self.most_requests and requests > self.most_requests
  -- a reservation that would pass the budget is not made; without one, the budget is used up when it is reached
  local too_dear = self.most_cost and (cost > self.most_cost or cost - self.reserve >= self.most_cost)
  if not too_many and not too_dear then return true end
  self:cancel(ticket)
  return false, over(self, ticket, cost - self.reserve, requests - 1)
end

--- Takes an admitted call out again: it was not sent.
---@param ticket sessionquery.BudgetTicket
function Budget:cancel(ticket)
  self:count(ticket, ticket.requests, -1)
  if self.reserve > 0 then self:count(ticket, ticket.cost, -self.reserve) end
end

--- Brings an admitted call's cost into the counts, in place of what was reserved for it.
---@param ticket sessionquery.BudgetTicket
---@param cost_usd? number nil: unknown, and what was reserved stays, as the best that is known
---@return boolean counted
function Budget:settle(ticket, cost_usd)
  local nano = cost_usd and (cost_usd > 0 and math.floor(cost_usd * NANO + 0.5) or 0) or self.reserve
  if nano == self.reserve then return true end
  return self:count(ticket, ticket.cost, nano - self.reserve) ~= nil
end

return budget
