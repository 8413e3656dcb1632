--- Numbers as Prometheus reads them.
local metrics = {}

---@class sessionquery.http.Sample
---@field name string
---@field help? string of the metric; the first one counts
---@field type? "counter"|"gauge"|"histogram"|"summary"|"untyped"
---@field value number
---@field labels? table<string, string|number|boolean>

local function escape(text, quotes)
  text = tostring(text):gsub("\\", "\\\\"):gsub("\n", "\\n")
  if quotes then text = text:gsub('"', '\\"') end
  return text
end

local function number(value)
  if value ~= value then return "NaN" end
  if value == math.huge then return "+Inf" end
  if value == -math.huge then return "-Inf" end
  if value == math.floor(value) and math.abs(value) < 2 ^ 53 then return ("%d"):format(value) end
  return (("%.17g"):format(value))
end

local function labels_of(sample)
  local names, parts = {}, {}
  for name in pairs(sample.labels or {}) do
    if not tostring(name):find "^[%a_][%w_]*$" then error(("metrics: '%s' is no name of a label"):format(tostring(name)), 4) end
    names[#names + 1] = name
  end
  if #names == 0 then return "" end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = ('%s="%s"'):format(name, escape(sample.labels[name], true)) end
  return "{" .. table.concat(parts, ",") .. "}"
end

--- What a sample belongs to: those of a histogram or summary have names of their own behind its name.
local function family_of(sample)
  local kind = sample.type
  if kind == "histogram" or kind == "summary" then
    for _, ending in ipairs { "_bucket", "_sum", "_count" } do
      if sample.name:sub(-#ending) == ending then return sample.name:sub(1, -#ending - 1) end
    end
  end
  return sample.name
end

--- The text of a list of samples: those of one metric stand together, in the order in which each came first.
---@param samples sessionquery.http.Sample[]
---@return string
function metrics.text(samples)
  local order, families = {}, {}
  for _, sample in ipairs(samples) do
    if type(sample.name) ~= "string" or not sample.name:find "^[%a_:][%w_:]*$" then
      error(("metrics: '%s' is no name of a metric"):format(tostring(sample.name)), 2)
    end
    if type(sample.value) ~= "number" then error(("metrics: %s has no number"):format(sample.name), 2) end
    local name = family_of(sample)
    local family = families[name]
    if not family then
      family = { name = name, help = sample.help, type = sample.type }
      families[name] = family
      order[#order + 1] = family
    end
    family[#family + 1] = sample.name .. labels_of(sample) .. " " .. number(sample.value)
  end
  local lines = {}
  for _, family in ipairs(order) do
    if family.help then lines[#lines + 1] = ("# HELP %s %s"):format(family.name, escape(family.help)) end
    if family.type then lines[#lines + 1] = ("# TYPE %s %s"):format(family.name, family.type) end
    for _, line in ipairs(family) do lines[#lines + 1] = line end
  end
  lines[#lines + 1] = ""
  return table.concat(lines, "\n")
end

return metrics
