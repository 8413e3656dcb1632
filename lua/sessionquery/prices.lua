--- Prices of models: what a call cost, where its record does not say.
---
--- A price table has a price, or a list of dated ones, for each model's name:
---
---     { ["gpt-4o"] = { input_per_million = 2.5, output_per_million = 10, cache_read_per_million = 1.25 },
---       ["claude-sonnet-4"] = { { input_per_million = 3, output_per_million = 15, from = "2025-05-14",
---                                 above = { [200000] = { input_per_million = 6, output_per_million = 22.5 } } }, … } }
---
--- in US dollars for a million tokens, or LiteLLM's names (input_cost_per_token, …), in US dollars for one. A record's
--- prompt_tokens are all tokens of its prompt; those read from and written to the provider's cache are parts of them,
--- as the catalogue has it.
local check = require "sessionquery.check"
local core = require "sessionquery.core"

local prices = {}

---@class sessionquery.Prices
---@field unknown table<string, integer> by model's name: records that `fill` found no price for
---@field package _models table<string, table> lists of prices, the newest first
---@field package _found table<string, table|false> what was looked up already
local Prices = {}
Prices.__index = Prices

local MOST_NAMES = 1000 -- that are remembered: they come from whoever is recorded
local OTHERS = "(others)"

-- --------------------------------------------------------------------------------------------------- loading

local rates = { "input", "output", "cache_read", "cache_write" }

-- name of a rate → the rate, and what makes pico-dollars per token of it
local names = {}
for _, rate in ipairs(rates) do names[rate .. "_per_million"] = { rate, 1e6 } end
for name, rate in pairs {
  input_cost_per_token = "input",
  output_cost_per_token = "output",
  cache_read_input_token_cost = "cache_read",
  cache_creation_input_token_cost = "cache_write",
} do
  names[name] = { rate, 1e12 }
end

local known = { from = true, above = true }
for name in pairs(names) do known[name] = true end

--- Everything wrong in a table is raised as this, and told as the source wants it.
local function refuse(model, ...) error({ message = ("prices: %s: %s"):format(model, (...):format(select(2, ...))) }, 0) end

--- Pico-dollars per token: whole where the rate has no more digits, so that sums of them are exact. A double on all
--- VMs: integers would wrap.
local function to_pico(model, name, number, scale)
  if type(number) ~= "number" or not (number >= 0 and number < 1e6) then
    refuse(model, "%s is an amount of US dollars from 0, not %s", name, tostring(number))
  end
  local pico = number * scale
  local whole = math.floor(pico + 0.5) * 1.0
  return math.abs(pico - whole) <= whole * 1e-12 and whole or pico
end

local function is_given(value) return value ~= nil and value ~= core.null end

--- The rates of one table. Of LiteLLM's, names with this suffix are those of a tier.
local function read_rates(model, source, suffix)
  local found
  for name, rate in pairs(names) do
    local value = source[name .. (suffix or "")]
    if is_given(value) then
      found = found or {}
      if found[rate[1]] then refuse(model, "%s stands there twice, for a token and for a million", rate[1]) end
      found[rate[1]] = to_pico(model, name, value, rate[2])
    end
  end
  return found
end

