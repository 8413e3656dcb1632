--- Lines of a file or of an iterator into a store.
local check = require "sessionquery.check"
local core = require "sessionquery.core"

-- What one transaction takes in. Large: each one writes the touched pages of the indexes anew.
local BLOCK = 4 * 1024 * 1024 -- bytes of a file's lines
local LINES = 10000 -- lines of an iterator
local MOST_ERRORS = 100 -- bad lines that the sum names

local options_known = {
  format = "string",
  map = "function",
  on_conflict = "string",
  on_error = "string",
  progress = "function",
}

-- ------------------------------------------------------------------------------------------------- sources

--- Both sources give blocks: text of whole lines, or nil at the end, or nil and what went wrong.
local function read_file(path)
  local reader, message, detail = core.reader(path)
  if not reader then return nil, message, detail end
  return function()
    local block, why, more = reader:read(BLOCK)
    if block and block ~= "" then return block end
    reader:close()
    return nil, why, more
  end
end

--- As error counts: from a source's function, by way of the loop and Store:import, to the caller.
local CALLER = 4

local function read_iterator(iterator)
  local ended = false
  return function()
    local lines, bytes = {}, 0
    while #lines < LINES and bytes < BLOCK and not ended do
      local line = iterator()
      if line == nil then
        ended = true
      elseif type(line) ~= "string" then
        error("import: the iterator gave a " .. type(line) .. ", not a line", CALLER)
      else
        if line:find("\n", 1, true) then line = line:gsub("\n$", ""):gsub("\n", " ") end
        lines[#lines + 1] = line
        bytes = bytes + #line
      end
    end
    if #lines > 0 then return table.concat(lines, "\n") .. "\n" end
  end
end

-- -------------------------------------------------------------------------------------------------- prices

-- What prices look at, by the names that a format has for it, the first that is there.
local priced_names = {
  canonical = { cost_usd = { "cost_usd" }, created_at = { "created_at" }, model = { "model" }, run_type = { "run_type" } },
  helicone = {
    cost_usd = { "cost", "costUSD" },
    created_at = { "request_created_at" },
    model = { "model", "response_model", "request_model" },
    run_type = {},
  },
}
for _, names in pairs(priced_names) do
  for _, name in ipairs {
    "provider", "cache_reference_id", "prompt_tokens", "completion_tokens", "prompt_cache_read_tokens", "prompt_cache_write_tokens",
  } do
    names[name] = { name }
  end
end

--- The members that give a record its computed cost; nil when it gets none.
local function cost_members(job, record)
  local names, view = priced_names[job.format], {}
  for field, candidates in pairs(names) do
    for _, name in ipairs(candidates) do
      local value = rawget(record, name)
      if view[field] == nil and value ~= core.null then view[field] = value end
    end
  end
  local cost = job.prices:missing_cost(view)
  return cost and { [names.cost_usd[1]] = cost, cost_source = "computed" }
end

local function with_members(record, members)
  local copy = {}
  for name, value in next, record do copy[name] = value end
  for name, value in next, members do copy[name] = value end
  return copy
end

--- A line with further members; nil when one stands there already and cannot be told from others. The rest of it
--- stays as it is written: the order of keys and the digits of numbers are part of bodies.
local function splice(line, record, members)
  local added = {}
  for name, value in pairs(members) do
    local text = core.encode(value)
    if rawget(record, name) == nil then
      added[#added + 1] = (',"%s":%s'):format(name, text)
    else -- null
      local count
      line, count = line:gsub(('("%s"%%s*:%%s*)null'):format(name), function(before) return before .. text end)
      if rawget(record, name) ~= core.null or count ~= 1 then return nil end
    end
  end
  return (line:gsub("}%s*$", function(last) return table.concat(added) .. last end))
end

--- Fills costs in where lines bring none.
local function pricer(job)
  return function(line, number)
    if not line:find "%S" then return "" end
    local record, repaired = core.decode(line)
    if type(record) ~= "table" then return line end -- the store says what is wrong with it
    local members = cost_members(job, record)
    if not members then return line end
    local id = rawget(record, "request_id")
    if id == nil or id == core.null then members.request_id = core.line_id(job.identity, number, line) end
    local spliced = splice(line, record, members)
    if spliced then return spliced end
    if repaired then job.mapped.repaired = job.mapped.repaired + 1 end
    return core.encode(with_members(record, members)) or line
  end
end

-- ------------------------------------------------------------------------------------------------- mapping

local UNREADABLE = "!" -- a line that is no JSON

--- Runs `map` over the lines of a block. A line that it leaves out becomes an empty one, so that the numbers
--- of the others stay.
local function map_block(job, block)
  local lines, number = {}, job.sum.lines
  job.mapped = { skipped = 0, failed = 0, repaired = 0, errors = {} }
  if block:sub(-1) ~= "\n" then block = block .. "\n" end
  for line in block:gmatch "([^\n]*)\n" do
    number = number + 1
    lines[#lines + 1] = job.map_line(line, number)
    if job.failure then break end
  end
  return table.concat(lines, "\n") .. "\n"
end

--- A bad line: noted; or, where it ends the import, left for the store to stumble over, since a line before
--- it may be bad as well, and what the block has brought so far must be undone.
local function fault(job, number, message, detail)
  detail = detail or { code = "value" }
  detail.line, detail.message = number, message
  if job.on_error == "stop" then
    job.failure = detail
    return UNREADABLE
  end
  local mapped = job.mapped
  mapped.failed = mapped.failed + 1
  if #job.sum.errors + #mapped.errors < MOST_ERRORS then mapped.errors[#mapped.errors + 1] = detail end
  return ""
end

--- The record with an id, when it brings none. The map's table stays as it is: a map may use one for all.
local function with_id(record, job, number, line)
  if record.request_id ~= nil and record.request_id ~= core.null then return record end
  local copy = {}
  for name, value in next, record do copy[name] = value end
  copy.request_id = core.line_id(job.identity, number, line)
  return copy
end

local function mapper(job, map)
  return function(line, number)
    if not line:find "%S" then return "" end
    local record, repaired, detail = core.decode(line)
    if record == nil then return fault(job, number, repaired, detail) end
    if type(record) ~= "table" then return fault(job, number, "a record is an object", { code = "type" }) end
    local ran, mapped = pcall(map, record, number)
    if not ran then return fault(job, number, "map: " .. tostring(mapped)) end
    if mapped == nil then
      job.mapped.skipped = job.mapped.skipped + 1
      return ""
    end
    if type(mapped) ~= "table" then
      return fault(job, number, "map gave a " .. type(mapped) .. ", not a record", { code = "type" })
    end
    local members = job.prices and cost_members(job, mapped)
    if members then mapped = with_members(mapped, members) end
    local text, why, wrong = core.encode(with_id(mapped, job, number, line))
    if not text then return fault(job, number, why, wrong) end
    if repaired then job.mapped.repaired = job.mapped.repaired + 1 end
    return text
  end
end

-- -------------------------------------------------------------------------------------------------- running

local counted = { "lines", "added", "replaced", "updated", "skipped", "failed", "repaired" }

local function by_line(a, b) return a.line < b.line end

local function add_counts(sum, counts)
  for _, name in ipairs(counted) do sum[name] = sum[name] + (counts[name] or 0) end
  for _, detail in ipairs(counts.errors) do sum.errors[#sum.errors + 1] = detail end
end

--- What the map did to a block counts when the block is stored.
local function add_mapped(job, counts)
  for _, detail in ipairs(counts.errors) do detail.offset, detail.length = nil, nil end -- of a text nobody has seen
  add_counts(job.sum, job.mapped)
  table.sort(job.sum.errors, by_line)
end

local function failed(job, message, detail)
  detail = detail or {}
  detail.sum = job.sum
  if detail.line and detail.line > 0 then message = ("line %d: %s"):format(detail.line, message) end
  return nil, message, detail
end

local function take_block(job, db, block)
  job.identity = job.identity or block:match "^[^\n]*"
  if job.map_line then block = map_block(job, block) end
  local store = db._core
  if not store then error("import: the store was closed while it was imported to", 4) end
  local counts, message, detail = store:ingest(block, {
    format = job.format,
    on_conflict = job.on_conflict,
    mode = job.on_error == "stop" and "strict" or "lenient",
    first_line = job.sum.lines + 1,
    identity = job.identity,
    most_errors = MOST_ERRORS - #job.sum.errors - (job.mapped and #job.mapped.errors or 0),
  })
  if not counts then
    local mapping = job.failure
    if mapping and mapping.line == detail.line then return failed(job, mapping.message, mapping) end
    if job.map_line then detail.offset, detail.length = nil, nil end
    return failed(job, message, detail)
  end
  add_counts(job.sum, counts)
  if job.map_line then add_mapped(job, counts) end
  if job.progress then
    local sum = job.sum
    job.progress(sum.lines, sum.added, sum.replaced + sum.updated, sum.skipped, sum.failed)
  end
  return true
end

--- See Store:import.
return function(db, source, options)
  options = check.options(options, options_known, "import", 1)
  local job = {
    format = check.choice(options.format or "canonical", { "canonical", "helicone" }, "import: format", 1),
    on_conflict = check.choice(options.on_conflict or "replace", { "replace", "skip", "update" }, "import: on_conflict", 1),
    on_error = check.choice(options.on_error or "skip", { "skip", "stop" }, "import: on_error", 1),
    progress = options.progress,
    sum = { errors = {} },
  }
  for _, name in ipairs(counted) do job.sum[name] = 0 end
  -- what an update leaves out may be recorded already
  if job.on_conflict ~= "update" then job.prices = rawget(db, "_prices") end
  if options.map then
    job.map_line = mapper(job, options.map)
  elseif job.prices then
    job.map_line = pricer(job)
  end
  local read, message, detail
  if type(source) == "string" then
    read, message, detail = read_file(source)
  else
    read = read_iterator(source)
  end
  if not read then return nil, message, detail end
  while true do
    local block, why, more = read()
    if not block then
      if why then return failed(job, why, more) end
      if db._core then db._core:settle() end
      return job.sum
    end
    local good, stopped, place = take_block(job, db, block)
    if not good then return nil, stopped, place end
  end
end
