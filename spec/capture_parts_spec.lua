--- The readers below the recorder: lines of events, items of JSON; and what they do with hostile bytes.
local buffer = require "sessionquery.capture.buffer"
local capture = require "sessionquery.capture"
local core = require "sessionquery.core"
local compress = require "spec.support.compress"
local json_split = require "sessionquery.capture.json_split"
local sse = require "sessionquery.capture.sse"

local function generator(seed)
  return function(most)
    seed = (seed * 16807) % 2147483647
    return seed % most + 1
  end
end

--- All events of the pieces, as "name|data".
local function events_of(pieces, most)
  local list = {}
  local reader = sse.new { most = most or 100, on_event = function(name, data) list[#list + 1] = (name or "") .. "|" .. data end }
  for _, piece in ipairs(pieces) do assert.equal(piece, reader:feed(piece)) end
  assert.equal("", reader:finish())
  return list, reader
end

local function each_cut(text, check)
  check { text }
  for cut = 1, #text - 1 do check { text:sub(1, cut), text:sub(cut + 1) } end
  for cut = 1, #text - 2 do check { text:sub(1, cut), text:sub(cut + 1, cut + 1), "", text:sub(cut + 2) } end
  local bytes = {}
  for i = 1, #text do bytes[i] = text:sub(i, i) end
  check(bytes)
end

describe("server-sent events", function()
  for _, case in ipairs {
    { "data: a\n\n", { "|a" } },
    { "data:a\n\n", { "|a" } },
    { "data:  a \n\n", { "| a " } },
    { "data: a\ndata: b\n\n", { "|a\nb" } },
    { "data\ndata\n\n", { "|\n" } },
    { "data:\n\n", { "|" } },
    { "data\n\n", { "|" } },
    { "event: x\ndata: a\n\ndata: b\n\n", { "x|a", "|b" } },
    { "event: x\n\ndata: b\n\n", { "|b" } }, -- the name goes with its event
    { "event:x\nevent:y\ndata: a\n\n", { "y|a" } },
    { ": comment\n\n:\n\ndata: a\n\n", { "|a" } },
    { "id: 1\nretry: 5\ndata: a\nfield\nother: x\n\n", { "|a" } },
    { "Data: a\ndatas: b\n data: c\ndata : d\ndata: e\n\n", { "|e" } },
    { "data: a\r\n\r\ndata: b\r\rdata: c\n\n", { "|a", "|b", "|c" } },
    { "data: a\r\ndata: b\rdata: c\n\r\n", { "|a\nb\nc" } },
    { "\n\n\r\r\n\ndata: a\n\n\n\n", { "|a" } },
    { "data: a", { "|a" } },
    { "data: a\n", { "|a" } },
    { "data: a\r", { "|a" } },
    { "data: a\n\ndata: b", { "|a", "|b" } },
    { "\239\187\191data: a\n\n", { "|a" } },
    { "\239\187data: a\n\ndata: b\n\n", { "|b" } },
    { "data: \239\187\191\n\n\239\187\191data: b\n\n", { "|\239\187\191" } },
    { "\239\187\191", {} },
    { "\239", {} },
    { "\239\n\ndata: a\n\n", { "|a" } },
    { "", {} },
    { "data: \0\255\n\n", { "|\0\255" } },
    { "data: " .. ("x"):rep(100) .. "\n\ndata: a\n\n", { "|" .. ("x"):rep(100), "|a" } },
    { "data: " .. ("x"):rep(101) .. "\n\ndata: a\n\n", { "|a" }, 1 },
    { "data: " .. ("x"):rep(150) .. "\ndata: y\nevent: z\n\ndata: a\n\n", { "|a" }, 1 },
    { "data: " .. ("x"):rep(60) .. "\ndata: " .. ("x"):rep(60) .. "\n\ndata: a\n\n", { "|a" }, 1 },
    { ("data:\n"):rep(120) .. "\ndata: a\n\n", { "|a" }, 1 },
    { ":" .. ("x"):rep(300) .. "\ndata: a\n\n", { "|a" } },
    { ("x"):rep(300), {} },
    { "data: " .. ("x"):rep(300), {}, 1 },
  } do
    it(("%q"):format(case[1]:sub(1, 60)):gsub("[%c\128-\255]", "."), function()
      each_cut(case[1], function(pieces)
        local list, reader = events_of(pieces)
        assert.same(case[2], list)
        assert.equal(case[3] or 0, reader.too_long)
      end)
    end)
  end

  it("give out, when they hold, all bytes but those of the events that are taken out", function()
    local random = generator(7)
    local parts = { "data: a\n\n", "data: DROP\n\n", "data: b\r\n\r\n", "data: DROP\r\n\r\n", "data: c\r\r", "data: DROP\r\r", ": x\n\n", "\n", "\r\n", "event: e\ndata: DROP\n\n",
      "data: DR\ndata: OP\n\n", ("data: " .. ("y"):rep(120)) .. "\n\n" }
    for _ = 1, 2000 do
      local text, kept = {}, {}
      for _ = 1, random(6) do
        local part = parts[random(#parts)]
        text[#text + 1] = part
        if not part:find "DROP" then kept[#kept + 1] = part end
      end
      text, kept = table.concat(text), table.concat(kept)
      -- a block that ends with CR takes a LF with it that follows
      if not text:find "\r\r\n" and not text:find "\r\n\r\n\n" then
        local reader = sse.new { most = 100, hold = true, on_event = function(_, data) return data == "DROP" end }
        local out, at = {}, 1
        while at <= #text do
          local size = random(12)
          out[#out + 1] = reader:feed(text:sub(at, at + size - 1))
          at = at + size
        end
        out[#out + 1] = reader:finish()
        assert.equal(kept, table.concat(out))
      end
    end
  end)
end)

describe("items of JSON", function()
  local function items_of(pieces, wanted, most)
    local list, places = {}, {}
    local reader = json_split.new { most = most or 1000, wanted = wanted, on_item = function(text, from, key)
      list[#list + 1] = (key and key .. "=" or "") .. text
      places[#places + 1] = { from, text }
    end }
    for _, piece in ipairs(pieces) do reader:feed(piece) end
    local whole = table.concat(pieces)
    for _, place in ipairs(places) do assert.equal(place[2], whole:sub(place[1], place[1] + #place[2] - 1)) end
    return list, reader
  end

  for _, case in ipairs {
    { "[1,2]", { "1", "2" } },
    { '[ {"a":[1,2]} , "x,]" ,[]]', { ' {"a":[1,2]} ', ' "x,]" ', "[]" } },
    { "[]", {} },
    { "[ ]", {} },
    { " \n[1]\n", { "1" } },
    { '{"a":1,"b":{"c":[","]},"d":"}"}', { 'a="a":1', 'b="b":{"c":[","]}', 'd="d":"}"' } },
    { '{"a":1,"b":{"a":2},"c":"\\"a\\":"}', { 'a="a":1' }, { a = true } },
    { '{"\\u0061":1,"a\\"":2}', { 'a="\\u0061":1' }, { a = true } },
    { '{"a":"\\\\","b":"\\\\\\"","c":3}', { 'b="b":"\\\\\\""', 'c="c":3' }, { b = true, c = true } },
    { '{"x":"\\\\\\\\","c":3}', { 'c="c":3' }, { c = true } },
    { '\239\187\191{"a":1}', { 'a="a":1' } },
    { "{}", {} },
    { '{"a" : 1 , "b":2}', { 'a="a" : 1 ', 'b= "b":2' } },
    { '{"a":[[[[1]]]],"b":2}', { 'b="b":2' }, { b = true } },
    { '{"a":"' .. ("x"):rep(40) .. '","b":2}', { 'b="b":2' }, nil, 20, 1 },
    { "[" .. ("x"):rep(40) .. ",1]", { "1" }, nil, 20, 1 },
    { "[1,2", { "1" } },
    { "", {} },
    { "[1]rubbish[2]", { "1" } },
    { "]", {} },
    { "nonsense[1]", {} },
    { '"[1]"', {} },
    { "{,,1,}", {} },
    { '{1:2,"a":3}', { 'a="a":3' }, { a = true } },
    { "[1}", { "1" } },
  } do
    it(("%q"):format(case[1]:sub(1, 60)):gsub("[%c\128-\255]", "."), function()
      each_cut(case[1], function(pieces)
        local list, reader = items_of(pieces, case[3], case[4])
        assert.same(case[2], list)
        assert.equal(case[5] or 0, reader.too_long)
      end)
    end)
  end
end)

describe("items of JSON", function()
  local random = generator(3)
  local texts = { "", "a", '"', "\\", "{", "]", ",", "\\\"", "ä🌍", "\n", "stream" }

  local function value(depth)
    local kind = random(depth > 3 and 3 or 5)
    if kind == 1 then return random(1000) end
    if kind == 2 then return texts[random(#texts)] .. texts[random(#texts)] end
    if kind == 3 then return random(2) == 1 and core.null end
    local made = {}
    for i = 1, random(4) do made[kind == 4 and i or texts[random(#texts)] .. i] = value(depth + 1) end
    return made
  end

  it("are those of the whole, for any document and any cuts", function()
    for _ = 1, 3000 do
      local whole = value(0)
      if type(whole) == "table" then
        local text, list = core.encode(whole), {}
        local reader = json_split.new { most = 1e6, on_item = function(item) list[#list + 1] = item end }
        local at = 1
        while at <= #text do
          local size = random(9)
          reader:feed(text:sub(at, at + size - 1))
          at = at + size
        end
        assert.is_true(reader.over)
        assert.equal(#text, reader.closes)
        local joined = table.concat(list, ",")
        assert.same(whole, (core.decode(reader.kind == "array" and "[" .. joined .. "]" or "{" .. joined .. "}")))
      end
    end
  end)

  it("let force_usage change a body in one place only", function()
    local asked = 0
    for round = 1, 3000 do
      local body = { stream = true, messages = value(1), stream_options = random(3) > 1 and value(2) or nil, x = value(2) }
      if type(body.stream_options) == "table" and random(2) == 1 then body.stream_options.include_usage = random(2) == 1 end
      local text = core.encode(body)
      local call = capture.request { path = "/v1/chat/completions", body = text, settings = { force_usage = true } }
      if call.body then
        asked = asked + 1
        local changed = core.decode(call.body)
        assert.is_true(changed.stream_options.include_usage, round)
        local options = core.decode(text).stream_options
        if type(options) == "table" then changed.stream_options.include_usage = options.include_usage else changed.stream_options = options end
        assert.same(core.decode(text), changed)
      else
        local options = body.stream_options
        assert(options == false or type(options) ~= "nil" and options ~= core.null)
      end
    end
    assert(asked > 1000)
  end)
end)

describe("a buffer", function()
  it("joins many pieces in a time that is nearly linear, and keeps few of them", function()
    local text = buffer.new()
    for i = 1, 200000 do text:add(string.char(i % 256)) end
    assert(#text < 20)
    assert.equal(200000, text.bytes)
    assert.equal(200000, #text:peek())
    assert.equal(200000, #text:take())
    assert.equal("", text:take())
    assert.equal(0, text.bytes)
  end)
end)

describe("hostile answers", function()
  local paths = { "/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/messages", "/v1/models/g:streamGenerateContent", "/v1/completions", "/other" }
  local kinds = { "text/event-stream", "application/json", "", "text/plain", false }
  local words = { "data: ", "event: ", "message_delta", "\n", "\r", "\n\n", "{", "}", "[", "]", ",", ":", '"', "\\", "usage", '"usage":', '"usage":{', "null", '"choices":', "1", "-1",
    "1e999", '"error":', '"message":', '"type":', '"delta":', '"content_block_delta"', '"response":', '"model":', "true", '"candidates":[{"content":{"parts":[{', '"usageMetadata":',
    '"finish_reason":"stop"', "[DONE]", "\0", "\255", "\239\187\191", "\\u0000", "\\ud800", '"prompt_tokens":', '"x_groq":', '"message_start"', '"content_block":', '"tool_use"', "[[[[" }

  it("of random words never raise, and pass as they are", function()
    local random = generator(99)
    for round = 1, 6000 do
      local settings = { max_event = 1024, response_bytes = random(3) == 1 and 0 or random(50), force_usage = random(2) == 1, clock = os.clock }
      local call = capture.request { path = paths[random(#paths)], headers = {}, settings = settings, body = '{"stream":true}' }
      local kind = kinds[random(#kinds)]
      local changes = call:headers(random(4) == 1 and 400 or 200, { ["content-type"] = kind or nil, ["content-encoding"] = random(9) == 1 and "gzip" or nil })
      local given, got = {}, {}
      for i = 1, random(30) do
        local piece = words[random(#words)]
        given[i], got[i] = piece, call:feed(piece)
      end
      got[#got + 1] = call:feed(nil, true)
      if not changes then assert.equal(table.concat(given), table.concat(got)) end
      local record = call:record { now = round }
      assert.equal("table", type(record))
      assert.is_nil(capture.settings(settings).counts.unread_failed)
    end
  end)

  it("of random words make one record, however they are cut", function()
    local random = generator(tonumber(os.getenv "AGREE_SEED") or 5)
    local function run(case, size)
      local settings = { max_event = 1024, response_bytes = 40, force_usage = case.force }
      local call = capture.request { path = case.path, headers = {}, settings = settings, body = '{"stream":true}' }
      call:headers(case.status, { ["content-type"] = case.kind or nil })
      local out, at = {}, 1
      while at <= #case.text do
        local bytes = size or random(20)
        out[#out + 1] = call:feed(case.text:sub(at, at + bytes - 1))
        at = at + bytes
      end
      out[#out + 1] = call:feed("", true)
      return { call:record { now = 1 }, table.concat(out), capture.settings(settings).counts }
    end
    for _ = 1, 3000 do
      local text = {}
      for i = 1, random(25) do text[i] = random(12) == 1 and words[random(#words)]:rep(random(400)) or words[random(#words)] end
      local case = { text = table.concat(text), path = paths[random(#paths)], kind = kinds[random(#kinds)], force = random(2) == 1, status = random(4) == 1 and 400 or 200 }
      if random(2) == 1 then case.text = case.text:gsub('[{%[:,"]', { ["{"] = "\ndata: {", ["["] = '{"choices":[],"usage":{"prompt_tokens":1}}\n\n' }) end
      local whole = run(case, 1e9)
      assert.same(whole, run(case, 1), case.text)
      assert.same(whole, run(case), case.text)
    end
  end)

  it("of wrong shapes tell nothing", function()
    for _, path in ipairs(paths) do
      for _, text in ipairs { "7", '"x"', "null", "[]", "{}", "[[]]", '{"choices":7,"usage":7,"model":7,"error":7,"x_groq":7,"response":7,"message":7,"delta":7,"candidates":7,"promptFeedback":7}',
        '{"choices":[7,[],{"delta":7},{"delta":[]}],"candidates":[7,{"content":7},{"content":{"parts":7}},{"content":{"parts":[7]}}],"type":7,"usageMetadata":[]}',
        '{"type":"message_start","message":7}', '{"type":"content_block_delta","delta":7}', '{"type":"content_block_start","content_block":7}', '{"type":"message_delta","delta":7}',
        '{"type":"response.completed","response":null}', '{"type":{}}', '{"a":' .. ("["):rep(5000), '{"usage":{"prompt_tokens":1},"usage":{"prompt_tokens":2}}' } do
        local settings = { clock = os.clock }
        for _, kind in ipairs { "text/event-stream", "application/json" } do
          local call = capture.request { path = path, settings = settings }
          call:headers(200, { ["content-type"] = kind })
          local body = kind:find "event" and "data: " .. text .. "\n\n" or text
          assert.equal(body, call:feed(body, true))
          local record = call:record {}
          assert.is_nil(record.error)
          assert.is_nil(record.time_to_first_token_ms)
        end
        assert.is_nil(capture.settings(settings).counts.unread_failed)
      end
    end
  end)

  it("keep memory within bounds", function()
    local settings = { max_event = 65536, response_bytes = 4096 }
    local piece = ("x"):rep(4000)
    for _, start in ipairs { "data: ", ": ", '{"usage":"', '[{"a":"', "[", "{", "event: ", '{"' } do
      for _, kind in ipairs { "text/event-stream", "application/json" } do
        local call = capture.request { path = "/v1/chat/completions", body = '{"stream":true}', settings = { max_event = 65536, response_bytes = 4096, force_usage = true } }
        call:headers(200, { ["content-type"] = kind })
        local out = #call:feed(start)
        collectgarbage()
        local before = collectgarbage "count"
        for _ = 1, 2500 do out = out + #call:feed(piece) end
        collectgarbage()
        assert(collectgarbage "count" - before < 400, start)
        out = out + #call:feed("\n\n", true)
        assert.equal(#start + 2500 * 4000 + 2, out)
      end
    end
    -- a bomb
    local bomb = compress(("data: \n\n"):rep(2000000))[1][2]
    local call = capture.request { path = "/v1/chat/completions", settings = settings }
    call:headers(200, { ["content-type"] = "text/event-stream", ["content-encoding"] = "gzip" })
    assert.equal(bomb, call:feed(bomb, true))
    assert.equal(1, capture.settings(settings).counts.unread_compressed)
    assert.equal(200, call:record({}).status) -- nobody knows how it ended
  end)

  it("are counted by what was not read", function()
    for _, case in ipairs {
      { "unread_encoding", { ["content-encoding"] = "br" }, "xxxx" },
      { "unread_encoding", { ["content-encoding"] = "gzip, gzip" }, "xxxx" },
      { "unread_compressed", { ["content-encoding"] = "gzip" }, "xxxx" },
      { "unread_long", { ["content-type"] = "text/event-stream" }, "data: " .. ("x"):rep(2000) .. "\n\n" },
      { "unread_long", { ["content-type"] = "application/json" }, '{"usage":"' .. ("x"):rep(2000) .. '"}' },
      { "unread_syntax", { ["content-type"] = "application/json" }, '{"usage":{"a":nonsense}}' },
      { "unread_syntax", { ["content-type"] = "text/event-stream" }, "data: {\n\n" },
    } do
      local settings = { max_event = 1024 }
      local call = capture.request { path = "/v1/chat/completions", settings = settings }
      call:headers(200, case[2])
      assert.equal(case[3], call:feed(case[3], true))
      local record = call:record {}
      assert.is_nil(record.prompt_tokens)
      assert.equal(1, capture.settings(settings).counts[case[1]], case[1])
    end
    local settings = {}
    capture.request { path = "/v1/chat/completions", headers = { ["content-encoding"] = "gzip" }, body = "x", settings = settings }
    assert.equal(1, capture.settings(settings).counts.unread_request_encoding)
  end)

  it("pass even when a reader of ours is at fault", function()
    for _, force in ipairs { true, false } do
      local settings = { force_usage = force }
      local call = capture.request { path = "/v1/chat/completions", body = '{"stream":true}', settings = settings }
      call:headers(200, { ["content-type"] = "text/event-stream" })
      local out = call:feed 'data: {"choices":[],'
      call.answer.api = { wants = function() error "fault" end }
      out = out .. call:feed '"x":1}\n\ndata: x'
      out = out .. call:feed "y\n\n" .. call:feed("z", true)
      assert.equal('data: {"choices":[],"x":1}\n\ndata: xy\n\nz', out)
      assert.equal(200, call:record({}).status)
      assert.equal(1, capture.settings(settings).counts.unread_failed)
    end
  end)
end)
