--- Random bytes, broken JSON, wrong types and sizes to every entry point: nil, a message and a detail, or a
--- raised error where a caller made a mistake; never a crash, and never a change.
local core = require "sessionquery.core"
local random = require "spec.support.random"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local rng = random.new(4242)

local function bytes(length)
  local list = {}
  for i = 1, length do list[i] = string.char(rng.int(0, 255)) end
  return table.concat(list)
end

local pieces = { "{", "}", "[", "]", ":", ",", '"', "\\", "'", "(", ")", "null", "true", "1e999", "-0", "0.1", "and",
  "or", "not", "some(", "every(", "entry(",
  "model", "latency_ms", "session.", "properties.", "in (", "between ", "like '", "is absent", "=", "!=", "<", ">",
    "\0", "\255", "é", "\\u0000", "\\ud800",
  '"request_response_rmt"', '"left"', '"right"', '"operator"', '"equals"', '"properties"', '"feedback"', '"latency"',
    "2026-11-20", " ", "\n" }

local function noise()
  if rng.chance(30) then return bytes(rng.int(0, 60)) end
  local list = {}
  for i = 1, rng.int(0, 25) do list[i] = rng.pick(pieces) end
  return table.concat(list)
end

local function valid_utf8(text)
  local left = text:gsub("[%z\1-\127]", ""):gsub("[\194-\223][\128-\191]", ""):gsub("[\224-\239][\128-\191][\128-\191]", "")
    :gsub("[\240-\244][\128-\191][\128-\191][\128-\191]", "")
  return left == ""
end

