--- The words index: `phrase` on bodies gives the same rows with it and without, whoever changes them.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local bodies = {
  { "The order was not found", "{\"error\":\"Not Found\"}" },
  { "found not", "order" },
  { "ORDER-77, not_found!", nil },
  { nil, "Größe und Maß: naïve café" },
  { "GRÖSSE größe", "cafe\204\129 au lait" }, -- e with a mark of its own
  { "日本語 の本", "привет МИР" },
  { "a\"b'c `d` $e", "x AND y OR NEAR(z) body_words:q *" },
  { "", "..." },
  { "not found not found not found", "not not found" },
  { "the long " .. ("wordy "):rep(40), ("z"):rep(40000) .. " end" },
}

-- phrase, and the requests whose request_body and whose response_body has it
local asked = {
  { "not found", { 1, 3, 9 }, { 1, 9 } },
  { "NOT FOUND", { 1, 3, 9 }, { 1, 9 } },
  { "found not", { 2, 9 }, {} },
  { "order", { 1, 3 }, { 2 } },
  { "Order 77", { 3 }, {} },
  { "77 not found", { 3 }, {} },
  { "größe", { 5 }, { 4 } },
  { "grösse größe", { 5 }, {} },
  { "naïve café", {}, { 4 } },
  { "café", {}, { 4 } },
  { "cafe\204\129 au", {}, { 5 } },
  { "日本語", { 6 }, {} },
  { "本", {}, {} },
  { "Привет мир", {}, { 6 } },
  { "a b c d e", { 7 }, {} },
  { 'a"b', { 7 }, {} },
  { "x AND y", {}, { 7 } },
  { "near z", {}, { 7 } },
  { "NOT", { 1, 2, 3, 9 }, { 1, 9 } },
  { "*", { 1, 2, 3, 5, 6, 7, 8, 9, 10 }, { 1, 2, 4, 5, 6, 7, 8, 9, 10 } }, -- no words: whatever is present
  { "not not found", {}, { 9 } },
  { ("z"):rep(40000) .. " end", {}, { 10 } }, -- longer than what FTS5 keeps of a word
  { ("z"):rep(40001), {}, {} },
  { ("wordy "):rep(40), { 10 }, {} },
  { ("wordy "):rep(41), {}, {} },
  { "nothing of it", {}, {} },
}

local function fill(path)
  local db = assert(sq.open(path))
  local records = {}
  for i, pair in ipairs(bodies) do
    records[i] = { request_id = "r" .. i, session_id = "s" .. i % 3, created_at = 1000 + i, request_body = pair[1], response_body = pair[2] }
  end
  assert(db:add(records))
  return db
end

