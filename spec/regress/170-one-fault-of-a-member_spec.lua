--- A member that was there but wrong was told twice: as wrong, and as missing.
local core = require "sessionquery.core"
local http = require "sessionquery.http"
local langsmith = require "spec.support.langsmith"
local sq = require "sessionquery"

local db, app

before_each(function()
  db = assert(sq.open ":memory:")
  app = http.app { db = db }
end)
after_each(function() db:close() end)

local P = core.project_id("", "p")

local cases = {
  { "/runs/group", { session_id = P, group_by = "model" }, { { "enum", "body", "group_by" } } },
  { "/runs/group", { session_id = "x", group_by = "conversation" }, { { "uuid_parsing", "body", "session_id" } } },
  { "/runs/group", {}, { { "missing", "body", "session_id" }, { "missing", "body", "group_by" } } },
  { "/api/v2/runs/query", { project_ids = { "x" } }, { { "uuid_parsing", "body", "project_ids", 0 } } },
  { "/feedback", { run_id = P, key = 5 }, { { "string_type", "body", "key" } } },
  { "/feedback", { run_id = 5, key = "k" }, { { "string_type", "body", "run_id" } } },
  { "/feedback", { run_id = P }, { { "missing", "body", "key" } } },
}

for _, case in ipairs(cases) do
  local path, body, wanted = case[1], core.encode(case[2]), case[3]
  it(("%s is told once of %s"):format(path, body), function()
    local status, answer = langsmith.ask(app, "POST", path, nil, case[2])
    assert.equal(422, status)
    local told = {}
    for i, fault in ipairs(answer.detail) do told[i] = { fault.type, (table.unpack or unpack)(fault.loc) } end
    assert.same(wanted, told)
  end)
end
