--- What is erased is in none of the store's files any more.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local SESSION, REQUEST = "3776e746-793b-4cb0-a7fe-d76b8d4ac996", "9d1b3876-bed8-4c43-99ac-da871e5282e2"

--- The sixteen bytes of a UUID, as the index packs it.
local function packed(uuid)
  return (uuid:gsub("-", ""):gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end))
end

local traces = { "Mallory Doe", "secret name", "a secret body", "secret-user", "secret tag", "secret property", SESSION, REQUEST, packed(SESSION), packed(REQUEST) }

local function found_in(path)
  local found = {}
  for _, suffix in ipairs { "", "-wal", "-columns" } do
    local file = io.open(path .. suffix, "rb")
    local bytes = file and file:read "*a" or ""
    if file then file:close() end
    for i, trace in ipairs(traces) do
      if bytes:find(trace, 1, true) then found[i] = (found[i] or "") .. suffix .. "|" end
    end
  end
  return found
end

local function make(path)
  local db = assert(sq.open(path, { seal = "manual" }))
  local records = {}
  for i = 1, 300 do
    records[i] = { session_id = ("%08x-793b-4cb0-a7fe-d76b8d4ac996"):format(i % 40), created_at = 1790000000 + i, user_id = "u" .. i % 7, model = "o3", request_body = ("body %d "):format(i):rep(20) }
  end
  records[150] = { request_id = REQUEST, session_id = SESSION, session_name = "secret name", created_at = 1790000500, user_id = "secret-user",
    request_body = ("a secret body "):rep(300), properties = { who = "Mallory Doe", secret = "secret property" }, tags = { "secret tag" } }
  assert(db:add(records))
  assert(db:feedback { request_id = REQUEST, key = "k", comment = "Mallory Doe" })
  assert(db:tag(SESSION, "secret tag"))
  assert(db:seal())
  return db
end

describe("erasing", function()
  for name, what in pairs { session = { session = SESSION }, request = { request = REQUEST }, user = { user = "secret-user" } } do
    it("a " .. name .. " leaves nothing of it in the store's files", function()
      local path = vm.path()
      local db = make(path)
      local before = found_in(path)
      for i, trace in ipairs(traces) do assert(before[i], "it was never there: " .. trace) end
      what.erase = true
      assert.equal(1, assert(db:delete(what)).requests)
      local after = found_in(path)
      for i, trace in ipairs(traces) do
        local is_sessions = trace == "secret tag" or trace == SESSION -- a tag stays, unseen, until its session is deleted
        if name == "session" or not is_sessions then assert.is_nil(after[i], trace .. " in " .. tostring(after[i])) end
      end
      assert.equal(299, assert(db:check()))
      db:close()
      vm.remove(path)
    end)
  end

  it("says so when a reader keeps the log, and can be asked for again", function()
    local path = vm.path()
    local db = make(path)
    local other = assert(sq.open(path, { readonly = true, timeout_ms = 500 }))
    assert(db:close() == nil)
    db = assert(sq.open(path, { timeout_ms = 300 }))
    assert(other:snapshot(function()
      local done, message, detail = db:delete { session = SESSION, erase = true }
      assert.is_nil(done)
      assert.equal("busy", detail.code, message)
    end) == nil)
    assert.equal(0, assert(db:delete { session = SESSION, erase = true }).requests)
    assert.same({}, found_in(path))
    other:close()
    db:close()
    vm.remove(path)
  end)
end)
