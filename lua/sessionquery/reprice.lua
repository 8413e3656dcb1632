--- Prices and a store's requests: costs that are computed anew, and those of updated requests.
local check = require "sessionquery.check"
local core = require "sessionquery.core"
local fields = require "sessionquery.field"
local filters = require "sessionquery.filter"
local pricing = require "sessionquery.prices"

local BATCH = 1000 -- requests that are read at once, and changed in one transaction

local f = fields.all
local reprice = {}

local function is_given(value) return value ~= nil and value ~= core.null end

local function nano_of(cost) return cost and math.floor(cost * 1e9 + 0.5) end

--- Prices of an option's value, if there is one; nil, message, detail when their file is wrong. A wrong table raises at
--- the method's caller, `more` levels above where it is called from the method itself.
function reprice.prices(value, what, more)
  if value == nil then return nil end
  local good, loaded, message, detail = pcall(pricing.load, value)
  if not good then error(("%s: %s"):format(what, loaded), 3 + (more or 0)) end
  return loaded, message, detail
end

--- Whether a stored cost may be computed anew.
local function is_ours(row) return row.cost_usd == nil or row.cost_source == "computed" end

-- ------------------------------------------------------------------------------------------------- a period

--- One page's costs: the updates it needs, counted in `sum`.
local function compute(prices, page, sum)
  local updates = {}
  for _, row in ipairs(page) do
    local nano, why = prices:nano_usd(row)
    local before = nano_of(row.cost_usd)
    if why == "model" then
      sum.unknown = sum.unknown + 1
      local model = row.model or ""
      sum.models[model] = (sum.models[model] or 0) + 1
    elseif nano and nano ~= before then
      sum.changed, sum.nano = sum.changed + 1, sum.nano + nano - (before or 0)
      updates[#updates + 1] = {
        request_id = row.request_id,
        organization_id = row.organization_id,
        project = row.project,
        cost_usd = nano / 1e9,
        cost_source = "computed",
      }
    end
  end
  return updates
end

local function write(db, updates)
  if #updates == 0 then return true end
  local lines = {}
  for i, update in ipairs(updates) do lines[i] = assert(core.encode(update)) end
  return db._core:ingest(table.concat(lines, "\n"), { mode = "merge" })
end

--- Computes the costs of a query's requests.
local function run(db, prices, query)
  local sum = { changed = 0, unknown = 0, models = {}, nano = 0 }
  local function told()
    sum.difference_usd, sum.nano = sum.nano / 1e9, nil
    return sum
  end
  query = query:where(filters.any { f.cost_source:eq "computed", f.cost_usd:absent() }):limit(BATCH)
  repeat
    local page, message, detail = query:page()
    if page then
      local changed, nano = sum.changed, sum.nano
      local done, why, more = write(db, compute(prices, page, sum))
      if not done then
        page, message, detail = nil, why, more
        sum.changed, sum.nano = changed, nano -- the batch was undone
      end
    end
    if not page then
      detail.sum = told()
      return nil, message, detail
    end
    query = page.next and query:after(page.next)
  until not query
  db._core:settle()
  return told()
end

local known = { prices = "table|id", from = "number|string", to = "number|string", organization = "id", project = "id" }

--- See Store:reprice. Mistakes raise at the method's caller.
function reprice.run(db, options)
  options = check.options(options, known, "reprice", 1)
  local prices, message, detail = reprice.prices(options.prices, "reprice", 1)
  if message then return nil, message, detail end
  prices = prices or rawget(db, "_prices")
  if not prices then error("reprice: prices are needed, here or where the store was opened", 3) end
  for _, name in ipairs { "from", "to" } do
    local time = options[name]
    if time ~= nil and not core.seconds(time) then error(("reprice: %s: '%s' is not a time"):format(name, tostring(time)), 3) end
  end
  local query = db:requests():window(options.from, options.to)
  if options.organization then query = query:where(f.organization_id:eq(options.organization)) end
  if options.project then query = query:where(f.project:eq(options.project)) end
  return run(db, prices, query)
end

-- --------------------------------------------------------------------------------- what is added or updated

-- What a cost comes of.
local causes = {
  "model", "provider", "created_at", "run_type", "cache_reference_id", "prompt_tokens", "completion_tokens",
  "prompt_cache_read_tokens", "prompt_cache_write_tokens",
}

local function changes_cost(record)
  for _, name in ipairs(causes) do
    if rawget(record, name) ~= nil then return true end
  end
  return false
end

--- The stored request that a record updates; nil when there is none, or the store cannot tell. `anywhere`: a record that
--- names no project is of any.
local function find_row(db, record, anywhere)
  local query = db:requests():where(f.request_id:eq(rawget(record, "request_id")))
  for _, row in ipairs(query:all() or {}) do
    local organization, project = rawget(record, "organization_id"), rawget(record, "project")
    if (row.organization_id == nil or row.organization_id == (organization or "")) -- nil: it is the handle's
      and (row.project == nil or row.project == (project or "default") or (anywhere and not is_given(project))) then return row end
  end
end

--- A copy of a record, with a computed cost, or none.
local function with_cost(record, cost)
  local copy = {}
  for name, value in next, record do copy[name] = value end
  copy.cost_usd, copy.cost_source = cost or core.null, cost and "computed" or core.null
  return copy
end

--- The merge of an update into a row, and the update with the cost that comes of it.
local function merge(prices, row, record)
  for _, name in ipairs(causes) do
    local value = rawget(record, name)
    if value ~= nil then row[name] = is_given(value) and value or nil end
  end
  local nano = prices:nano_usd(row)
  if nano == nano_of(row.cost_usd) then return record end
  row.cost_usd, row.cost_source = nano and nano / 1e9, nano and "computed"
  return with_cost(record, row.cost_usd)
end

--- Updates with the costs that come of them, where those stored are not recorded ones. A cost that was computed
--- goes when none can be computed any more. `records` and its tables stay as they are.
local function of_updates(db, prices, records, anywhere)
  local list, rows = {}, {} -- rows: as the updates before leave them; false: their cost is a recorded one
  for i = 1, #records do
    local record = records[i]
    list[i] = record
    if type(record) == "table" and type(rawget(record, "request_id")) == "string" then
      local owner = { tostring(rawget(record, "organization_id")), tostring(rawget(record, "project")) }
      local key = table.concat({ record.request_id, owner[1], owner[2] }, "\0")
      if rawget(record, "cost_usd") ~= nil then
        rows[key] = false
      elseif changes_cost(record) then
        if rows[key] == nil then
          local row = find_row(db, record, anywhere)
          rows[key] = row and is_ours(row) and row or false
        end
        if rows[key] then list[i] = merge(prices, rows[key], record) end
      end
    end
  end
  return list
end

--- Computes the costs of requests that were just merged. They are recorded: what goes wrong here, db:reprice mends.
function reprice.requests(db, ids)
  local prices = rawget(db, "_prices")
  if prices and #ids > 0 then run(db, prices, db:requests():where(f.request_id:among(ids))) end
end

--- Records with the costs that the handle's prices make; mode "none": none.
function reprice.records(db, records, mode)
  local prices = rawget(db, "_prices")
  if not prices or mode == "none" then return records end
  if mode == "merge" or mode == "hold" then return of_updates(db, prices, records, mode == "hold") end
  local list = {}
  for i = 1, #records do
    local cost = type(records[i]) == "table" and prices:missing_cost(records[i])
    list[i] = cost and with_cost(records[i], cost) or records[i]
  end
  return list
end

return reprice
