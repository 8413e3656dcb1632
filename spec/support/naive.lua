--- A small evaluator of queries, written from the meaning of queries alone and sharing no code with the
--- library (but for the ids of projects, which are hashes): what the engines are held against. It works on records as they were added.
---
--- A filter is a tree of tables: {"and", …}, {"or", …}, {"not", x}, {"some", x}, {"every", x}, {"root", x},
--- {"in_trace", x}, {"enclosing", x}, {"enclosed", x}, {"entry", map, x}, {"true"}, {"false"}, and {"is", field, key, op, {literals}}, where a
--- literal is { kind = "text"|"number"|"boolean", value =, … } with `value` on the field's own scale
--- (microseconds, nano-dollars; a half below the scale is allowed).
local core = require "sessionquery.core"

local unpack = table.unpack or unpack -- luacheck: ignore

local naive = {}

-- ---------------------------------------------------------------------------------------------------- text

local function points(text)
  local list = {}
  for point in text:gmatch "[%z\1-\127\194-\244][\128-\191]*" do list[#list + 1] = point end
  return list
end

--- Simple lower-case mappings of the letters that the tests use beyond ASCII.
local lower = { ["É"] = "é", ["Я"] = "я", ["İ"] = "i", ["K"] = "k", ["Σ"] = "σ", ["ẞ"] = "ß" }

function naive.fold(text)
  local list = points(text)
  for i, point in ipairs(list) do list[i] = lower[point] or (#point == 1 and point:lower()) or point end
  return table.concat(list)
end

local function like(text, pattern)
  local t, p = points(text), points(pattern)
  local function match(i, j)
    if j > #p then return i > #t end
    if p[j] == "%" then
      for k = i, #t + 1 do
        if match(k, j + 1) then return true end
      end
      return false
    end
    if i > #t then return false end
    if p[j] == "_" then return match(i + 1, j + 1) end
    local literal = p[j]
    if literal == "\\" then
      j = j + 1
      literal = p[j]
    end
    return t[i] == literal and match(i + 1, j + 1)
  end
  return match(1, 1)
end

--- Letters of the tests beyond ASCII are words' too, and so are digits.
local function words(text)
  local list = {}
  for word in text:gmatch "[%w\128-\255]+" do list[#list + 1] = naive.fold(word) end
  return list
end

local function phrase(text, needle)
  local t, n = words(text), words(needle)
  for from = 0, #t - #n do
    local same = true
    for i = 1, #n do same = same and t[from + i] == n[i] end
    if same then return true end
  end
  return #n == 0
end

-- ------------------------------------------------------------------------------------------------ comparing

--- How two values of one kind are compared; different kinds never compare true.
local function holds(op, value, literals)
  local function same_kind(literal) return type(value) == type(literal.value) end
  local a, b = literals[1], literals[2]
  if op == "among" then
    for _, literal in ipairs(literals) do
      if same_kind(literal) and value == literal.value then return true end
    end
    return false
  end
  if not same_kind(a) then return false end
  if op == "eq" then return value == a.value end
  if op == "gt" then return value > a.value end
  if op == "gte" then return value >= a.value end
  if op == "lt" then return value < a.value end
  if op == "lte" then return value <= a.value end
  if op == "between" then return same_kind(b) and value >= a.value and value <= b.value end
  if op == "like" then return like(value, a.value) end
  if op == "ilike" then return like(naive.fold(value), naive.fold(a.value)) end
  if op == "contains" then return naive.fold(value):find(naive.fold(a.value), 1, true) ~= nil end
  if op == "phrase" then return phrase(value, a.value) end
  error("operator " .. op)
end

--- A comparison with a value that may be absent, be a scalar or be a list.
local compare
function compare(op, value, literals)
  if op == "present" then return value ~= nil and (type(value) ~= "table" or next(value) ~= nil) end
  if op == "absent" then return not compare("present", value, literals) end
  if op == "ne" then return not compare("eq", value, literals) end
  if value == nil then return false end
  if type(value) ~= "table" then return holds(op, value, literals) end
  if op == "has" then op = "eq" end
  for _, element in ipairs(value) do
    if holds(op, element, literals) then return true end
  end
  return false
end

--- The same of a member of a map, of which nothing but its presence can be asked when it is nested.
local function compare_member(op, value, literals)
  if type(value) ~= "table" then return compare(op, value, literals) end
  return op == "present" or op == "ne"
end

-- -------------------------------------------------------------------------------------------------- requests

local function named(row, id) return row.organization_id .. "\0" .. row.project .. "\0" .. id end
local function trace_of(row) return named(row, row.trace_id) end
local function is_completion(row) return row.run_type == "llm" or row.run_type == "embedding" end

--- The trace row that a row is, or that is the nearest around it; nil where there is none.
local function trace_row_of(row, by_id)
  local at, met = row, {}
  while at and is_completion(at) and not met[at] do
    met[at] = true
    at = at.parent_id and by_id[named(row, at.parent_id)]
  end
  if at and not is_completion(at) then return at end
  at = row.trace_id and by_id[trace_of(row)]
  return at and not is_completion(at) and at or nil
end

--- The rows of each trace and the feedback on each row; whoever changes the world takes it away.
local function index_of(world)
  if world.index then return world.index end
  local index = { traces = {}, feedback = {}, scores = {}, by_id = {}, enclosing = {}, enclosed = {} }
  for _, row in ipairs(world.rows) do
    local trace = row.trace_id and trace_of(row)
    if trace then
      index.traces[trace] = index.traces[trace] or {}
      table.insert(index.traces[trace], row)
    end
  end
  for _, row in ipairs(world.rows) do index.by_id[named(row, row.request_id)] = row end
  for _, row in ipairs(world.rows) do
    local around = trace_row_of(row, index.by_id)
    index.enclosing[row] = around
    if around and around ~= row then
      index.enclosed[around] = index.enclosed[around] or {}
      table.insert(index.enclosed[around], row)
    end
  end
  for _, entry in ipairs(world.feedback) do
    index.feedback[entry.row] = index.feedback[entry.row] or {}
    table.insert(index.feedback[entry.row], entry)
  end
  world.index = index
  return index
end

local none = {}

local function feedback_on(row, world) return index_of(world).feedback[row] or none end

--- The recorded scores under the newest feedback of each key.
local function scores_of(row, world)
  local known = index_of(world).scores[row]
  if known then return known end
  local scores, newest = {}, {}
  for key, value in pairs(row.scores or none) do scores[key] = value end
  for _, entry in ipairs(feedback_on(row, world)) do
    if entry.score ~= nil then
      local last = newest[entry.key]
      if not last or entry.created_at > last.created_at or (entry.created_at == last.created_at and entry.id > last.id) then
        newest[entry.key] = entry
        scores[entry.key] = entry.score
      end
    end
  end
  index_of(world).scores[row] = scores
  return scores
end

local derived = {}

function derived.cached(row)
  return row.cache_reference_id ~= nil and row.cache_reference_id ~= "00000000-0000-0000-0000-000000000000"
end

function derived.total_tokens(row)
  if row.total_tokens then return row.total_tokens end
  if row.prompt_tokens or row.completion_tokens then return (row.prompt_tokens or 0) + (row.completion_tokens or 0) end
end

derived.scores = scores_of

local function in_error(row)
  return row.error ~= nil or (row.status ~= nil and (row.status >= 400 or (row.status < 0 and row.status ~= -2)))
end

function derived.outcome(row)
  if in_error(row) then return "error" end
  local ended = row.responded_at ~= nil or row.latency_ms ~= nil
  return (row.status == -2 or not ended) and "pending" or "success"
end

function derived.ended_at(row)
  if row.responded_at or not row.latency_ms then return row.responded_at end
  return row.created_at + row.latency_ms * 1000
end

--- No project of these worlds was given an id.
local project_ids = {}

function derived.project_id(row)
  local owner = row.organization_id .. "\0" .. row.project
  project_ids[owner] = project_ids[owner] or core.project_id(row.organization_id, row.project)
  return project_ids[owner]
end

function derived.session_metadata(row, world)
  local own = row.session_id and world.sessions[row.organization_id .. "\0" .. row.project .. "\0" .. row.session_id]
  local map = own and own.metadata
  return map and next(map) ~= nil and map or nil
end

function naive.value(row, field, world)
  if derived[field] then return derived[field](row, world) end
  return row[field]
end

--- What the texts are that were made as documents: { members, entries }. All others have neither.
naive.documents = {}

naive.is_document = { request_body = true, response_body = true }

local no_document = { members = {}, entries = {} }

local function document_of(text) return text and naive.documents[text] or no_document end

--- A field, or the member of a map or document.
function naive.member(row, field, key, world)
  local value = naive.value(row, field, world)
  if key == nil then return value end
  if naive.is_document[field] then return document_of(value).members[key] end
  return value and value[key]
end

local function trace_rows(row, world)
  return row.trace_id ~= nil and index_of(world).traces[trace_of(row)] or none
end

local function members_of(map)
  local entries = {}
  for key, value in pairs(map or none) do entries[#entries + 1] = { key = key, value = value } end
  return entries
end

--- The entries of a map or document, or of the row's feedback, as tables of what can be asked.
local function entries_of(row, map, world)
  if map == "feedback" then return feedback_on(row, world) end
  if naive.is_document[map] then return document_of(naive.value(row, map, world)).entries end
  return members_of(naive.value(row, map, world))
end

local function both(tree, test)
  for i = 2, #tree do
    if not test(tree[i]) then return false end
  end
  return true
end

local function either(tree, test)
  for i = 2, #tree do
    if test(tree[i]) then return true end
  end
  return false
end

naive.entries = entries_of

--- Whether an entry satisfies a tree of entry comparisons.
local function entry_passes(entry, tree)
  local kind = tree[1]
  if kind == "and" then return both(tree, function(t) return entry_passes(entry, t) end) end
  if kind == "or" then return either(tree, function(t) return entry_passes(entry, t) end) end
  if kind == "not" then return not entry_passes(entry, tree[2]) end
  return compare_member(tree[4], entry[tree[2]:gsub("^entry%.", "")], tree[5])
end

local maps = { properties = true, scores = true, extra = true, session_metadata = true }

--- Whether a request satisfies a tree of request fields.
function naive.passes(row, tree, world)
  local kind = tree[1]
  local function test(t) return naive.passes(row, t, world) end
  if kind == "true" then return true end
  if kind == "false" then return false end
  if kind == "and" then return both(tree, test) end
  if kind == "or" then return either(tree, test) end
  if kind == "not" then return not test(tree[2]) end
  if kind == "entry" then
    for _, entry in ipairs(entries_of(row, tree[2], world)) do
      if entry_passes(entry, tree[3]) then return true end
    end
    return false
  end
  if kind == "root" or kind == "in_trace" then
    for _, other in ipairs(trace_rows(row, world)) do
      local counts = kind == "in_trace" or other.parent_id == nil
      if counts and naive.passes(other, tree[2], world) then return true end
    end
    return false
  end
  if kind == "enclosing" then
    local around = index_of(world).enclosing[row]
    return around ~= nil and naive.passes(around, tree[2], world)
  end
  if kind == "enclosed" then
    return either({ 0, unpack(index_of(world).enclosed[row] or none) }, function(other) return naive.passes(other, tree[2], world) end)
  end
  local field, key, op = tree[2], tree[3], tree[4]
  if op == "has" and maps[field] then
    return naive.member(row, field, tree[5][1].value, world) ~= nil
  end
  local value = naive.member(row, field, key, world)
  if key ~= nil then return compare_member(op, value, tree[5]) end
  return compare(op, value, tree[5])
end

-- ---------------------------------------------------------------------------------------------- the levels

local around_other_rows = { root = true, in_trace = true, enclosing = true, enclosed = true }

local function level_of(tree)
  local kind = tree[1]
  if kind == "true" or kind == "false" then return {} end
  if kind == "some" or kind == "every" then return { session = true } end
  if kind == "entry" and tree[2] == "session.metadata" then return { session = true } end
  if around_other_rows[kind] or kind == "entry" then return { request = true } end
  if kind == "is" then return { [tree[2]:find "^session%." and "session" or "request"] = true } end
  local level = {}
  for i = 2, #tree do
    for name in pairs(level_of(tree[i])) do level[name] = true end
  end
  return level
end

--- Brackets of one kind, double NOTs and constants gone.
function naive.normal(tree)
  local kind = tree[1]
  if kind == "not" then
    local inner = naive.normal(tree[2])
    if inner[1] == "not" then return inner[2] end
    if inner[1] == "true" then return { "false" } end
    if inner[1] == "false" then return { "true" } end
    return { "not", inner }
  end
  if kind ~= "and" and kind ~= "or" then
    if kind == "some" or kind == "every" or around_other_rows[kind] then return { kind, naive.normal(tree[2]) } end
    return tree
  end
  local flat, neutral = { kind }, kind == "and" and "true" or "false"
  for i = 2, #tree do
    local member = naive.normal(tree[i])
    if member[1] == kind then
      for j = 2, #member do flat[#flat + 1] = member[j] end
    elseif member[1] == "true" or member[1] == "false" then
      if member[1] ~= neutral then return member end
    else
      flat[#flat + 1] = member
    end
  end
  if #flat == 1 then return { neutral } end
  if #flat == 2 then return flat[2] end
  return flat
end

local function only_requests(tree)
  local level = level_of(tree)
  return level.request and not level.session
end

--- A mixed tree as one about groups: a request-only part stands as some(part).
local function lift(tree)
  if only_requests(tree) then return { "some", tree } end
  local level = level_of(tree)
  if not (level.request and level.session) then return tree end
  if tree[1] == "not" then return { "not", lift(tree[2]) } end
  local lifted, together = { tree[1] }, { "and" }
  for i = 2, #tree do
    if tree[1] == "and" and only_requests(tree[i]) then together[#together + 1] = tree[i]
    else lifted[#lifted + 1] = lift(tree[i]) end
  end
  if #together > 1 then lifted[#lifted + 1] = { "some", together } end
  return lifted
end

--- The part about rows and the part about groups.
function naive.split(tree)
  tree = naive.normal(tree)
  local rows, keep = { "and" }, { "and" }
  local members = tree[1] == "and" and tree or { "and", tree }
  for i = 2, #members do
    if level_of(members[i]).session then keep[#keep + 1] = lift(members[i]) else rows[#rows + 1] = members[i] end
  end
  return rows, keep
end

-- -------------------------------------------------------------------------------------------------- groups

--- Microseconds from `start` to a row's end. A sum of a time and a latency might leave what LuaJIT's numbers hold.
local function end_of(row, start)
  if row.responded_at then return row.responded_at - start end
  if row.latency_ms then return row.created_at - start + row.latency_ms * 1000 end
  return row.created_at - start
end

local function usage(row) return row.run_type == "llm" or row.run_type == "embedding" end

local function sum_of(rows, field, world)
  local sum
  for _, row in ipairs(rows) do
    local value = usage(row) and naive.value(row, field, world)
    if value then sum = (sum or 0) + value end
  end
  return sum
end

local function values_of(rows, field)
  local values = {}
  for _, row in ipairs(rows) do values[#values + 1] = row[field] end
  return values
end

--- The ceil(p·n)-th smallest of sorted values, p in thousandths.
local function percentile(values, permille)
  if #values == 0 then return nil end
  return values[math.ceil(permille * #values / 1000)]
end

local function total(values)
  local sum = 0
  for _, value in ipairs(values) do sum = sum + value end
  if #values > 0 then return sum end
end

local function mean(values)
  local sum = total(values)
  if sum then return sum / #values end
end

local function count_if(rows, test)
  local count = 0
  for _, row in ipairs(rows) do
    if test(row) then count = count + 1 end
  end
  return count
end

local function rate(part, whole)
  if whole > 0 then return part / whole end
end

local function distinct(rows, field)
  local seen, list = {}, {}
  for _, row in ipairs(rows) do
    local values = type(row[field]) == "table" and row[field] or { row[field] }
    for _, value in ipairs(values) do
      if value ~= "" and not seen[value] then
        seen[value] = true
        list[#list + 1] = value
      end
    end
  end
  table.sort(list)
  return list
end

local function is_later(row, than)
  for _, name in ipairs { "created_at", "request_id", "project" } do
    if row[name] ~= than[name] then return row[name] > than[name] end
  end
  return false
end

local function name_of(rows)
  local latest
  for _, row in ipairs(rows) do
    if row.session_name and (not latest or is_later(row, latest)) then latest = row end
  end
  return latest and latest.session_name or ""
end

local function statistics(entries)
  local by_key = {}
  for _, entry in ipairs(entries) do
    local s = by_key[entry.key] or { n = 0, scored = 0, sum = 0, values = {} }
    by_key[entry.key] = s
    s.n = s.n + 1
    local score = entry.score
    if type(score) == "boolean" then score = score and 1 or 0 end
    if type(score) == "number" then
      s.scored, s.sum = s.scored + 1, s.sum + score
    elseif type(score) == "string" then
      s.values[score] = (s.values[score] or 0) + 1
    end
    if entry.value ~= nil then
      local text = tostring(entry.value)
      s.values[text] = (s.values[text] or 0) + 1
    end
  end
  for _, s in pairs(by_key) do
    if s.scored > 0 then s.avg = s.sum / s.scored end
    s.scored, s.sum = nil, nil
  end
  return by_key
end

--- All fields of a group, by their short names.
function naive.aggregate(rows, world)
  local latencies, firsts = values_of(rows, "latency_ms"), values_of(rows, "time_to_first_token_ms")
  local created, sessions = values_of(rows, "created_at"), {}
  local feedback, session_count, duration = {}, 0, 0
  for _, values in ipairs { created, latencies, firsts } do table.sort(values) end
  for _, row in ipairs(rows) do
    duration = math.max(duration, end_of(row, created[1]))
    for _, entry in ipairs(feedback_on(row, world)) do feedback[#feedback + 1] = entry end
    local id = row.session_id and #row.project .. ":" .. row.project .. row.session_id
    if id and not sessions[id] then
      sessions[id] = true
      session_count = session_count + 1
    end
  end
  local errors = count_if(rows, in_error)
  return {
    name = name_of(rows),
    created_at = created[1],
    latest_request_created_at = created[#created],
    duration_ms = duration / 1000,
    total_requests = #rows,
    total_sessions = session_count,
    total_cost_usd = sum_of(rows, "cost_usd", world),
    prompt_cost_usd = sum_of(rows, "prompt_cost_usd", world),
    completion_cost_usd = sum_of(rows, "completion_cost_usd", world),
    prompt_tokens = sum_of(rows, "prompt_tokens", world),
    completion_tokens = sum_of(rows, "completion_tokens", world),
    total_tokens = sum_of(rows, "total_tokens", world),
    prompt_cache_read_tokens = sum_of(rows, "prompt_cache_read_tokens", world),
    prompt_cache_write_tokens = sum_of(rows, "prompt_cache_write_tokens", world),
    avg_latency_ms = mean(latencies),
    total_latency_ms = total(latencies),
    known_latencies = #latencies,
    latency_p50_ms = percentile(latencies, 500),
    latency_p90_ms = percentile(latencies, 900),
    latency_p95_ms = percentile(latencies, 950),
    latency_p99_ms = percentile(latencies, 990),
    first_token_p50_ms = percentile(firsts, 500),
    first_token_p99_ms = percentile(firsts, 990),
    errors = errors,
    error_rate = rate(errors, count_if(rows, function(row) return in_error(row) or (row.status ~= nil and row.status ~= -2) end)),
    streaming_rate = rate(count_if(rows, function(row) return row.streamed == true end),
      count_if(rows, function(row) return row.streamed ~= nil end)),
    unknown_usage = count_if(rows, function(row)
      return usage(row) and not (row.prompt_tokens or row.completion_tokens or row.total_tokens)
    end),
    user_ids = distinct(rows, "user_id"),
    models = distinct(rows, "model"),
    request_tags = distinct(rows, "tags"),
    feedback_stats = statistics(feedback),
  }
end

--- Whether a group satisfies a tree about groups.
function naive.keeps(group, tree, world)
  local kind = tree[1]
  local function test(t) return naive.keeps(group, t, world) end
  if kind == "true" then return true end
  if kind == "false" then return false end
  if kind == "and" then return both(tree, test) end
  if kind == "or" then return either(tree, test) end
  if kind == "not" then return not test(tree[2]) end
  if kind == "some" or kind == "every" then
    local count = count_if(group.rows, function(row) return naive.passes(row, tree[2], world) end)
    if kind == "some" then return count > 0 end
    return count == #group.rows
  end
  if kind == "entry" then
    for _, entry in ipairs(members_of(group.fields.metadata)) do
      if entry_passes(entry, tree[3]) then return true end
    end
    return false
  end
  local value = group.fields[tree[2]:gsub("^session%.", "")]
  if tree[3] ~= nil then return compare_member(tree[4], value and value[tree[3]], tree[5]) end
  if tree[4] == "has" and tree[2] == "session.metadata" then return value ~= nil and value[tree[5][1].value] ~= nil end
  return compare(tree[4], value, tree[5])
end

-- ------------------------------------------------------------------------------------------------- ordering

local ranks = { number = 1, string = 2, boolean = 3 }

--- -1, 0, 1; absent is last, numbers before text before booleans.
local function order(a, b, descending)
  if a == nil or b == nil then return a == b and 0 or (a == nil and 1 or -1) end
  local result
  if type(a) ~= type(b) then
    result = ranks[type(a)] < ranks[type(b)] and -1 or 1
  elseif type(a) == "boolean" then
    result = a == b and 0 or (b and -1 or 1)
  else
    result = a == b and 0 or (a < b and -1 or 1)
  end
  return descending and -result or result
end

local function sort(list, terms)
  table.sort(list, function(x, y)
    for _, term in ipairs(terms) do
      local result = order(term.get(x), term.get(y), term.descending)
      if result ~= 0 then return result < 0 end
    end
    return false
  end)
end

-- ------------------------------------------------------------------------------------------------- queries

local function in_scope(row, scope)
  return (not scope.organization or row.organization_id == scope.organization)
    and (not scope.project or row.project == scope.project)
end

--- requests(): the rows that pass, in order. `order` is { field, descending } or nil.
function naive.requests(world, scope, tree, by)
  local rows = {}
  local split_rows = naive.split(tree)
  for _, row in ipairs(world.rows) do
    if in_scope(row, scope) and naive.passes(row, split_rows, world) then rows[#rows + 1] = row end
  end
  by = by or { "created_at", true }
  sort(rows, {
    { get = function(row) return naive.value(row, by[1], world) end, descending = by[2] },
    { get = function(row) return row.request_id end },
    { get = function(row) return row.project end },
    { get = function(row) return row.organization_id end },
  })
  return rows
end

local day = 86400 * 1000000

--- The start of the hour, day or week of a time; months by the calendar of os.date.
function naive.bucket(micros, unit, offset_minutes)
  local ahead = (offset_minutes or 0) * 60 * 1000000
  local here = micros + ahead
  if unit == "month" then
    local date = os.date("!*t", math.floor(here / 1000000))
    return here - (date.day - 1) * day - here % day - ahead
  end
  local size, shift = unit == "hour" and day / 24 or unit == "day" and day or 7 * day, unit == "week" and 4 * day or 0
  return math.floor((here - shift) / size) * size + shift - ahead
end

--- sessions() and group_by(): rows of all fields, in order. `keys` are { name =, get = } or nil for sessions.
--- `brief`: rows of total_requests alone, in no order.
function naive.groups(world, scope, tree, keys, by, brief)
  local by_session = keys == nil
  keys = keys or { { name = "id", get = function(row) return row.session_id end } }
  local trim, keep = naive.split(tree)
  local groups, list = {}, {}
  for _, row in ipairs(world.rows) do
    local counts = in_scope(row, scope) and not (by_session and row.session_id == nil)
    if counts and naive.passes(row, trim, world) then
      local id, key = { row.organization_id, by_session and row.project or "" }, {}
      for i, k in ipairs(keys) do
        key[i] = k.get(row)
        id[#id + 1] = type(key[i]) .. ":" .. tostring(key[i])
      end
      id = table.concat(id, "\0")
      if not groups[id] then
        groups[id] = { rows = {}, key = key, organization_id = row.organization_id, project = row.project }
        list[#list + 1] = groups[id]
      end
      table.insert(groups[id].rows, row)
    end
  end
  local kept = {}
  for _, group in ipairs(list) do
    group.fields = brief and #keep == 1 and { total_requests = #group.rows } or naive.aggregate(group.rows, world)
    if #keys == 1 then group.fields.id = group.key[1] end
    if by_session then
      local own = world.sessions[group.organization_id .. "\0" .. group.project .. "\0" .. group.key[1]] or {}
      group.fields.tags = own.tags or {}
      group.fields.metadata = own.metadata or {}
      group.fields.own_feedback_stats = statistics(own.feedback or {})
    end
    if naive.keeps(group, keep, world) then kept[#kept + 1] = group end
  end
  if brief then
    for i, group in ipairs(kept) do kept[i] = { total_requests = group.fields.total_requests } end
    return kept
  end
  by = by or { "latest_request_created_at", true }
  local terms = { { descending = by[2], get = function(group)
    for i, k in ipairs(keys) do
      if k.name == by[1] then return group.key[i] end
    end
    return group.fields[by[1]]
  end } }
  for i in ipairs(keys) do terms[#terms + 1] = { get = function(group) return group.key[i] end } end
  terms[#terms + 1] = { get = function(group) return by_session and group.project or "" end }
  terms[#terms + 1] = { get = function(group) return group.organization_id end }
  sort(kept, terms)
  local rows = {}
  for i, group in ipairs(kept) do
    local row = {}
    for name, value in pairs(group.fields) do row[name] = value end
    for k, key in ipairs(keys) do row[key.name] = group.key[k] end
    if not scope.organization then row.organization_id = group.organization_id end
    if by_session and not scope.project then row.project = group.project end
    rows[i] = row
  end
  return rows
end

return naive
