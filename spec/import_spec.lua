--- Import and export: every line is taken in once, or told of by its number.
local core = require "sessionquery.core"
local sq = require "sessionquery"
local vm = require "spec.support.vm"
local f = sq.field

local function memory() return assert(sq.open ":memory:") end

local function file(text, name) return vm.write(vm.path(name or "lines.jsonl"), text) end

local function lines_of(text)
  return text:gmatch "[^\n]+"
end

--- Records told over several lines, each made one line of the file.
local function joined(records)
  for index, record in ipairs(records) do
    records[index] = record:gsub("\n *", "") .. "\n"
  end
  return table.concat(records)
end

local function only(db) return assert(assert(db:requests { bodies = true }:all())[1]) end

describe("import", function()
  it("reads canonical lines from a path", function()
    local db = memory()
    local path = file '{"request_id":"a","created_at":1}\n\n  \n{"request_id":"b","created_at":"2026-11-20T10:00:00Z","unknown":{"x":1}}\r\n{"request_id":"c","created_at":3}'
    local sum = assert(db:import(path))
    assert.same({ lines = 5, added = 3, replaced = 0, updated = 0, skipped = 0, failed = 0, repaired = 0, errors = {} }, sum)
    assert.same({ x = 1 }, assert(db:requests():where(f.request_id:eq "b"):first()).extra.unknown)
    db:close()
  end)

  it("reads gzip as well", function()
    local path = vm.path "lines.jsonl"
    file('{"request_id":"a","created_at":1}\n{"request_id":"b","created_at":2}\n', "lines2.jsonl")
    vm.write(path, '{"request_id":"a","created_at":1}\n{"request_id":"b","created_at":2}\n')
    vm.shell("gzip -kf " .. path)
    local db = memory()
    assert.equal(2, assert(db:import(path .. ".gz")).added)
    vm.write(path, vm.read(path .. ".gz"):sub(1, -12))
    local sum, message, detail = db:import(path)
    assert.is_nil(sum)
    assert(message:find "ends too early", message)
    assert.equal("store", detail.code)
    db:close()
  end)

  it("reads any iterator of lines", function()
    local db = memory()
    local sum = assert(db:import(lines_of '{"request_id":"a","created_at":1}\n{"request_id":"b","created_at":2}\n'))
    assert.equal(2, sum.added)
    local count = 0
    sum = assert(db:import(function()
      count = count + 1
      if count <= 25000 then return ('{"request_id":"r%d","created_at":%d}'):format(count, count) end
    end))
    assert.equal(25000, sum.added)
    assert.equal(0, assert(db:import(function() end)).lines)
    assert.has_error(function() db:import(function() return 5 end) end, "import: the iterator gave a number, not a line")
    db:close()
  end)

  it("tells of bad lines by their numbers, and goes on", function()
    local db = memory()
    local path = file('{"request_id":"a","created_at":1}\n{"request_id":"b"}\nnot json\n{"request_id":"c","created_at":2,"latency_ms":"x"}\n' ..
      '[1]\n{"request_id":"d","created_at":3}\n{"request_id":"e","created_at":4')
    local sum = assert(db:import(path))
    assert.equal(2, sum.added)
    assert.equal(5, sum.failed)
    local seen = {}
    for i, detail in ipairs(sum.errors) do seen[i] = detail.line .. " " .. detail.code end
    assert.same({ "2 missing", "3 syntax", "4 type", "5 type", "7 syntax" }, seen)
    assert.equal("/latency_ms", sum.errors[3].pointer)
    assert(sum.errors[1].message:find "created_at is required")
    assert.equal(2, assert(db:requests():count()))
    db:close()
  end)

  it("stops at a bad line when asked to, keeping what came before its transaction", function()
    local db = memory()
    local lines = {}
    for i = 1, 10500 do lines[i] = ('{"request_id":"r%d","created_at":%d}'):format(i, i) end
    lines[10200] = '{"request_id":"bad"}'
    local i = 0
    local sum, message, detail = db:import(function()
      i = i + 1
      return lines[i]
    end, { on_error = "stop" })
    assert.is_nil(sum)
    assert.equal("line 10200: created_at is required", message)
    assert.equal(10200, detail.line)
    assert.equal("missing", detail.code)
    assert.equal(10000, detail.sum.added)
    assert.equal(10000, assert(db:requests():count()))
    db:close()
  end)

  it("names the first hundred bad lines, and counts all", function()
    local db = memory()
    local sum = assert(db:import(file(("{}\n"):rep(250))))
    assert.equal(250, sum.failed)
    assert.equal(100, #sum.errors)
    assert.equal(100, sum.errors[100].line)
    db:close()
  end)

  it("gives records without an id one that the line decides, so that importing twice never doubles", function()
    local db = memory()
    local text = '{"created_at":1,"model":"a"}\n{"created_at":1,"model":"a"}\n{"created_at":2}\n'
    local path = file(text)
    assert.equal(3, assert(db:import(path)).added)
    local again = assert(db:import(path))
    assert.equal(0, again.added)
    assert.equal(3, again.replaced)
    local moved = file(text .. '{"created_at":3}\n', "grown-elsewhere.jsonl")
    again = assert(db:import(moved))
    assert.equal(1, again.added)
    assert.equal(3, again.replaced)
    assert.equal(4, assert(db:import(lines_of(text .. '{"created_at":3}\n'))).replaced)
    assert.equal(4, assert(db:requests():count()))
    db:close()
  end)

  it("replaces, skips or updates what is known", function()
    local db = memory()
    assert(db:add { request_id = "a", created_at = 1, model = "old", latency_ms = 5, properties = { x = 1, y = 1 } })
    local path = file '{"request_id":"a","created_at":2,"model":"new","properties":{"y":null,"z":2}}\n{"request_id":"b","created_at":3,"properties":{"n":null}}\n'
    local sum = assert(db:import(path, { on_conflict = "skip" }))
    assert.same({ 1, 1 }, { sum.added, sum.skipped })
    assert.equal("old", assert(db:requests():where(f.request_id:eq "a"):first()).model)
    assert(db:delete { request = "b" })
    sum = assert(db:import(path, { on_conflict = "update" }))
    assert.same({ 1, 1 }, { sum.added, sum.updated })
    local row = assert(db:requests():where(f.request_id:eq "a"):first())
    assert.equal("new", row.model)
    assert.equal(5, row.latency_ms)
    assert.same({ x = 1, z = 2 }, row.properties)
    assert.same({}, assert(db:requests():where(f.request_id:eq "b"):first()).properties)
    sum = assert(db:import(path, { on_conflict = "replace" }))
    assert.equal(2, sum.replaced)
    assert.is_nil(assert(db:requests():where(f.request_id:eq "a"):first()).latency_ms)
    db:close()
  end)

  --- Rows are inserted in groups; a record that wants its row's seq, or meets an id of its own group, ends one.
  it("keeps the lines' order, and what belongs to each, wherever a group of rows ends", function()
    local long = ("x"):rep(20000)
    for _, conflict in ipairs { "replace", "skip", "update" } do
      for distance = 1, 18 do
        local path, lines, wanted, last = vm.path(), {}, {}, {}
        for i = 1, 60 do
          local id = i % 7 == 0 and i > distance and i - distance or i -- the id of an earlier line, or its own
          lines[i] = ('{"request_id":"r%d","created_at":%d,"model":"m%d"%s%s%s}'):format(id, i, i, i % 11 == 0 and ',"request_body":"b' .. i .. '"' or "",
            i % 13 == 0 and ',"feedback":[{"key":"k' .. i .. '","score":1}]' or "", i % 17 == 0 and ',"user_id":"' .. long .. '"' or "")
          if not last[id] or conflict == "replace" then
            if last[id] then wanted[last[id]] = nil end
            last[id] = i
            wanted[i] = ("r%d m%d"):format(id, i)
          elseif conflict == "update" then
            wanted[last[id]] = ("r%d m%d"):format(id, i)
          end
        end
        local order = {}
        for i = 1, 60 do order[#order + 1] = wanted[i] end
        local db = assert(sq.open(path))
        local sum = assert(db:import(lines_of(table.concat(lines, "\n")), { on_conflict = conflict }))
        assert.equal(60, sum.added + sum.replaced + sum.updated + sum.skipped)
        assert.equal(#order, assert(db:check()))
        db:close()
        local rows = vm.shell(("sqlite3 %s \"SELECT request_id || ' ' || model FROM request ORDER BY seq\""):format(path))
        assert.equal(table.concat(order, "\n") .. "\n", rows)
        if conflict == "replace" then
          rows = vm.shell(("sqlite3 %s \"SELECT count(*) FROM request JOIN body USING (seq) WHERE request_body <> 'b' || substr(model, 2)\""):format(path))
          assert.equal("0\n", rows)
        end
        vm.remove(path)
      end
    end
  end)

  it("maps anything else", function()
    local db = memory()
    local path = file '{"id":1,"when":"2026-11-20","drop":false,"gone":null,"list":[1,null,"x"]}\n{"id":2,"drop":true}\n{"id":3}\n{"id":4,"bad":true}\nnot json\n7\n{"id":5,"nothing":true}\n'
    local seen = {}
    local function map(record, line)
      seen[#seen + 1] = line .. ":" .. record.id
      if record.drop then return nil end
      if record.bad then error("no such record", 0) end
      if record.nothing then return 5 end
      if record.list then
        assert.equal(sq.null, record.gone)
        assert.equal(sq.null, record.list[2])
      end
      return { created_at = record.when or 5, properties = { id = record.id } }
    end
    local sum = assert(db:import(path, { map = map }))
    assert.same({ 7, 2, 1, 4 }, { sum.lines, sum.added, sum.skipped, sum.failed })
    assert.same({ "1:1", "2:2", "3:3", "4:4", "7:5" }, seen)
    local numbers = {}
    for i, detail in ipairs(sum.errors) do numbers[i] = detail.line end
    assert.same({ 4, 5, 6, 7 }, numbers)
    assert(sum.errors[1].message:find "map: no such record")
    assert.equal(2, assert(db:import(path, { map = map })).replaced)
    assert.equal(2, assert(db:requests():count()))
    local good, message, detail = db:import(path, { map = map, on_error = "stop" })
    assert.is_nil(good)
    assert.equal("line 4: map: no such record", message)
    assert.equal(4, detail.line)
    db:close()
  end)

  it("tells how far it is", function()
    local db = memory()
    local calls = {}
    local count = 0
    assert(db:import(function()
      count = count + 1
      if count <= 20001 then return ('{"request_id":"r%d","created_at":1}'):format(count % 20000) end
    end, { progress = function(...) calls[#calls + 1] = { ... } end }))
    assert.same({ { 10000, 10000, 0, 0, 0 }, { 20000, 20000, 0, 0, 0 }, { 20001, 20000, 1, 0, 0 } }, calls)
    db:close()
  end)

  it("counts what it repaired", function()
    local db = memory()
    local sum = assert(db:import(file '{"request_id":"a\255","created_at":1}\n{"request_id":"b\\u0000","created_at":1}\n{"request_id":"c\\\\u0000","created_at":1}\n'))
    assert.equal(3, sum.added)
    assert.equal(2, sum.repaired)
    local ids = {}
    for row in db:requests():order_by "request_id":each() do ids[#ids + 1] = row.request_id end
    assert.same({ "a\239\191\189", "b\239\191\189", "c\\u0000" }, ids)
    db:close()
  end)

  it("refuses keys that stand twice", function()
    local db = memory()
    local sum = assert(db:import(file('{"created_at":1,"created_at":2}\n{"created_at":1,"properties":{"a":1,"\\u0061":2}}\n{"created_at":1,"x":1,"x":2}\n')))
    assert.equal(3, sum.failed)
    db:close()
  end)

  it("checks its arguments", function()
    local db = memory()
    local sum, message, detail = db:import "build/spec/none.jsonl"
    assert.is_nil(sum)
    assert.equal("not_found", detail.code, message)
    assert.has_error(function() db:import(5) end, "import: source: expected string or function, got number")
    for _, options in ipairs { { format = "helicon" }, { on_error = "ignore" }, { on_conflict = "merge" }, { mapp = print }, { map = 5 } } do
      local good, why = pcall(function() db:import("x", options) end)
      assert(not good)
      assert(why:find "^%S*import_spec%.lua:%d+: import", why)
    end
    db:close()
  end)

  it("reads Helicone's export", function()
    local db = memory()
    local path = file(joined {
      [[{"request_id":"h1","request_created_at":"2024-01-01T12:00:00.000Z","response_created_at":"2024-01-01 12:00:01.5",
        "request_user_id":"user_123","response_status":200,"latency":450,"delay_ms":999,"cost":0.0042,"model":"gpt-4o",
        "request_model":"gpt-4","provider":"OPENAI","prompt_tokens":1250,"completion_tokens":890,
        "request_properties":{"Helicone-Session-Id":"sess_abc123","Helicone-Session-Name":"customer-support-chat",
          "Helicone-Session-Path":"/abstract","env":"prod"},
        "scores":{"helicone-score-feedback":1,"quality":4},
        "request_body":{"messages":[]},"response_body":"hi","response_id":"resp"}]],
      [[{"request_id":"h2","request_created_at":"2024-01-01T12:15:00.000Z","user_id":"user_9","status":500,"delay_ms":70,
        "costUSD":0.5,"response_model":"o3","properties":{"Helicone-Session-Id":"sess_abc123","env":"dev"},
        "request_properties":null,"cache_reference_id":"00000000-0000-0000-0000-000000000000","cache_enabled":true,
        "assets":["a"],"request_path":"https://x/y"}]],
      [[{"request_id":"h3","request_created_at":"2024-01-01T12:20:00.000Z",
        "request_properties":{"Helicone-Session-Id":""}}]],
    })
    local sum = assert(db:import(path, { format = "helicone" }))
    assert.equal(3, sum.added, sum.errors[1] and sum.errors[1].message)
    local row = assert(db:requests { bodies = true }:where(f.request_id:eq "h1"):first())
    assert.same({ "sess_abc123", "customer-support-chat", "/abstract", "user_123", 200, 450, 0.0042, "gpt-4o", "OPENAI", 1250, 890 },
      { row.session_id, row.session_name, row.session_path, row.user_id, row.status, row.latency_ms, row.cost_usd,
        row.model, row.provider, row.prompt_tokens, row.completion_tokens })
    assert.same({ env = "prod" }, row.properties)
    assert.same({ ["helicone-score-feedback"] = 1, quality = 4 }, row.scores)
    assert.equal('{"messages":[]}', row.request_body)
    assert.equal("hi", row.response_body)
    assert.equal("2024-01-01T12:00:01.500Z", sq.iso(row.responded_at))
    assert.equal("resp", row.extra.response_id)
    assert.equal(999, row.extra.delay_ms)
    row = assert(db:requests():where(f.request_id:eq "h2"):first())
    assert.same({ "user_9", 500, 70, 0.5, "o3", true, false, "https://x/y" },
      { row.user_id, row.status, row.latency_ms, row.cost_usd, row.model, row.cache_enabled, row.cached, row.target_url })
    assert.same({ env = "dev" }, row.properties)
    assert.same({ "a" }, row.assets)
    assert.equal(1, assert(db:sessions():count()))
    assert.equal(1, assert(db:requests():where(assert(sq.filter("helicone",
      { request_response_rmt = { ["helicone-score-feedback"] = { equals = true } } }))):count()))
    sum = assert(db:import(file '{"request_id":"h4","request_created_at":"2024-01-01T12:00:00Z","user_id":["x"]}\n{"request_id":"h5","created_at":1}\n', { format = "helicone" }))
    assert.equal(2, sum.failed)
    assert.equal("/user_id", sum.errors[1].pointer)
    db:close()
  end)
end)

describe("the real map of examples", function()
  it("reads mini-swe-agent's calls", function()
    local db = memory()
    local path = file(joined {
      [[{"session_id": "out/a/b", "turn": 0, "created": 1775802348, "timestamp": 1775802351.8737438,
        "model": "deepseek-chat", "id": "x1", "finish_reason": "tool_calls",
        "usage": {"completion_tokens": 84, "prompt_tokens": 1714, "total_tokens": 1798, "completion_tokens_details": null,
          "prompt_tokens_details": {"cached_tokens": 320}}, "cost": 0.00043456000000000007}]],
    })
    assert.equal(1, assert(db:import(path, { map = dofile "examples/mini-swe-agent.lua" })).added)
    local row = only(db)
    assert.same({ "x1", "out/a/b", "b", 3874, 0.00043456, 320, "deepseek" },
      { row.request_id, row.session_id, row.session_name, row.latency_ms, row.cost_usd, row.prompt_cache_read_tokens, row.provider })
    assert.same({ finish_reason = "tool_calls", turn = 0 }, row.properties)
    db:close()
  end)
end)

describe("export", function()
  local function full()
    local db = memory()
    assert(db:add { { request_id = "a", session_id = "s", created_at = 1.000001, model = "x", cost_usd = 0.000000001,
      tags = { "t" }, properties = { b = true, n = 1.5, s = "é" },
      scores = { q = 1 }, request_body = "line\nbreak", total_tokens = 7, odd = { 1, { x = sq.null } },
        organization_id = "o", project = "p", prompt_tokens = 3 },
      { request_id = "b", created_at = 2, streamed = false, prompt_tokens = 3, completion_tokens = 4 } })
    assert(db:feedback { request_id = "a", key = "q", score = 5, comment = "c", created_at = 9.123456 })
    return db
  end

  it("comes back as it was", function()
    for _, name in ipairs { "export.jsonl", "export.jsonl.gz" } do
      local db, path = full(), vm.path(name)
      assert.equal(2, assert(db:export(path)))
      local copy = memory()
      assert.equal(2, assert(copy:import(path)).added)
      local function text(of) return assert(of:requests { bodies = true }:json()) end
      assert.equal(text(db), text(copy))
      local function stats(of) return core.encode(assert(of:projects():where "entry(feedback, score = 5 and comment = 'c')":first()).feedback_stats) end
      assert.equal(stats(db), stats(copy))
      assert(copy:import(path))
      assert.equal(1, assert(copy:stats()).feedback)
      assert.equal(7, assert(copy:requests():where(f.request_id:eq "b"):first()).total_tokens)
      assert(copy:update { request_id = "b", completion_tokens = 10 })
      assert.equal(13, assert(copy:requests():where(f.request_id:eq "b"):first()).total_tokens)
      local second = vm.path "again.jsonl"
      assert.equal(1, assert(copy:export(second, { where = "request_id = 'a'" })))
      db:close()
      copy:close()
      os.remove(path)
      os.remove(second)
    end
  end)

  it("takes a filter, and says what is wrong", function()
    local db = full()
    local path = vm.path "some.jsonl"
    assert.equal(1, assert(db:export(path, { where = f.streamed:eq(false) })))
    local count, message, detail = db:export(path, { where = "latncy_ms > 1" })
    assert.is_nil(count)
    assert.equal("unknown", detail.code, message)
    count, message, detail = db:export(path, { where = "session.errors > 1" })
    assert.is_nil(count)
    assert.equal("level", detail.code, message)
    count, message, detail = db:export "build/no/such/folder/x.jsonl"
    assert.is_nil(count)
    assert.equal("store", detail.code, message)
    assert.has_error(function() db:export(5) end)
    assert.has_error(function() db:export("x", { were = "y" }) end)
    db:close()
    os.remove(path)
  end)

  it("leaves the old file when it fails", function()
    local db = full()
    local path = vm.path "kept.jsonl"
    vm.write(path, "old")
    os.execute("mkdir -p " .. path .. ".partial")
    local count = db:export(path)
    assert.is_nil(count)
    assert.equal("old", vm.read(path))
    os.execute("rmdir " .. path .. ".partial")
    db:close()
    os.remove(path)
  end)
end)

describe("JSON between Lua and the core", function()
  it("goes both ways", function()
    for _, value in ipairs { { 1, 2.5, "x", true, false }, { a = { b = { c = "\1\"\\/é\240\159\152\128" } } }, {},
      { { {} } }, "text", 5, -0.1, true } do
      assert.same(value, (core.decode(assert(core.encode(value)))))
    end
    assert.same({ 1, sq.null, 3 }, (core.decode "[1,null,3]"))
    assert.same({ a = sq.null, b = 1 }, (core.decode [[{"a":null,"b":1}]]))
    assert.equal('"\\u0001"', core.encode "\1")
    assert.equal("9007199254740992", core.encode(2 ^ 53))
    assert.equal("1e+300", core.encode(1e300))
    local value, message, detail = core.decode "[1,"
    assert.is_nil(value)
    assert.equal("the text ends too early", message)
    assert.same({ code = "syntax", offset = 3, length = 0 }, detail)
    assert.is_nil((core.decode(("["):rep(200))))
    if math.type then assert.equal("integer", math.type((core.decode "[5]")[1])) end
  end)
end)