--- A tier's rates, the others being those below it.
local function add_tier(tiers, above, found)
  tiers[#tiers + 1] = { above = above, rates = found }
end

local function read_tiers(model, source)
  local tiers = {}
  if is_given(source.above) then
    if type(source.above) ~= "table" then refuse(model, "above is a table from numbers of prompt tokens to rates") end
    for above, more in pairs(source.above) do
      local tokens = tonumber(above) -- JSON has text for keys
      if not tokens or tokens < 0 or type(more) ~= "table" then
        refuse(model, "above is a table from numbers of prompt tokens to rates")
      end
      for name in pairs(more) do
        if not names[name] then
          refuse(model, "above %s: unknown '%s'%s", tostring(above), tostring(name), check.hint(tostring(name), names))
        end
      end
      add_tier(tiers, tokens, read_rates(model, more) or {})
    end
  end
  local seen = {}
  for name in pairs(source) do
    local suffix, thousands = tostring(name):match "(_above_(%d+)k_tokens)$"
    if suffix and not seen[suffix] then
      seen[suffix] = true
      local found = read_rates(model, source, suffix)
      if found then add_tier(tiers, tonumber(thousands) * 1000, found) end
    end
  end
  table.sort(tiers, function(a, b) return a.above < b.above end)
  return tiers
end

--- One price. `strict`: a name that is not known is a mistake.
local function read_price(model, source, strict)
  if type(source) ~= "table" then refuse(model, "a price is a table, not %s", tostring(source)) end
  for name in pairs(source) do
    if strict and not known[name] and not tostring(name):find "_above_%d+k_tokens$" then
      refuse(model, "unknown '%s'%s", tostring(name), check.hint(tostring(name), known))
    end
  end
  local price = { from = -math.huge, tiers = read_tiers(model, source), rates = read_rates(model, source) or {} }
  if is_given(source.from) then
    price.from = core.seconds(source.from)
    if not price.from then refuse(model, "from is a time, not '%s'", tostring(source.from)) end
  end
  if strict and next(price.rates) == nil then refuse(model, "a price has input_per_million, output_per_million, or both") end
  local below = price.rates
  for _, tier in ipairs(price.tiers) do
    setmetatable(tier.rates, { __index = below })
    below = tier.rates
  end
  return price
end

local function read_prices(model, source, strict)
  if type(model) ~= "string" then refuse(tostring(model), "a model's name is text") end
  if type(source) ~= "table" or rawget(source, 1) == nil then return { read_price(model, source, strict) } end
  local list = {}
  for i = 1, #source do list[i] = read_price(model, source[i], strict) end
  table.sort(list, function(a, b) return a.from > b.from end)
  for i = 2, #list do
    if list[i].from == list[i - 1].from then refuse(model, "two prices are valid from the same time on") end
  end
  return list
end

local function read_table(source, strict)
  local models = {}
  for model, price in pairs(source) do
    if model ~= "sample_spec" then models[model] = read_prices(model, price, strict) end -- LiteLLM's explanation of its file
  end
  return setmetatable({ _models = models, _found = {}, _names = 0, unknown = {}, _unknown_names = 0 }, Prices)
end

--- The object of a table; nil and a message when something in it is wrong.
local function try(source, strict)
  local good, made = pcall(read_table, source, strict)
  if good then return made end
  if type(made) ~= "table" then error(made, 0) end
  return nil, made.message
end

local function read_file(path)
  local reader, message, detail = core.reader(path)
  if not reader then return nil, message, detail end
  local blocks = {}
  while true do
    local block, why, more = reader:read(4 * 1024 * 1024)
    if not block then
      reader:close()
      return nil, why, more
    end
    if block == "" then break end
    blocks[#blocks + 1] = block
  end
  reader:close()
  return table.concat(blocks)
end

local function load_lua(path)
  local chunk, message = loadfile(path)
  if not chunk then return nil, message, { code = "syntax" } end
  local ran, source = pcall(chunk)
  if not ran then return nil, tostring(source), { code = "value" } end
  if type(source) ~= "table" then return nil, path .. " returns no table", { code = "type" } end
  return source, true
end

local function load_json(path)
  local text, message, detail = read_file(path)
  if not text then return nil, message, detail end
  local source, why, place = core.decode(text, true) -- LiteLLM's file is written by many
  if source == nil then return nil, path .. ": " .. why, place end
  if type(source) ~= "table" or rawget(source, 1) ~= nil or getmetatable(source) ~= nil then -- of an empty array
    return nil, path .. ": prices are an object, by the models' names", { code = "type" }
  end
  return source, false
end

--- Prices of a table; or of a file: JSON, plain or gzip (LiteLLM's model_prices_and_context_window.json, or the table
--- above), or, when its name ends in ".lua", Lua that returns such a table. A mistake in a table raises.
--- `sq.open("llm.db", { prices = assert(prices.load "prices.json") })`.
---@param source table|string
---@return sessionquery.Prices?
---@return string? message
---@return table? detail
function prices.load(source)
  check.type(source, "id|table", "prices.load")
  if getmetatable(source) == Prices then return source end
  if type(source) == "table" then
    local made, message = try(source, true)
    if not made then error(message, 2) end
    return made
  end
  local read, strict, detail = (source:find "%.lua$" and load_lua or load_json)(source)
  if not read then return nil, strict, detail end
  local made, message = try(read, strict)
  if made then return made end
  return nil, source .. ": " .. message, { code = "value" }
end

-- --------------------------------------------------------------------------------------------------- looking up

--- Where a part of a model's name ends: gpt-4o is a prefix of gpt-4o-2024-08-06, gpt-4 is none of gpt-4o or gpt-4.1.
local PART_ENDS = "[-@:/]"

--- The name's longest prefix that has a price.
local function find_prefix(models, name)
  for at = #name, 2, -1 do
    if name:find("^" .. PART_ENDS, at) then
      local found = models[name:sub(1, at)] or models[name:sub(1, at - 1)]
      if found then return found end
    end
  end
end

--- A model as it may stand in a table: with its provider before it, as the record has it, and without what the
--- record has before its slashes.
local function spellings(provider, model)
  local list = {}
  if provider and provider ~= "" then list[1] = provider:lower() .. "/" .. model end
  list[#list + 1] = model
  for at in model:gmatch "()/" do list[#list + 1] = model:sub(at + 1) end
  return list
end

local function look_up(models, provider, model)
  local list = spellings(provider, model)
  for _, find in ipairs { rawget, find_prefix } do
    for _, name in ipairs(list) do
      local found = name ~= "" and find(models, name)
      if found then return found end
    end
  end
  return false
end

--- The prices of a model, the newest first; false when there are none.
local function find(self, provider, model)
  local key = (provider or "") .. "\0" .. model
  local found = self._found[key]
  if found ~= nil then return found end
  if self._names >= MOST_NAMES then self._found, self._names = {}, 0 end
  found = look_up(self._models, provider, model)
  self._found[key], self._names = found, self._names + 1
  return found
end

-- --------------------------------------------------------------------------------------------------- computing

local MOST_PICO = 1e18 -- a million dollars: the store takes no more, and no call has so many tokens
local priced = { llm = true, embedding = true } -- others are made of calls that have costs of their own
local NOT_CACHED = "00000000-0000-0000-0000-000000000000"

--- A record's value, nil for null.
local function value_of(record, name)
  local value = rawget(record, name)
  if value == core.null then return nil end
  return value
end

local function text_of(record, name)
  local value = value_of(record, name)
  return type(value) == "string" and value or nil
end

--- A count of tokens; what is none, the store will refuse.
local function tokens_of(record, name)
  local value = tonumber(value_of(record, name))
  return value and value >= 0 and value or nil
end

--- The price that is valid at the record's time.
local function valid_price(list, record)
  local time, seconds = value_of(record, "created_at"), nil
  for _, price in ipairs(list) do
    if price.from == -math.huge then return price end
    if not seconds then
      if time == nil then seconds = os.time() else seconds = core.seconds(time) or -math.huge end
    end
    if price.from <= seconds then return price end
  end
end

local function rates_for(price, prompt)
  local chosen = price.rates
  for _, tier in ipairs(price.tiers) do
    if prompt > tier.above then chosen = tier.rates end
  end
  return chosen
end

local function times(count, rate)
  if count == 0 then return 0 end
  return rate and count * rate
end

--- Pico-dollars; nil when a rate is missing for tokens that are there.
local function sum_of(chosen, prompt, completion, read, write)
  local input = chosen.input
  local plain = prompt - read - write
  if plain < 0 then plain = prompt end -- more than the whole: they were not counted among it
  local plain_cost, output_cost = times(plain, input), times(completion, chosen.output)
  local read_cost, write_cost = times(read, chosen.cache_read or input), times(write, chosen.cache_write or input)
  return plain_cost and read_cost and write_cost and output_cost and plain_cost + read_cost + write_cost + output_cost
end

--- Nano-dollars, half of one up, as money is stored.
local function to_nano(pico)
  local rest = pico % 1000
  return (pico - rest) / 1000 + (rest >= 500 and 1 or 0)
end

--- What a record's call cost in nano-dollars, whatever cost it brings; or nil, and why there is none: "kind" (not a
--- call of a model), "model" (no price for it at that time), "usage" (no tokens are known, or more than can be).
---@param record table
---@return number?
---@return string? why
function Prices:nano_usd(record)
  if not priced[value_of(record, "run_type") or "llm"] then return nil, "kind" end
  local cached = text_of(record, "cache_reference_id")
  if cached and cached ~= NOT_CACHED then return 0 end -- nobody was asked
  local list = find(self, text_of(record, "provider"), text_of(record, "model") or "")
  local price = list and valid_price(list, record)
  if not price then return nil, "model" end
  local prompt, completion = tokens_of(record, "prompt_tokens"), tokens_of(record, "completion_tokens")
  local read, write = tokens_of(record, "prompt_cache_read_tokens"), tokens_of(record, "prompt_cache_write_tokens")
  if not prompt and not completion then return nil, "usage" end
  prompt, completion, read, write = prompt or 0, completion or 0, read or 0, write or 0
  local pico = sum_of(rates_for(price, prompt), prompt, completion, read, write)
  if not pico then return nil, "model" end
  if pico > MOST_PICO then return nil, "usage" end
  return to_nano(pico)
end

--- Counts a record without a price; only so many names, since they come from whoever is recorded.
local function note_unknown(self, record)
  local name = text_of(record, "model") or ""
  if not self.unknown[name] then
    if self._unknown_names >= MOST_NAMES then name = OTHERS end
    self._unknown_names = self._unknown_names + 1
  end
  self.unknown[name] = (self.unknown[name] or 0) + 1
end

--- The cost in US dollars that a record should get: nil when it brings one, or none can be told; an unknown model is
--- counted. The record stays as it is.
---@param record table
---@return number?
function Prices:missing_cost(record)
  if value_of(record, "cost_usd") ~= nil then return nil end
  local nano, why = self:nano_usd(record)
  if why == "model" then note_unknown(self, record) end
  return nano and nano / 1e9
end

--- Sets a record's cost_usd, and its cost_source to "computed", where it brings no cost and its model has a price.
---@param record table
---@return number? cost in US dollars, when it was set
function Prices:fill(record)
  local cost = self:missing_cost(record)
  if cost then record.cost_usd, record.cost_source = cost, "computed" end
  return cost
end

return prices
