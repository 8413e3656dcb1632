--- A NUL cut a name short: "acme\0evil" opened acme's rows, and delete took another session's.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("a NUL in a name is refused", function()
  local path = vm.path()
  local db = assert(sq.open(path))
  assert(db:add { request_id = "r", session_id = "s", user_id = "u", created_at = 1 })
  for what, call in pairs {
    organization = function() sq.open(path, { organization = "\0x" }) end,
    project = function() sq.open(path, { project = "default\0x" }) end,
    path = function() sq.open(path .. "\0x") end,
    request = function() db:delete { request = "r\0x" } end,
    session = function() db:delete { session = "s\0x" } end,
    user = function() db:delete { user = "u\0x" } end,
    tagged = function() db:tag("s\0x", "t") end,
    one = function() db:session "s\0x" end,
    feedback = function() db:feedback { request_id = "r\0x", key = "k" } end,
    export = function() db:export "build/spec/x\0y" end,
    backup = function() db:backup "build/spec/x\0y" end,
    import = function() db:import "build/spec/x\0y" end,
  } do
    local good, message = pcall(call)
    assert(not good and message:find "holds a NUL byte", what .. ": " .. tostring(message))
    assert(message:find "10%-nul%-in%-names_spec%.lua:%d+:", message)
  end
  assert.equal(1, assert(db:requests():count()))
  db:close()
end)

it("a NUL in what is said is repaired", function()
  local db = assert(sq.open ":memory:")
  assert(db:add { request_id = "r", session_id = "s", created_at = 1 })
  assert(db:tag("s", "a\0b\255"))
  assert.same({ "a\239\191\189b\239\191\189" }, assert(assert(db:session "s"):get()).tags)
  assert(assert(db:session "s"):set { ["k\0"] = "v\255" })
  assert.same({ ["k\239\191\189"] = "v\239\191\189" }, assert(assert(db:session "s"):get()).metadata)
  db:close()
end)
