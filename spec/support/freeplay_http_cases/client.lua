--- How the cases of Freeplay's search ask, and read what they are told.
local assert = require "luassert"
local core = require "sessionquery.core"
local http = require "spec.support.http_cases.client"
local schema = require "spec.support.schema"
local schemas = require "spec.support.freeplay_schema"

local client = { prefix = http.prefix, null = core.null, json = http.json, decode = http.decode }

--- POST to a search of a project; `filters` nil: all.
function client.ask(server, what, options)
  options = options or {}
  local headers = { ["content-type"] = "application/json" }
  for name, value in pairs(options.headers or {}) do headers[name] = value end
  return server.send {
    method = options.method or "POST", path = ("%s/api/v2/projects/%s/search/%s"):format(client.prefix, options.project or "default", what),
    query = options.query, headers = headers,
    body = options.body or client.json { filters = options.filters or {} },
  }
end

local names = { sessions = "Session", traces = "Trace", completions = "Completion" }
client.id_of = { sessions = "session_id", traces = "trace_id", completions = "completion_id" }

--- A right answer: of the schema, with children as asked for.
function client.found(server, what, options)
  local answer = client.ask(server, what, options)
  assert.equal(200, answer.status, answer.body)
  local value = client.decode(answer)
  local with_children = options and options.query and options.query:find "include_children=[tT1]"
  assert.is_nil(schema.check(schemas[names[what] .. (with_children and "SearchResponseWithChildren" or "SearchResponse")], value))
  for _, item in ipairs(value.data) do assert.equal(with_children and true or false, item.children ~= nil) end
  return value
end

--- The ids of the items found, with spaces between.
function client.ids(what, value)
  local text = {}
  for i, item in ipairs(value.data) do text[i] = item[client.id_of[what]] end
  return table.concat(text, " ")
end

--- The message of an answer that says what is wrong.
function client.refused(server, what, status, options)
  local answer = client.ask(server, what, options)
  assert.equal(status, answer.status, answer.body)
  local value = client.decode(answer)
  assert.equal("string", type(value.message))
  local members = 0
  for _ in pairs(value) do members = members + 1 end
  assert.equal(1, members, answer.body)
  return value.message
end

function client.leaf(field, op, value) return { field = field, op = op, value = value } end

--- A request by its id, or its completion or trace below an item.
local function id_within(item) return item.completion_id or item.trace_id end

--- "t1(c1 c2(c3))" of children.
function client.shape(items)
  local parts = {}
  for i, item in ipairs(items) do
    parts[i] = id_within(item) .. (#item.children > 0 and "(" .. client.shape(item.children) .. ")" or "")
  end
  return table.concat(parts, " ")
end

return client
