--- Budgets in nginx: `budget{…}` in access_by_lua, after `capture.request`. The counts stand in the shared
--- dictionary; the arithmetic is sessionquery.budget's.
local answer = require "resty.sessionquery.answer"
local budgets = require "sessionquery.budget"
local complain = require "resty.sessionquery.complain"
local counters = require "resty.sessionquery.counters"
local pack = require "sessionquery.http.pack"
local settings = require "resty.sessionquery.settings"
local states = require "resty.sessionquery.state"
local threads = require "resty.sessionquery.threads"

local glue = {}

local PAUSE, PATIENCE = 0.01, 1 -- seconds: between looks at a count that is being read, and until we give up
local RETRY = 5 -- seconds a client is told to wait where the counts cannot be had

local ORGANIZATION, PROJECT = "", "default" -- where a record that names none is stored

local made = {} -- by their packed options: a configuration calls budget with the same ones for each request

local function of_options(options)
  local name = pack.write(options)
  if made[name] then return made[name] end
  settings.path_or_raise "budget"
  local dict_name, own = options.dict, {}
  for key, value in pairs(options) do own[key] = value end
  own.dict = nil
  local dict = dict_name and ngx.shared[dict_name] or not dict_name and (settings.budgets or settings.dict)
  if not dict then error("budget: there is no lua_shared_dict for its counts: name one in setup{ dict = } or here", 3) end
  made[name] = budgets.new(own, dict)
  return made[name]
end

--- Reads what was spent before the counts began. False when that cannot be had; nil when no thread is free for it.
local function seed(budget, ticket, call, subject)
  local ok, cost, requests = threads.run("spent", settings.path, pack.write {
    by = budget.by, subject = subject, from = ticket.starts,
    organization = call.organization or ORGANIZATION, project = call.project or PROJECT,
  }, settings.timeout_ms)
  if ok and cost then return budget:seed(ticket, cost, requests) end
  budget:unseed(ticket)
  if ok == nil then return nil end
  complain("what a budget spent before cannot be read", ok and requests or cost)
  return false
end

--- Sees to it that the counts hold what was spent before.
local function prepare(budget, ticket, call, subject)
  local waited = 0
  while true do
    local state = budget:state(ticket)
    if state == "seeded" then return true end
    local seeded
    if state == "seed" then seeded = seed(budget, ticket, call, subject) end
    if seeded ~= nil then return seeded end
    if waited >= PATIENCE then return false end
    ngx.sleep(PAUSE)
    waited = waited + PAUSE
  end
end

--- Whether a budget has let the call in already: nginx redirects a request whose upstream failed, and it comes by again.
local function has_let_in(budget, call)
  for _, entry in ipairs(call.tickets) do
    if entry.budget == budget then return true end
  end
  return false
end

--- Takes the call out of the budgets that let it in before one refused it.
local function cancel(call)
  for _, entry in ipairs(call.tickets) do entry.budget:cancel(entry.ticket) end
  call.tickets = {}
end

local function unknown(budget, call, why)
  counters.add "budget_unknown"
  if budget.fail == "open" then return end
  cancel(call)
  call.refused = true
  return answer.refuse(503, "budget_unknown", why, nil, RETRY)
end

local function told(totals)
  local whole = { cost_usd = totals.max_cost_usd, requests = totals.max_requests }
  local parts = {}
  if whole.cost_usd then parts[1] = ("%.4f of %.4f USD"):format(totals.cost_usd, whole.cost_usd) end
  if whole.requests then parts[#parts + 1] = ("%d of %d requests"):format(totals.requests, whole.requests) end
  return ("the budget of this %s is used up: %s in %d s"):format(totals.by, table.concat(parts, ", "), totals.window_s)
end

local function refuse(call, totals)
  cancel(call)
  call.refused = true
  counters.add "refused_budget"
  return answer.refuse(429, "budget_exceeded", told(totals), { budget = totals }, totals.retry_after)
end

local function subject_of(budget, call)
  if budget.by == "session" then return call.session_id or "" end
  if budget.by == "user" then return call.user_id or "" end
  return call.key_id or ""
end

--- Lets the call in, or ends it with 429. Several budgets are several calls of it.
---@param options table of sessionquery.budget, and dict, the name of a lua_shared_dict
function glue.check(options)
  local budget = of_options(options)
  local call = states.get()
  if not call then error("budget: call capture.request() before it", 2) end
  if call.unrecorded then return end -- a list of models, a preflight: nothing is spent
  if has_let_in(budget, call) then return end
  local subject = subject_of(budget, call)
  if subject == "" and budget.without == "pass" then return end
  if subject == "" and budget.without == "refuse" then
    cancel(call)
    call.refused = true
    return answer.refuse(400, "budget_subject", ("this call names no %s, which its budget wants"):format(budget.by))
  end
  local organization, project = call.organization or ORGANIZATION, call.project or PROJECT
  local ticket = budget:ticket(("%d:%s%d:%s%s"):format(#organization, organization, #project, project, subject), ngx.now())
  if not prepare(budget, ticket, call, subject) then
    unknown(budget, call, "what was spent cannot be read")
    if call.refused then return end
  end
  local admitted, totals = budget:admit(ticket)
  if admitted then
    call.tickets[#call.tickets + 1] = { budget = budget, ticket = ticket }
  elseif admitted == nil then
    unknown(budget, call, "the counts cannot be kept: " .. tostring(totals))
  else
    refuse(call, totals)
  end
end

--- In the log phase: the call's cost goes into its budgets. Where it is not known (the client left, the answer told no
--- usage, the model has no price) the provider may well charge for it: what was reserved stays spent, but for an error.
---@param call table
---@param cost_usd? number
function glue.settle(call, cost_usd)
  if not call.aborted and (ngx.status >= 400 or call.unanswered) then cost_usd = cost_usd or 0 end
  for _, entry in ipairs(call.tickets) do
    entry.budget:settle(entry.ticket, cost_usd)
    if entry.budget.evictions > 0 then
      counters.add("budget_evictions", entry.budget.evictions)
      entry.budget.evictions = 0
    end
  end
end

return glue
