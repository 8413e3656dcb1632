--- Compressed bodies: read from pieces of any size, within bounds, and never with an error that is raised.
local core = require "sessionquery.core"
local compress = require "spec.support.compress"

local MANY = 2 ^ 40

--- All text of the pieces; or nil, message, detail, and what came before.
local function inflate(inflater, pieces)
  local out = {}
  for _, bytes in ipairs(pieces) do
    local at = 1
    repeat
      local text, next_at, detail = inflater:read(bytes, at)
      if not text then return nil, next_at, detail, table.concat(out) end
      out[#out + 1], at = text, next_at
    until text == ""
  end
  return table.concat(out)
end

local function cut(bytes, size)
  local pieces = {}
  for at = 1, #bytes, size do pieces[#pieces + 1] = bytes:sub(at, at + size - 1) end
  return pieces
end

local function format_of(encoding) return encoding:find "gzip" and "gzip" or "deflate" end

describe("core.inflater", function()
  local text = ("The quick brown fox. "):rep(8000) .. "end"

  it("reads each form, in pieces of any size", function()
    for _, form in ipairs(compress(text)) do
      for _, size in ipairs { 1, 2, 3, 7, 100, 1e9 } do
        assert.equal(text, (inflate(core.inflater(format_of(form[1]), MANY, 1e6), cut(form[2], size))))
      end
    end
  end)

  it("reads several gzip members as one text, and passes over what follows", function()
    local one = compress("one ")[1][2]
    local two = compress("two")[1][2]
    for size = 1, #one + #two do
      assert.equal("one two", (inflate(core.inflater("gzip", MANY, 1000), cut(one .. two .. "\0\0rubbish", size))))
    end
    assert.equal("two", (inflate(core.inflater("deflate", MANY, 1000), { compress("two")[3][2] .. "rubbish" })))
  end)

  it("tells of damage, again and again", function()
    -- a first block of the type that does not exist, after each kind of header
    local headers = { gzip = compress("x")[1][2]:sub(1, 10), bare = "", zlib = "\120\218" }
    for kind, header in pairs(headers) do
      local inflater = core.inflater(kind == "gzip" and "gzip" or "deflate", MANY, 1e6)
      for _ = 1, 2 do
        local got, message, detail = inflate(inflater, { header .. ("\255"):rep(200) })
        assert.is_nil(got)
        assert.equal("string", type(message))
        assert.equal("syntax", detail.code)
      end
    end
    local packed = compress(text)[1][2]
    local _, message, _, before = inflate(core.inflater("gzip", MANY, 1e6), { packed:sub(1, -9), ("\0"):rep(8) })
    assert.equal("incorrect data check", message)
    assert.equal(text:sub(1, #before), before)
    assert.is_nil(inflate(core.inflater("gzip", MANY, 1000), { "no gzip at all" }))
  end)

  it("ends at its bounds, after what it has read", function()
    local packed = compress(text)[1][2]
    local got, message, detail, before = inflate(core.inflater("gzip", 50000, 1e6), { packed })
    assert.is_nil(got)
    assert.equal("the body inflates to more than 50000 bytes", message)
    assert.equal("limit", detail.code)
    assert(#before <= 50000)
    local bomb = compress(("\0"):rep(4 * 1024 * 1024))[1][2]
    got, message, detail, before = inflate(core.inflater("gzip", MANY, 100), { bomb })
    assert.is_nil(got)
    assert.equal("the body inflates to more than 100 times its size", message)
    assert.equal("limit", detail.code)
    assert(#before <= 1024 * 1024 + 32768, #before)
  end)

  it("takes its input away once, wherever it is cut", function()
    local packed = compress("twice")[1][2]
    local inflater = core.inflater("gzip", MANY, 100)
    assert.equal("twice", (inflater:read("xx" .. packed, 3)))
    local again, at = inflater:read("xx" .. packed, #packed + 3)
    assert.equal("", again)
    assert.equal(#packed + 3, at)
    assert.equal("", (inflater:read("", 1)))
  end)

  it("is closed once or twice, and then raises", function()
    local inflater = core.inflater("gzip", 1, 1)
    assert.equal("inflater", core.type(inflater))
    inflater:close()
    inflater:close()
    assert.has_error(function() inflater:read("x", 1) end, "the inflater is closed")
    core.inflater("deflate", 1, 1) -- left to the collector, not begun and begun
    core.inflater("gzip", 10, 1):read(compress("x")[1][2]:sub(1, 12), 1)
    collectgarbage()
  end)

  it("raises at wrong arguments", function()
    for _, wrong in ipairs { { "br", 1, 1 }, { "gzip", 0, 1 }, { "gzip", 1, 0 }, { "gzip", 0 / 0, 1 }, { "gzip", 1, 1 / 0 }, { nil, 1, 1 } } do
      assert.is_false((pcall(core.inflater, wrong[1], wrong[2], wrong[3])))
    end
    local inflater = core.inflater("gzip", 1, 1)
    for _, from in ipairs { 0, 3, -1, 0 / 0, 1 / 0 } do assert.is_false((pcall(inflater.read, inflater, "x", from))) end
    assert.is_false((pcall(inflater.read, inflater, {}, 1)))
  end)
end)
