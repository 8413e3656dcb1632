--- The routes of Freeplay's search API: POST /api/v2/projects/{project_id}/search/sessions, traces and completions.
--- How rows become items is told in items.lua, messages.lua and children.lua.
---
--- A page takes one query for the items and one for their rows, however many they are.
local children = require "sessionquery.http.freeplay.children"
local core = require "sessionquery.core"
local filters = require "sessionquery.filter"
local items = require "sessionquery.http.freeplay.items"

local DIALECT = "freeplay"
local PAGE_SIZE, LARGEST_PAGE = 30, 100
local LAST_PAGE = 2 ^ 40

local freeplay = {}

--- The envelope around an error's message.
---@param _ integer the status
---@param message string
---@return string
function freeplay.error(_, message) return (assert(core.encode { message = message })) end

-- ------------------------------------------------------------------------------------------- what is asked for

local known = { "page", "page_size", "include_children" }
local truth = { ["true"] = true, ["1"] = true, ["false"] = false, ["0"] = false }

local function whole(text, default, most, name)
  if text == nil then return default end
  local number = text:find "^%d+$" and #text < 16 and tonumber(text)
  if number and number >= 1 and number <= most then return number end
  if most == LARGEST_PAGE then return nil, ("%s is a whole number from 1 to %d, not '%s'"):format(name, most, text) end
  return nil, ("%s is a whole number from 1 on, not '%s'"):format(name, text)
end

--- The query string: page, page_size, include_children; nil and why when something is wrong with it.
local function read_arguments(arguments)
  for name, values in pairs(arguments) do
    local is_known = false
    for _, candidate in ipairs(known) do is_known = is_known or candidate == name end
    if not is_known then
      local nearest = core.nearest(name, known)
      return nil, ("unknown parameter '%s'%s"):format(name, nearest and (", did you mean '%s'?"):format(nearest) or "")
    end
    if #values > 1 then return nil, ("%s stands twice"):format(name) end
  end
  local function value(name) return arguments[name] and arguments[name][1] end
  local page, wrong_page = whole(value "page", 1, LAST_PAGE, "page")
  if not page then return nil, wrong_page end
  local page_size, wrong_size = whole(value "page_size", PAGE_SIZE, LARGEST_PAGE, "page_size")
  if not page_size then return nil, wrong_size end
  local with_children = value "include_children"
  local include_children = with_children ~= nil and truth[with_children:lower()]
  if include_children == nil then return nil, ("include_children is true or false, not '%s'"):format(with_children) end
  return { page = page, page_size = page_size, include_children = include_children }
end

--- The filter of the body; nil, message and detail.
local function read_filter(body)
  local asked, message, detail = core.decode(body)
  if asked == nil then return nil, message, detail end
  if type(asked) ~= "table" or asked.filters == nil then return nil, "missing 'filters' in the body", { code = "missing" } end
  return filters.compile(DIALECT, body)
end

--- The project of the path, by its UUID or its name; nil, message and detail.
local function find_project(db, id)
  for _, by in ipairs { "id", "name" } do
    local found, message, detail = db:projects { [by] = id }
    if not found then return nil, message, detail end
    if #found > 1 then return nil, ("several organizations have a project '%s'"):format(id), { code = "ambiguous" } end
    if found[1] then return found[1] end
  end
  return nil, ("there is no project '%s'"):format(id), { code = "not_found" }
end

-- -------------------------------------------------------------------------------------------------- the answer

local function answer(asked, parts, has_next)
  local pagination = assert(core.encode { page = asked.page, page_size = asked.page_size, has_next = has_next })
  return ('{"data":[%s],"pagination":%s}'):format(table.concat(parts), pagination)
end