--- The law of errors.
local function lawful(what, source, result, message, detail)
  if result ~= nil then return true end
  local where = ("%s of %q"):format(what, source)
  assert(type(message) == "string" and #message > 0 and valid_utf8(message), where)
  assert(type(detail) == "table" and type(detail.code) == "string", where)
  if detail.offset then
    assert(detail.offset >= 0 and detail.offset <= #source and detail.offset + detail.length <= #source, where .. ": " .. message)
  end
  return false
end

describe("noise", function()
  it("to the compilers", function()
    for _ = 1, 20000 do
      local source = noise()
      lawful("where", source, sq.filter("where", source))
      lawful("helicone", source, sq.filter("helicone", source))
      lawful("body", source, sq.query("helicone", source))
    end
  end)

  it("to the compilers: right sources cut, doubled and mutated", function()
    local right = {
      { "where", "cost_usd > 0.5 and (model = 'gpt-4o' or properties.env like 'prod%') and not some(status >= 500)" },
      { "helicone", '{"left":{"request_response_rmt":{"properties":{"Helicone-Session-Name":{"contains":"support"}}}},"operator":"and","right":{"request_response_rmt":{"cost":{"gt":0.001}}}}' },
    }
    for _, case in ipairs(right) do
      local dialect, source = case[1], case[2]
      for i = 0, #source do lawful(dialect, source:sub(1, i), sq.filter(dialect, source:sub(1, i))) end
      for _ = 1, 5000 do
        local at = rng.int(1, #source)
        local changed = source:sub(1, at - 1) .. string.char(rng.int(0, 255)) .. source:sub(at + rng.int(0, 2))
        lawful(dialect, changed, sq.filter(dialect, changed))
      end
    end
  end)

  it("to filters that compile: they also run", function()
    local db = assert(sq.open ":memory:")
    assert(db:add { request_id = "r", session_id = "s", created_at = 1, properties = { a = 1 } })
    local ran = 0
    for _ = 1, 3000 do
      local source = noise()
      local filter = sq.filter("where", source) or sq.filter("helicone", source)
      if filter then
        ran = ran + 1
        lawful("count", source, db:sessions():where(filter):count())
        assert(filter:dump() and filter:sql())
      end
    end
    assert(ran > 0)
    db:close()
  end)

  it("to answers", function()
    local db = assert(sq.open ":memory:")
    for _ = 1, 3000 do
      local body = noise()
      local status, text = sq.answer("helicone", db, body)
      assert.equal(400, status)
      assert(valid_utf8(text))
      assert(assert(core.decode(text)).error, text)
    end
    db:close()
  end)

  it("to import: nothing is lost in silence", function()
    local noise_path = vm.path "noise.jsonl"
    local db = assert(sq.open ":memory:")
    for _ = 1, 300 do
      local lines = {}
      for i = 1, rng.int(1, 20) do
        lines[i] = rng.chance(30) and ('{"request_id":"%d","created_at":1}'):format(rng.int(1, 9)) or (noise():gsub("[\r\n]", " "))
      end
      local text = table.concat(lines, "\n") .. "\n"
      for _, format in ipairs { "canonical", "helicone" } do
        local sum = assert(db:import(vm.write(noise_path, text), { format = format }))
        local blank = 0
        for _, line in ipairs(lines) do
          if not line:find "[^ \t\r]" then blank = blank + 1 end
        end
        assert.equal(sum.lines, sum.added + sum.replaced + sum.failed + blank, text)
      end
    end
    os.remove(noise_path)
    db:close()
  end)

  it("to add and update, as Lua values of any shape", function()
    local db = assert(sq.open ":memory:")
    local fields = core.fields()
    local function value(depth)
      local kind = rng.int(1, depth > 3 and 6 or 8)
      if kind == 1 then return noise() end
      if kind == 2 then return rng.pick { 0, -1, 0.5, 1e300, -1e300, 2 ^ 53, 2 ^ 63, 1e-320, 1 / 0, 0 / 0 } end
      if kind == 3 then return rng.chance(50) end
      if kind == 4 then return sq.null end
      if kind == 5 then return rng.int(0, 5) end
      if kind == 6 then return print end
      local made = {}
      for i = 1, rng.int(0, 3) do
        if kind == 7 then made[i] = value(depth + 1) else made[noise()] = value(depth + 1) end
      end
      return made
    end
    local taken = 0
    for _ = 1, 4000 do
      local record = { request_id = rng.chance(80) and "r" .. rng.int(1, 5) or value(0),
        created_at = rng.chance(80) and rng.int(1, 99) or value(0) }
      for _ = 1, rng.int(0, 3) do record[rng.pick(fields).name] = value(0) end
      local before = assert(db:requests():count())
      local id, message, detail = db:add(record)
      if lawful("add", "", id, message, { code = detail and detail.code }) then
        taken = taken + 1
      else
        assert.equal(before, assert(db:requests():count()))
      end
      id, message, detail = db:update(record)
      lawful("update", "", id, message, { code = detail and detail.code })
    end
    assert(taken > 100, taken)
    for _ in db:sessions():each() do taken = taken + 1 end
    assert(db:requests({ bodies = true }):json())
    db:close()
  end)

  it("to cursors", function()
    local db = assert(sq.open ":memory:")
    assert(db:add { { request_id = "a", created_at = 1 }, { request_id = "b", created_at = 2 } })
    local cursor = assert(db:requests():limit(1):page()).next
    for _ = 1, 3000 do
      local text = rng.chance(50) and noise() or cursor:sub(1, rng.int(0, #cursor)) .. noise()
      if text ~= cursor then
        local page, message, detail = db:requests():limit(1):after(text):page()
        assert.is_nil(page)
        assert.equal("cursor", detail.code, message)
      end
    end
    db:close()
  end)

  it("to JSON decoding", function()
    for _ = 1, 20000 do
      local text = noise()
      local value, message = core.decode(text)
      assert(value ~= nil or message or text:find "^%s*null%s*$", text)
    end
  end)
end)

describe("wrong arguments", function()
  local things = { 1, 0.5, "x", "", "sql\0", true, false, sq.null, {}, print, 0 / 0, "AUTO", "columns ", "manual" }

  it("to open's engine and seal are told at the caller's line", function()
    for _, name in ipairs { "engine", "seal" } do
      for _, thing in ipairs(things) do
        if not (name == "seal" and thing == "manual") then
          local opened, message = pcall(function() return (sq.open(":memory:", { [name] = thing })) end)
          assert(not opened, name)
          assert(message:find("^%.?/?spec/hostile_spec.lua:%d+: open: " .. name), message)
        end
      end
    end
    -- the core refuses by itself what Lua would not let through
    assert(not pcall(core.open, ":memory:", { engine = "fast" }))
    assert(not pcall(core.open, ":memory:", { engine = "sql\0" }))
    for _, rows in ipairs { -1, 65537, 2 ^ 40, 0 } do
      local opened = core.open(":memory:", { segment_rows = rows })
      if opened then opened:close() end
    end
  end)

  it("to seal, reindex and check are told at the caller's line", function()
    local db = assert(sq.open ":memory:")
    for _, name in ipairs { "seal", "reindex", "check" } do
      for _, thing in ipairs(things) do
        local done, message = pcall(function() return (db[name](db, thing)) end)
        assert(not done)
        assert(message:find("hostile_spec.lua:%d+: " .. name .. " takes no argument$"), message)
        done, message = pcall(function() return (db[name](thing)) end)
        assert(not done)
        assert(message:find("hostile_spec.lua:%d+: expected a store: methods are called with a colon"), message)
      end
      assert(not pcall(db[name]))
      assert(not pcall(function() return (db[name](db, nil)) end))
    end
    db:close()
  end)
end)

describe("damaged stores", function()
  it("give errors, not crashes", function()
    local path = vm.path "whole.db"
    local db = assert(sq.open(path))
    local records = {}
    for i = 1, 300 do records[i] = { request_id = "r" .. i, session_id = "s" .. i % 9, created_at = i, model = "m",
      properties = { a = "b" }, scores = { q = 1 } } end
    assert(db:add(records))
    db:close()
    local whole = vm.read(path)
    for _ = 1, 150 do
      local at = rng.int(1, #whole - 60)
      local damaged = vm.write(vm.path "damaged.db", whole:sub(1, at - 1) .. bytes(rng.int(1, 50)) .. whole:sub(at + 50))
      local opened, message, detail = sq.open(damaged)
      if lawful("open", "", opened, message, { code = detail and detail.code }) then
        local rows, why, more = opened:sessions():where "properties.a = 'b' or scores.q = 1 or tags has 'x'":all()
        lawful("read", "", rows, why, { code = more and more.code })
        rows, why, more = opened:add { request_id = "new", created_at = 1 }
        lawful("write", "", rows, why, { code = more and more.code })
        opened:close()
      end
      vm.remove(damaged)
    end
    vm.remove(path)
  end)

  it("whose column index is damaged give the rows of SQLite, or an error: never others", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    local records = {}
    for i = 1, 300 do records[i] = { request_id = "r" .. i, session_id = "s" .. i % 9, created_at = i, model = "m" .. i % 3, cost_usd = 0.5,
      latency_ms = i, user_id = "u" .. i % 7, properties = { a = tostring(i % 4) } } end
    assert(db:add(records))
    assert(db:seal())
    db:close()
    local questions = {
      function(store) return store:sessions():json() end,
      function(store) return store:sessions():where "model = 'm1'":order_by "-latency_p99_ms":limit(5):json() end,
      function(store) return store:group_by("user_id", "properties.a"):json() end,
      function(store) return store:requests():where "properties.a = '1'":limit(20):json() end,
      function(store) return store:sessions():where "session.total_cost_usd > 0.5":count() end,
      function(store) return store:delete { session = "none" } and store:session("s1"):get().total_requests end,
    }
    local sql, right, same, failed = assert(sq.open(path, { engine = "sql" })), {}, 0, 0
    for i, ask in ipairs(questions) do right[i] = assert(ask(sql)) end
    sql:close() -- what is open keeps what it has mapped
    local whole = vm.read(path .. "-columns")
    for _ = 1, 250 do
      local at = rng.int(1, #whole)
      local damaged = rng.chance(10) and whole:sub(1, at) or whole:sub(1, at - 1) .. bytes(rng.int(1, 20)) .. whole:sub(at + 20)
      os.remove(path .. "-columns") -- another may have it mapped
      vm.write(path .. "-columns", damaged)
      for _, options in ipairs { {}, { engine = "columns" } } do
        local opened = assert(sq.open(path, options))
        for i, ask in ipairs(questions) do
          local answered, answer, message, detail = pcall(ask, opened)
          if answered and lawful("ask", "", answer, message, detail) then
            assert.same(right[i], answer)
            same = same + 1
          else
            failed = failed + 1
          end
        end
        lawful("explain", "", opened:sessions():explain())
        lawful("check", "", opened:check())
        assert(opened:stats())
        opened:close()
      end
    end
    assert(same > 200 and failed > 20, failed)
    db = assert(sq.open(path))
    assert(db:reindex())
    assert.equal(300, assert(db:check()))
    db:close()
    vm.remove(path)
  end)

  it("with a manifest that others wrote wrong give the rows of SQLite, or an error", function()
    local path, copy = vm.path(), vm.path "copy.db"
    local db = assert(sq.open(path))
    for i = 1, 60 do assert(db:add { request_id = "r" .. i, session_id = "s" .. i % 9, created_at = i, model = "m" .. i % 3 }) end
    assert(db:seal())
    assert(db:add { request_id = "late", session_id = "late", created_at = 99 })
    local right = assert(db:sessions():order_by "id":json())
    db:close()
    local wild = { "0", "-1", "1", "7", "4096", "61", "9223372036854775807", "-9223372036854775808", "NULL", "'x'", "1.5", "x'00'" }
    local columns = { "segment.id", "segment.first_seq", "segment.last_seq", "segment.rows", "segment.place", "segment.size", "column_index.stamp",
      "column_index.sealed_end", "column_index.sessions", "column_index.file", "column_index.store_high",
      "request_hash.hashes", "request_hash.first_seq", "request_hash.last_seq", "request_hash.stamp" }
    for _, column in ipairs(columns) do
      for _, value in ipairs(wild) do
        vm.write(copy, vm.read(path))
        vm.write(copy .. "-columns", vm.read(path .. "-columns"))
        local wrong = ("UPDATE OR IGNORE %s SET %s = %s"):format(column:match "^(.-)%.", column:match "%.(.*)$", value)
        vm.shell(("sqlite3 %s \"%s\""):format(copy, wrong))
        local opened = assert(sq.open(copy))
        -- a sealed end that lies is the one thing that nobody can tell from a right one
        local rows, message, detail = opened:sessions():order_by "id":json()
        if lawful(wrong, "", rows, message, detail) and not column:find "sealed_end" then assert.equal(right, rows, wrong) end
        local compared, why, more = opened:check()
        lawful(wrong, "", compared, why, more)
        local known, problem, place = opened:add { request_id = "r5", session_id = "s5", created_at = 5, model = "m2" }
        lawful(wrong, "", known, problem, place)
        assert(opened:reindex())
        opened:close()
        opened = assert(sq.open(copy))
        assert(assert(opened:check()) >= 61, wrong)
        assert(opened:sessions():explain():find "^engine: columns", wrong)
        opened:close()
        vm.remove(copy)
      end
    end
    vm.remove(path)
  end)

  it("with JSON that others wrote wrong into them are read as far as it is right", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    assert(db:add { { request_id = "a", session_id = "s", created_at = 1, properties = { x = "1" } },
      { request_id = "b", session_id = "s", created_at = 2 } })
    vm.shell("sqlite3 " .. path .. " \"UPDATE request SET properties = '{broken', scores = 'nonsense', extra = '[1' WHERE request_id = 'b'\"")
    assert.equal(1, assert(db:requests():where "properties.x = '1'":count()))
    lawful("rows", "", db:requests():all())
    lawful("sessions", "", db:sessions():all())
    lawful("json", "", db:requests():json())
    db:close()
    vm.remove(path)
  end)
end)
