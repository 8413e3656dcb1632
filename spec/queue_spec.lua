--- The recorder's queue, and the strings that go to another Lua VM.
local pack = require "sessionquery.http.pack"
local queues = require "sessionquery.queue"

local function filled(...)
  local queue = queues.new { count = 100, bytes = 1000 }
  for _, line in ipairs { ... } do assert(queue:push(line)) end
  return queue
end

describe("a queue", function()
  it("gives the oldest first, in batches bounded in number and bytes, and keeps what is taken until it is done", function()
    local queue = filled("aaa", "bbb", "ccc", "ddd")
    assert.are.same({ "aaa", "bbb" }, queue:take(2, 100))
    assert.is_nil(queue:take(2, 100)) -- others are taken
    assert.are.equal(4, queue.count)
    queue:push "eee"
    queue:done()
    assert.are.equal(3, queue.count)
    assert.are.equal(9, queue.bytes)
    assert.are.same({ "ccc", "ddd" }, queue:take(9, 7))
    queue:done()
    assert.are.same({ "eee" }, queue:take(9, 1)) -- one at least
    queue:done()
    assert.is_nil(queue:take(9, 9))
    assert.are.equal(0, queue.bytes)
  end)

  it("knows of a batch whether any of it may be stored already: its id was given, or it was tried before", function()
    local queue = queues.new { count = 100, bytes = 1000 }
    for i, known in ipairs { false, false, true, false, false } do queue:push("line " .. i, known) end
    local seen = {}
    for i, most in ipairs { 2, 2, 1 } do
      seen[i] = select(2, queue:take(most, 1000))
      queue:done()
    end
    assert.are.same({ true, false, true }, seen)
    queue:push "one"
    queue:push "two"
    queue:take(1, 1000)
    queue:release() -- not tried
    assert.is_true(select(2, queue:take(1, 1000)))
    queue:failed()
    queue:push "three"
    assert.is_false(select(2, queue:take(2, 1000)))
    queue:done()
    assert.is_true(select(2, queue:take(1, 1000)))
  end)

  it("is bounded in number and in bytes", function()
    local queue = queues.new { count = 2, bytes = 10 }
    assert.is_true(queue:push "12345")
    assert.is_false(queue:push "123456")
    assert.is_true(queue:push "1234")
    assert.is_false(queue:push "1")
    queue:take(1, 1)
    assert.is_false(queue:push "1") -- what is taken still counts
    queue:done()
    assert.is_true(queue:push "1")
  end)

  it("takes what failed again, before all others, later and later", function()
    local queue = filled("a", "b")
    local delays = {}
    for i = 1, 9 do
      assert.are.same({ "a" }, queue:take(1, 1))
      queue:failed()
      delays[i] = queue:delay()
    end
    assert.are.same({ 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10 }, delays)
    queue:take(1, 1)
    queue:release() -- not tried: no reason to wait longer
    assert.are.equal(10, queue:delay())
    assert.are.same({ "a", "b" }, queue:take(9, 9))
    queue:done()
    assert.are.equal(0, queue:delay())
  end)
end)

describe("a packed table", function()
  local tables = {
    {}, { a = 1, b = "x", c = true, d = false }, { { "a", "b" }, { x = { y = { 1, 2.5, -3e300 } } } },
    { body = "\0\255:{}#;\n", [""] = "", empty = {} }, { 2 ^ 53, 0.1, 1e-9 },
  }
  for i, value in ipairs(tables) do
    it("is read as it was written " .. i, function() assert.are.same(value, pack.read(pack.write(value))) end)
  end

  it("is the same text for the same members", function()
    assert.are.equal(pack.write { a = 1, b = 2, [1] = 3 }, pack.write { [1] = 3, b = 2, a = 1 })
  end)

  it("holds no functions", function() assert.has_error(function() pack.write { f = print } end, "a function cannot be given to another Lua VM") end)
end)