local function numbers(db, field, phrase)
  local list = {}
  for _, row in ipairs(assert(db:requests():where(sq.field[field]:phrase(phrase)):order_by("created_at"):all())) do list[#list + 1] = tonumber(row.request_id:match "%d+") end
  return list
end

local function is_right(db)
  for _, case in ipairs(asked) do
    assert.same(case[2], numbers(db, "request_body", case[1]), case[1]:sub(1, 40))
    assert.same(case[3], numbers(db, "response_body", case[1]), case[1]:sub(1, 40))
  end
end

--- What explain tells of the index.
local function told(db, where) return assert(db:requests():where(where or "request_body phrase 'not found'"):explain()):match "\nwords index: ([^\n]*)" end

--- The ids that a question selects, by this handle and by one that reads all bodies of a copy without the index.
local function agrees(db, path)
  local plain = vm.path "plain.db"
  assert(db:backup(plain))
  vm.shell(("sqlite3 %s 'UPDATE word_index SET indexed_end = 0'"):format(plain))
  local other = assert(sq.open(plain))
  for _, phrase in ipairs { "not found", "changed", "moved here", "put", "w1", "w7 of", "body 12" } do
    for _, where in ipairs { "request_body phrase '%s'", "response_body phrase '%s'", "not request_body phrase '%s'", "request_body phrase '%s' or response_body phrase '%s'" } do
      where = where:gsub("%%s", phrase)
      local query = function(store) return store:requests():where(where):order_by("created_at"):all() end
      assert.same(assert(query(other)), assert(query(db)), where)
      assert.equal(assert(other:sessions():where(("some(%s)"):format(where)):count()), assert(db:sessions():where(("some(%s)"):format(where)):count()), where)
    end
  end
  assert.equal("not asked: there is none", told(other))
  other:close()
  vm.remove(plain)
  return path
end

local function sql(path, text) assert.equal("", (vm.shell(('sqlite3 %s "%s"'):format(path, text)))) end

describe("the words index", function()
  it("gives the requests that reading all bodies gives", function()
    local path = vm.path()
    local db = fill(path)
    is_right(db)
    assert.equal("not asked: there is none", told(db))
    assert.same({ bodies = 10, bytes = 0 }, { bodies = assert(db:index_words()).bodies, bytes = 0 })
    is_right(db)
    assert.equal("4 candidates, and 0 bodies that are not in it", told(db))
    assert.same({ bodies = 0, bytes = 0 }, assert(db:index_words()))
    assert.equal(10, assert(db:index_words { anew = true }).bodies)
    is_right(db)
    assert.equal("not asked: the phrase has no words", told(db, "request_body phrase '--'"))
    assert.is_nil(told(db, "request_body contains 'not found'"))
    assert.is_nil(told(db, "name phrase 'not found'"))
    db:close()
    for _, options in ipairs { {}, { readonly = true }, { engine = "sql" }, { readonly = true, organization = "" } } do
      db = assert(sq.open(path, options))
      is_right(db)
      assert.equal("4 candidates, and 0 bodies that are not in it", told(db))
      db:close()
    end
    vm.remove(path)
  end)

  it("lies in memory too", function()
    local db = fill ":memory:"
    assert(db:index_words())
    is_right(db)
    assert.truthy(told(db):find "^4 candidates")
    assert.equal(1, assert(db:delete { request = "r1", erase = true }).requests)
    assert.equal("not asked: there is none", told(db))
    db:close()
  end)

  it("looks at what was put, changed and deleted since, by whomever", function()
    local path = vm.path()
    local db = fill(path)
    assert(db:index_words())
    local other = assert(sq.open(path))
    local steps = {
      function() assert(other:add { { request_id = "n1", created_at = 5000, request_body = "not found, changed" } }) end,
      function() assert(other:update { request_id = "r2", response_body = "changed to not found" }) end,
      function() assert(other:update { request_id = "r1", request_body = sq.null }) end,
      function() assert(other:update { request_id = "r4", request_body = "w7 of 9, put where none was" }) end,
      function() assert(other:add({ { request_id = "r9", created_at = 1009, request_body = "changed by a record of the same id" } }, { on_conflict = "replace" })) end,
      function() assert(other:delete { request = "r3" }) end,
      function() sql(path, "UPDATE body SET request_body = 'changed: not found, w1' WHERE seq = 6") end,
      function() sql(path, "UPDATE body SET seq = 5 WHERE seq = (SELECT 7 WHERE (SELECT count(*) FROM body WHERE seq = 5) = 0); DELETE FROM body WHERE seq = 5") end,
      function() sql(path, "INSERT INTO body VALUES (5, 'moved here, not found', 'put')") end,
      function() sql(path, "INSERT OR REPLACE INTO body VALUES (5, 'put again', 'body 12'), (8, 'put', NULL)") end,
      function() sql(path, "INSERT OR ABORT INTO body(seq, request_body) VALUES (1, 'put: not found') ON CONFLICT DO UPDATE SET request_body = 'body 12'") end,
      function() assert(other:delete { request = "r7", bodies_only = true }) end,
    }
    for i, step in ipairs(steps) do
      step()
      agrees(db, path)
      if i % 5 == 0 then
        assert(other:index_words())
        agrees(db, path)
        assert.truthy(told(db):find " and 0 bodies that are not in it$")
      end
    end
    assert(other:index_words { anew = true })
    agrees(db, path)
    other:close()
    db:close()
    vm.remove(path)
  end)

  it("is asked when it has few candidates, and few bodies are behind its end", function()
    local path = vm.path()
    local db = assert(sq.open(path, { durable = false }))
    local records = {}
    for i = 1, 3000 do records[i] = { request_id = "r" .. i, created_at = i, request_body = ("body %d has common words, w%d of them"):format(i, i % 1500) } end
    assert(db:add(records))
    assert(db:index_words())
    assert.equal("not asked: too many bodies have these words", told(db, "request_body phrase 'common words'"))
    assert.equal("2 candidates, and 0 bodies that are not in it", told(db, "request_body phrase 'w7 of'"))
    assert.equal("3 candidates, and 0 bodies that are not in it", told(db, "request_body phrase 'body 12' or request_body phrase 'w7 of' or request_body phrase 'common'"))
    assert.equal(2, assert(db:requests():where("request_body phrase 'w7 of'"):count()))
    assert.equal(3000, assert(db:requests():where("request_body phrase 'common words'"):count()))
    for i = 1, 1500 do records[i] = { request_id = "n" .. i, created_at = i, request_body = "w7 of more" } end
    for i = 1501, 3000 do records[i] = nil end
    assert(db:add(records))
    assert.equal("not asked: too many bodies are not in it yet", told(db, "request_body phrase 'w7 of'"))
    assert.equal(1502, assert(db:requests():where("request_body phrase 'w7 of'"):count()))
    db:close()
    vm.remove(path)
  end)

  it("is no help to a handle that cannot write, nor before it is whole", function()
    local path = vm.path()
    fill(path):close()
    local db = assert(sq.open(path, { readonly = true }))
    local done, message, detail = db:index_words()
    assert.is_nil(done)
    assert.equal("readonly", detail.code)
    assert.equal("the store was opened read-only", message)
    is_right(db)
    db:close()
    db = assert(sq.open(path))
    assert.has_error(function() db:index_words { new = true } end)
    db:close()
    vm.remove(path)
  end)

  it("stays with the snapshot that was taken before it was filled, emptied or filled again", function()
    local path = vm.path()
    local db = fill(path)
    local other = assert(sq.open(path))
    for _, step in ipairs { function() return other:index_words() end, function() return other:delete { request = "none", erase = true } end,
      function() return other:index_words { anew = true } end } do
      assert(db:snapshot(function(view)
        is_right(view)
        local before = told(view)
        step()
        is_right(view)
        assert.equal(before, told(view))
        return true
      end))
      is_right(db)
    end
    assert.truthy(told(db):find "^4 candidates")
    other:close()
    db:close()
    vm.remove(path)
  end)
end)

describe("erasing", function()
  it("takes the words of bodies out of the store's files", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    local function traces()
      local found = ""
      for _, suffix in ipairs { "", "-wal" } do
        local file = io.open(path .. suffix, "rb")
        found = found .. (file and file:read "*a" or "")
        if file then file:close() end
      end
      return found
    end
    assert(db:add { { request_id = "r1", created_at = 1, request_body = "QZXSECRET matters" }, { request_id = "r2", created_at = 2, request_body = "harmless" } })
    assert.is_nil(traces():find("qzxsecret", 1, true)) -- in lower case only the index has it
    assert(db:index_words())
    assert.truthy(traces():find("qzxsecret", 1, true))
    assert.equal(1, assert(db:delete { request = "r1", erase = true }).requests)
    assert.is_nil(traces():find("qzxsecret", 1, true))
    assert.is_nil(traces():find("QZXSECRET", 1, true))
    assert.equal("not asked: there is none", told(db))
    assert.equal(1, assert(db:index_words()).bodies)
    assert.equal(1, assert(db:requests():where("request_body phrase 'Harmless'"):count()))
    db:close()
    vm.remove(path)
  end)
end)

describe("filling the words index", function()
  local COUNT = 6000

  local function make(path)
    local db = assert(sq.open(path, { durable = false }))
    local records = {}
    for i = 1, COUNT do
      local words = {}
      for k = 1, 500 do words[k] = "w" .. (i * 31 + k * k * 17) % 5000 end
      records[i] = { request_id = "r" .. i, created_at = i, request_body = table.concat(words, " ") .. " body " .. i }
    end
    assert(db:add(records))
    return db
  end

  local function end_of(path) return tonumber((vm.shell(("sqlite3 %s 'SELECT indexed_end FROM word_index'"):format(path)))) end

  local child = [[
    local db = assert(require("sessionquery").open(arg[1]))
    io.stdout:write "ready\n" io.stdout:flush()
    assert(db:index_words())]]

  it("goes on where one that was killed, or came to the end of its time, has left off", function()
    local path = vm.path()
    local db = make(path)
    local script = vm.write(vm.path "child.lua", child)
    for _ = 1, 2 do
      vm.shell(("%s %s %s > /dev/null & pid=$!; sleep 0.6; kill -9 $pid"):format(vm.command, script, path))
      agrees(db, path)
    end
    local hasty = assert(sq.open(path, { timeout_ms = 300 }))
    local done, message, detail = hasty:index_words()
    if not done then
      assert.equal("timeout", detail.code, message)
      agrees(db, path)
    end
    hasty:close()
    assert(db:index_words())
    assert.equal(COUNT, end_of(path))
    agrees(db, path)
    db:close()
    vm.remove(path)
    os.remove(script)
  end)

  it("lets others write, and fill it too", function()
    local path = vm.path()
    local db = make(path)
    local script = vm.write(vm.path "child.lua", child)
    local pipes = {}
    for i = 1, 2 do pipes[i] = io.popen(("%s %s %s 2>&1; echo done"):format(vm.command, script, path)) end
    for _, pipe in ipairs(pipes) do assert.equal("ready", pipe:read "*l") end
    for i = 1, 40 do
      assert(db:add { { request_id = "n" .. i, created_at = COUNT + i, request_body = "put meanwhile: w7 of" } })
      assert(db:update { request_id = "r" .. i * 150, request_body = "changed, w1" })
      assert.equal(i, assert(db:requests():where("request_body phrase 'put meanwhile'"):count()))
      assert.equal(i, assert(db:requests():where("request_body phrase 'changed w1'"):count()))
    end
    for _, pipe in ipairs(pipes) do
      assert.equal("done\n", pipe:read "*a")
      pipe:close()
    end
    assert(db:index_words())
    assert.equal(COUNT + 40, end_of(path))
    agrees(db, path)
    db:close()
    vm.remove(path)
    os.remove(script)
  end)
end)

describe("a words index that cannot be read", function()
  -- SQLite's file is the truth, and no more is checked of this table than of SQLite's own indexes: a forged one is believed
  for damage, can_be_emptied in pairs { ["DELETE FROM body_words_data"] = false, ["DELETE FROM body_words_data WHERE id > 10"] = true } do
    it("is passed over: " .. damage, function()
      local path = vm.path()
      local db = fill(path)
      assert(db:index_words())
      db:close()
      sql(path, damage)
      db = assert(sq.open(path))
      is_right(db)
      assert.truthy(told(db):find "^not asked: SQLite: .*malformed")
      local filled, message = db:index_words { anew = true }
      assert.equal(can_be_emptied, filled ~= nil, message)
      is_right(db)
      db:close()
      vm.remove(path)
    end)
  end
end)
