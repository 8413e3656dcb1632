--- A trace recorded with neither session_id nor trace_id had no children in Freeplay's searches, though they name it as
--- their parent: only rows of one session or one trace were looked through.
local sq = require "sessionquery"
local core = require "sessionquery.core"

local function search(app, what)
  local status, _, body = app:handle {
    method = "POST", path = "/api/v2/projects/default/search/" .. what, query = "include_children=true",
    headers = { host = "localhost", ["content-type"] = "application/json" }, remote = "127.0.0.1", body = '{"filters":{}}',
  }
  assert.equal(200, status, body)
  return assert(core.decode(body)).data
end

local function nested(items)
  local made = {}
  for _, item in ipairs(items) do made[#made + 1] = (item.trace_id or item.completion_id) .. "(" .. nested(item.children) .. ")" end
  return table.concat(made, " ")
end

local function record(id, at, run_type, parent, session)
  return { request_id = id, created_at = at, run_type = run_type, parent_id = parent, session_id = session }
end

it("what only parent_id ties together stands nested", function()
  local db = assert(sq.open ":memory:")
  assert(db:add {
    record("root", 1, "chain"), record("step", 2, "tool", "root"), record("call", 3, "llm", "step"), record("deeper", 4, "llm", "call"),
    record("elsewhere", 5, "llm", "root", "s1"),
    record("egg", 6, "chain", "hen"), record("hen", 7, "chain", "egg"),
  })
  local app = require("sessionquery.http").app { db = db }
  assert.equal("hen() egg(hen()) step(call(deeper())) root(step(call(deeper())))", nested(search(app, "traces")))
  assert.equal("elsewhere() deeper() call(deeper())", nested(search(app, "completions")))
  db:close()
end)
