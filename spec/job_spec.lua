--- The jobs that nginx runs in its threads, here in plain Lua: strings in, and nothing of a server.
local core = require "sessionquery.core"
local job = require "sessionquery.http.job"
local keys = require "sessionquery.keys"
local pack = require "sessionquery.http.pack"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local T = 1700000000
local WAIT = 1000 -- ms

local function lines(...)
  local list = {}
  for i, record in ipairs { ... } do list[i] = core.encode(record) end
  return table.concat(list, "\n")
end

local function count(path)
  local db = assert(sq.open(path, { readonly = true }))
  local rows = db:requests():count()
  db:close()
  return rows
end

describe("a job", function()
  local path
  before_each(function() path = vm.path "job.db" end)

  it("stores records, and the same ones again once", function()
    local batch = lines({ request_id = "a", created_at = T }, { request_id = "b", created_at = T })
    for _, new in ipairs { true, false, true } do -- new ones are looked for among what is not sealed
      assert.are.same({ 2, 0, "" }, { job.record(path, batch, new, WAIT) })
      assert.are.equal(2, count(path))
    end
  end)

  it("stores those beside a record that cannot be", function()
    local stored, failed, why = job.record(path, lines({ request_id = "a", created_at = T }, { request_id = "b" }, { request_id = "c", created_at = T }), true, WAIT)
    assert.are.same({ 2, 1, "created_at is required" }, { stored, failed, why })
    assert.are.equal(2, count(path))
  end)

  it("says why when nothing could be stored", function()
    local stored, message, code = job.record("build/spec/no such folder/x.db", lines { created_at = T }, true, WAIT)
    assert.is_nil(stored)
    assert.are.same({ "string", "string" }, { type(message), type(code) })
    vm.write(path, ("no database "):rep(1000))
    assert.is_nil((job.record(path, lines { created_at = T }, true, WAIT)))
  end)

  it("tells whose a key is", function()
    local db = assert(sq.open(path))
    assert.are.same({ "none" }, { job.key(path, "a.b", WAIT) })
    local text = assert(keys.create(db, { organization = "acme", project = "web", rights = { "record" } }))
    local state, key = job.key(path, text, WAIT)
    assert.are.equal("key", state)
    assert.are.same({ "acme", "web", { record = true } }, { key.organization, key.project, key.rights })
    assert.are.equal("wrong", (job.key(path, text .. "0", WAIT)))
    assert(keys.revoke(db, key.id))
    assert.are.equal("wrong", (job.key(path, text, WAIT)))
    db:close()
    vm.write(path .. ".garbage", ("no database "):rep(1000))
    assert.is_nil((job.key(path .. ".garbage", text, WAIT)))
    os.remove(path .. ".garbage")
  end)

  it("tells what was spent in a window", function()
    assert(job.record(path, lines(
      { session_id = "s", user_id = "u", created_at = T - 1, cost_usd = 8 },
      { session_id = "s", user_id = "u", created_at = T, cost_usd = 1, api_key_name = "k" },
      { session_id = "s", user_id = "v", created_at = T + 1, cost_usd = 2, organization_id = "acme", project = "web" },
      { session_id = "t", user_id = "u", created_at = T + 2, cost_usd = 4 },
      { session_id = "t", user_id = "u", created_at = T + 3 },
      { created_at = T + 4, cost_usd = 16 }), true, WAIT))
    local cases = {
      { { by = "session", subject = "s" }, 3, 2 },
      { { by = "session", subject = "t" }, 4, 2 },
      { { by = "session", subject = "nobody" }, 0, 0 },
      { { by = "session", subject = "" }, 16, 1 },
      { { by = "user", subject = "u" }, 5, 3 },
      { { by = "key", subject = "k" }, 1, 1 },
      { { by = "session", subject = "s", organization = "acme" }, 2, 1 },
      { { by = "session", subject = "s", organization = "acme", project = "web" }, 2, 1 },
      { { by = "session", subject = "s", organization = "acme", project = "other" }, 0, 0 },
    }
    for i, case in ipairs(cases) do
      case[1].from = T
      local cost, requests = job.spent(path, pack.write(case[1]), WAIT)
      assert.are.same({ i, case[2], case[3] }, { i, cost, requests })
    end
  end)

  it("answers a request, its body from a file too", function()
    assert(job.record(path, lines { session_id = "s", created_at = T, cost_usd = 1 }, true, WAIT))
    local body = '{"search":"","timeFilter":{"startTimeUnixMs":0,"endTimeUnixMs":4e12},"timezoneDifference":0,"filter":"all"}'
    local request = { method = "POST", path = "/v1/session/query", headers = { ["content-type"] = "application/json" }, remote = "127.0.0.1" }
    local options = pack.write { path = path, max_body = 1000 }
    request.body = body
    local status, headers, text = job.answer(options, pack.write(request))
    assert.are.same({ 200, "application/json" }, { status, headers["Content-Type"] })
    assert.truthy(text:find('"session_id":"s"', 1, true))
    request.body, request.body_file = nil, vm.write(path .. ".body", body)
    assert.are.equal(text, (select(3, job.answer(options, pack.write(request)))))
    vm.write(request.body_file, (" "):rep(2000))
    assert.are.equal(413, (job.answer(options, pack.write(request))))
    os.remove(request.body_file)
  end)
end)
