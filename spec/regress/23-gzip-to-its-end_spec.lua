--- What stood behind a gzip member, damaged or plain, was passed over in silence.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local function gzip(name, text)
  local path = vm.path(name)
  vm.write(path, text)
  vm.shell("gzip -nf " .. path)
  local whole = vm.read(path .. ".gz")
  os.remove(path .. ".gz")
  return whole
end

local function line(id) return ('{"request_id":"%s","created_at":1}\n'):format(id) end

it("all members are read, and what is none is an error", function()
  local one, two = gzip("one", line "a"), gzip("two", line("b"):rep(3) .. line "c")
  local path = vm.path "joined.gz"
  local function import(text)
    local db = assert(sq.open ":memory:")
    local sum, message, detail = db:import(vm.write(path, text))
    local count = assert(db:requests():count())
    db:close()
    return sum, message or count, detail
  end
  local sum, count = import(one .. two)
  assert.same({ 5, 3 }, { sum.lines, count })
  assert(import(one .. ("\0"):rep(700))) -- as a tape leaves it
  for text, why in pairs {
    [one .. "X" .. two:sub(2)] = "behind its gzip data stands something else",
    [one .. line "plain"] = "behind its gzip data stands something else",
    [one .. two:sub(1, -3)] = "ends too early",
    [one .. two:sub(1, 5)] = "ends too early",
    [one:sub(1, -8) .. "\1\2\3\4" .. one:sub(-4)] = "incorrect data check",
  } do
    local bad, message, detail = import(text)
    assert.is_nil(bad)
    assert(message:find(why, 1, true) and message:find(path, 1, true), message)
    assert.equal("store", detail.code)
  end
end)

it("a byte order mark is no part of the first line", function()
  local db = assert(sq.open ":memory:")
  assert.equal(2, assert(db:import(vm.write(vm.path "mark.jsonl", "\239\187\191" .. line "a" .. line "b"))).added)
  assert.equal(1, assert(db:import(vm.write(vm.path "mark.jsonl.gz", gzip("mark", "\239\187\191" .. line "c")))).added)
  db:close()
end)