--- The rows of a page, and whether there are more; nil, message and detail.
local function page_of(query, asked)
  local rows, message, detail = query:limit(asked.page_size + 1):offset((asked.page - 1) * asked.page_size):all()
  if not rows then return nil, message, detail end
  local has_next = #rows > asked.page_size
  if has_next then rows[#rows] = nil end
  return rows, has_next
end

--- What a session's latest row says that says something: of two at one time that with the greater id.
local function mark(marks, row)
  local of = marks[row.session_id] or {}
  marks[row.session_id] = of
  for _, name in ipairs { "review_queue_id", "test_run_id" } do
    local known_of = of[name]
    local newer = not known_of or row.created_at > known_of.created_at or
      (row.created_at == known_of.created_at and row.request_id > known_of.request_id)
    if row[name] and newer then of[name] = row end
  end
end

local function marks_of(marks, session_id)
  local of = marks[session_id] or {}
  return {
    review_queue_id = of.review_queue_id and of.review_queue_id.review_queue_id,
    test_run_id = of.test_run_id and of.test_run_id.test_run_id,
  }
end

local function compare(name, operator, values) return (assert(core.compare(name, nil, operator, values))) end

--- The rows of a page's sessions, in the order of recording: whole ones, or of those that say something the marks.
local function rows_of_sessions(db, ids, whole_rows)
  local among = compare("session_id", "among", ids)
  local query = db:requests({ bodies = whole_rows }):where(among):order_by "created_at"
  if whole_rows then return query:select(items.fields):all() end
  local marked = filters.any { compare("review_queue_id", "present", {}), compare("test_run_id", "present", {}) }
  return query:where(marked):select({ "session_id", "request_id", "created_at", "review_queue_id", "test_run_id" }):all()
end

local function search_sessions(db, filter, asked)
  local query = db:sessions():where(filter):order_by("-created_at")
    :select { "created_at", "duration_ms", "prompt_tokens", "completion_tokens", "metadata" }
  local sessions, has_next, detail = page_of(query, asked)
  if not sessions then return nil, has_next, detail end
  local ids, marks, rows_of, parts = {}, {}, {}, {}
  for i, session in ipairs(sessions) do ids[i], rows_of[session.id] = session.id, {} end
  local rows, message, why = {}, nil, nil
  if #ids > 0 then rows, message, why = rows_of_sessions(db, ids, asked.include_children) end
  if not rows then return nil, message, why end
  for _, row in ipairs(rows) do
    mark(marks, row)
    local list = rows_of[row.session_id]
    list[#list + 1] = row
  end
  for i, session in ipairs(sessions) do
    local text = items.of_session(session, marks_of(marks, session.id))
    if i > 1 then parts[#parts + 1] = "," end
    parts[#parts + 1] = asked.include_children and text:sub(1, -2) or text
    if asked.include_children then
      local forest = children.forest(rows_of[session.id])
      parts[#parts + 1] = ',"children":['
      children.write(parts, forest, forest.roots, items.of_row)
      parts[#parts + 1] = "]}"
    end
  end
  return answer(asked, parts, has_next)
end

--- The ids of all that stands below rows with neither session nor trace, where only parent_id says it, level by level;
--- nil, message and detail.
local function ids_below(db, rows)
  local ids, seen, level = {}, {}, {}
  for _, row in ipairs(rows) do
    if not row.session_id and not row.trace_id then level[#level + 1], seen[row.request_id] = row.request_id, true end
  end
  local alone = compare("session_id", "absent", {})
  while #level > 0 do
    local query = db:requests():where(filters.all { compare("parent_id", "among", level), alone })
    local below, message, detail = query:select({ "request_id" }):all()
    if not below then return nil, message, detail end
    level = {}
    for _, row in ipairs(below) do
      local id = row.request_id
      if not seen[id] then seen[id], ids[#ids + 1], level[#level + 1] = true, id, id end
    end
  end
  return ids
end

--- All rows that stand with a page's requests in one session or, where they have none, in one trace or below them.
local function rows_around(db, rows)
  local sessions, traces, seen = {}, {}, {}
  local ids, message, detail = ids_below(db, rows)
  if not ids then return nil, message, detail end
  for _, row in ipairs(rows) do
    local list, id = sessions, row.session_id
    ids[#ids + 1] = row.request_id
    if not id then list, id = traces, row.trace_id or row.request_id end
    if not seen[list == sessions and "s" .. id or "t" .. id] then
      seen[list == sessions and "s" .. id or "t" .. id] = true
      list[#list + 1] = id
    end
  end
  local parts = { compare("request_id", "among", ids) }
  if #sessions > 0 then parts[#parts + 1] = compare("session_id", "among", sessions) end
  if #traces > 0 then parts[#parts + 1] = compare("trace_id", "among", traces) end
  return db:requests({ bodies = true }):where(filters.any(parts)):order_by("created_at"):select(items.fields):all()
end

local function search_requests(what)
  return function(db, filter, asked)
    local found, why, wrong = core.search(what, filter)
    if not found then return nil, why, wrong end
    local query = db:requests({ bodies = true }):where(found):order_by("-created_at"):select(items.fields)
    local rows, has_next, detail = page_of(query, asked)
    if not rows then return nil, has_next, detail end
    local parts = {}
    if not asked.include_children or #rows == 0 then
      for i, row in ipairs(rows) do
        if i > 1 then parts[#parts + 1] = "," end
        parts[#parts + 1] = items.of_row(row)
      end
      return answer(asked, parts, has_next)
    end
    local around, message, more = rows_around(db, rows)
    if not around then return nil, message, more end
    local by_id = {}
    for _, row in ipairs(around) do by_id[row.request_id] = row end
    local forest = children.forest(around)
    for i, row in ipairs(rows) do
      if i > 1 then parts[#parts + 1] = "," end
      children.write(parts, forest, { by_id[row.request_id] or row }, items.of_row)
    end
    return answer(asked, parts, has_next)
  end
end

--- A handler of one of the searches.
local function handler(search)
  return function(call)
    local project, why, wrong = find_project(call.db, call.params.project_id)
    if not project then return call:fail(why, wrong) end
    local asked, message = read_arguments(call.arguments)
    if not asked then return call:refuse(400, message) end
    local filter, problem, place = read_filter(call.body)
    if not filter then return call:fail(problem, place) end
    local narrowed, refused, detail = call.core:narrow { organization = project.organization_id, project = project.name }
    if not narrowed then return call:fail(refused, detail) end
    local text, failed, more = search(call.db, filter, asked)
    if not text then return call:fail(failed, more) end
    return 200, text
  end
end

--- Whether a path that has no route is Freeplay's all the same.
---@param segments string[]
---@return boolean
function freeplay.owns(segments) return segments[1] == "api" and segments[2] == "v2" and segments[3] == "projects" end

local QUERY = "query"

freeplay.routes = {
  { "api/v2/projects/{project_id}/search/sessions", POST = { handler(search_sessions), QUERY } },
  { "api/v2/projects/{project_id}/search/traces", POST = { handler(search_requests "traces"), QUERY } },
  { "api/v2/projects/{project_id}/search/completions", POST = { handler(search_requests "completions"), QUERY } },
}

return freeplay
