--- Keys: made once, kept as a hash, refused alike whatever is wrong with them, and never of another scope.
local keys = require "sessionquery.keys"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local REFUSAL = "the key is not known, or was revoked"

local function refused(db, text)
  local grant, message, detail = keys.check(db, text)
  assert.is_nil(grant)
  assert.equal(REFUSAL, message, text)
  assert.same({ code = "unauthorized" }, detail)
end

--- The id of a key's text.
local function id_of(text) return (text:match "^(%x+)%.") end

describe("keys", function()
  local path, db

  before_each(function()
    path = vm.path()
    db = assert(sq.open(path))
  end)

  after_each(function()
    db:close()
    vm.remove(path)
  end)

  it("are id.secret, each another, and say whose they are and what they may", function()
    local seen = {}
    for _, case in ipairs {
      { {}, { organization = "", rights = { query = true } } },
      { { organization = "acme" }, { organization = "acme", rights = { query = true } } },
      { { organization = "acme", project = "chat", rights = { "admin", "query", "record" }, name = "Ärger \"1\"" },
        { organization = "acme", project = "chat", rights = { query = true, record = true, admin = true }, name = "Ärger \"1\"" } },
      { { rights = { "record" } }, { organization = "", rights = { record = true } } },
      { { rights = { "admin", "admin" }, name = "" }, { organization = "", rights = { admin = true }, name = "" } },
    } do
      local text = assert(keys.create(db, case[1]))
      assert(#text == 81 and text:find "^%x+%.%x+$" and not text:find "%u", text)
      assert.is_nil(seen[text])
      seen[text] = true
      local want = case[2]
      want.id = id_of(text)
      assert.same(want, keys.check(db, text))
    end
    assert.same({ organization = "", rights = { query = true }, id = id_of(assert(keys.create(db))) }, { organization = "",
      rights = { query = true }, id = keys.list(db)[6].id })
  end)

  it("are refused alike, whatever is wrong with them", function()
    local text, other = assert(keys.create(db)), assert(keys.create(db))
    local id, secret = text:match "^(.-)%.(.*)$"
    for _, wrong in ipairs {
      "", ".", "x", id, id .. ".", secret, "." .. secret, id .. secret, id .. ":" .. secret, text .. "0", text:sub(1, -2), text .. " ", " " .. text, text:upper(),
      id .. "." .. ("0"):rep(64), ("0"):rep(16) .. "." .. secret, id_of(other) .. "." .. secret, text .. "\0", "\0" .. text:sub(2), text:gsub("%.", "\0"),
      "Bearer " .. text, text:gsub(".$", "g"), text:gsub(".$", "\255"), ("x"):rep(100000), "' OR 1 --", id .. ".%" .. ("_"):rep(63),
    } do refused(db, wrong) end
    -- one digit of the secret, anywhere
    for place = 18, 81 do
      local digit = text:sub(place, place)
      refused(db, text:sub(1, place - 1) .. (digit == "0" and "1" or "0") .. text:sub(place + 1))
    end
    assert(keys.check(db, text))
  end)

  it("end when they are revoked, for good", function()
    local text, other = assert(keys.create(db)), assert(keys.create(db))
    assert.is_true(keys.revoke(db, id_of(text)))
    refused(db, text)
    assert(keys.check(db, other))
    local first = assert(keys.list(db))[1].revoked_at
    assert(math.abs(first - os.time()) < 60)
    assert.is_true(keys.revoke(db, id_of(text)))
    assert.equal(first, assert(keys.list(db))[1].revoked_at)
    local done, message, detail = keys.revoke(db, text)
    assert.is_nil(done)
    assert.equal("not_found", detail.code, message)
  end)

  it("are listed without what is secret", function()
    assert.same({}, keys.list(db))
    local text = assert(keys.create(db, { organization = "acme", project = "p", name = "ci", rights = { "record", "query" } }))
    local key = assert(keys.list(db))[1]
    assert(math.abs(key.created_at - os.time()) < 60)
    key.created_at = nil
    assert.same({ id = id_of(text), organization = "acme", project = "p", name = "ci", rights = { "query", "record" } }, key)
    -- nor does the file hold it
    local secret = text:match "%.(.*)$"
    for _, suffix in ipairs { "", "-wal" } do assert.is_nil(vm.read(path .. suffix):find(secret, 1, true)) end
    local kept = vm.shell(("sqlite3 %s 'SELECT lower(hex(hash)) FROM api_key'"):format(path))
    assert.equal((vm.shell(("printf %%s %s | sha256sum"):format(text)):gsub("[ -]", "")), kept)
  end)

  it("are known to be wanted once one was made", function()
    assert.is_false(keys.any(db))
    local text = assert(keys.create(db, { organization = "acme" }))
    assert.is_true(keys.any(db))
    assert(keys.revoke(db, id_of(text)))
    assert.is_true(keys.any(db)) -- revoking the last one opens nothing
    local other = assert(sq.open(path, { organization = "other", readonly = true }))
    assert.is_true(keys.any(other))
    other:close()
  end)

  it("are checked by a read-only handle, which makes and revokes none", function()
    local text = assert(keys.create(db))
    local reader = assert(sq.open(path, { readonly = true }))
    assert.equal(id_of(text), assert(keys.check(reader, text)).id)
    assert.equal(1, #assert(keys.list(reader)))
    assert.is_true(keys.any(reader))
    refused(reader, "x")
    for _, write in ipairs { function() return keys.create(reader) end, function() return keys.revoke(reader, id_of(text)) end } do
      local done, message, detail = write()
      assert.is_nil(done)
      assert.equal("readonly", detail.code, message)
    end
    assert(keys.revoke(db, id_of(text)))
    refused(reader, text) -- at once
    reader:close()
  end)

  it("keep to the handle's scope", function()
    local texts = {}
    for _, organization in ipairs { "ours", "theirs" } do
      for _, project in ipairs { "p", "q", false } do
        texts[organization .. (project or "")] = assert(keys.create(db, { organization = organization, project = project or nil }))
      end
    end
    local ours = assert(sq.open(path, { organization = "ours" }))
    local p = assert(sq.open(path, { organization = "ours", project = "p" }))
    for _, case in ipairs {
      { ours, { ours = false, oursp = "p", oursq = "q" }, 3 },
      { p, { ours = "p", oursp = "p" }, 1 }, -- a key of the whole organization reaches the handle's project, no more
      { db, { ours = false, oursp = "p", oursq = "q", theirs = false, theirsp = "p", theirsq = "q" }, 6 },
    } do
      for name, text in pairs(texts) do
        if case[2][name] == nil then refused(case[1], text)
        else assert.equal(case[2][name] or nil, assert(keys.check(case[1], text)).project, name) end
      end
      assert.equal(case[3], #assert(keys.list(case[1])))
    end
    for _, handle in ipairs { ours, p } do
      local done, _, detail = keys.revoke(handle, id_of(texts.theirs))
      assert.same({ nil, "not_found" }, { done, detail.code })
      done, _, detail = keys.create(handle, { organization = "theirs" })
      assert.same({ nil, "forbidden" }, { done, detail.code })
    end
    assert.equal("not_found", select(3, keys.revoke(p, id_of(texts.ours))).code)
    assert.equal("forbidden", select(3, keys.create(p, { project = "q" })).code)
    local made = assert(keys.check(db, assert(keys.create(p))))
    assert.same({ "ours", "p" }, { made.organization, made.project })
    ours:close()
    p:close()
  end)

  it("grant nothing that is not a right", function()
    local text = assert(keys.create(db))
    for _, case in ipairs { { "query,future", { query = true } }, { "", {} }, { ",", {} }, { "querying,admi,recor", {} }, { "admin,query", { query = true, admin = true } } } do
      vm.shell(("sqlite3 %s \"UPDATE api_key SET rights = '%s'\""):format(path, case[1]))
      assert.same(case[2], assert(keys.check(db, text)).rights)
    end
    -- a hash that is damaged fits nothing
    for _, hash in ipairs { "''", "zeroblob(32)", "zeroblob(31)", "'x'" } do
      vm.shell(("sqlite3 %s \"UPDATE api_key SET hash = %s\""):format(path, hash))
      refused(db, text)
    end
  end)

  it("stay in a backup, and do not leave by an export", function()
    local text = assert(keys.create(db, { organization = "acme" }))
    assert(db:add { request_id = "r", created_at = 1 })
    local copy, lines = vm.path "copy.db", vm.path "export.jsonl"
    assert(db:backup(copy))
    assert(db:export(lines))
    local other = assert(sq.open(copy))
    assert.equal("acme", assert(keys.check(other, text)).organization)
    other:close()
    assert.is_nil(vm.read(lines):find(id_of(text), 1, true))
    vm.remove(copy)
    os.remove(lines)
  end)

  it("live in memory too", function()
    local memory = assert(sq.open ":memory:")
    local text = assert(keys.create(memory))
    assert(keys.check(memory, text))
    assert.equal(id_of(text), memory:snapshot(function(view) return assert(keys.check(view, text)).id end))
    memory:close()
  end)

  it("check their arguments", function()
    for _, case in ipairs {
      { function() keys.create(5) end, "keys.create: expected an open store" },
      { function() keys.create(db, { organisation = "x" }) end, "keys.create: unknown option 'organisation', did you mean 'organization'?" },
      { function() keys.create(db, { organization = 5 }) end, "keys.create: organization: expected string, got number" },
      { function() keys.create(db, { name = "a\0b" }) end, "keys.create: name holds a NUL byte" },
      { function() keys.create(db, { rights = {} }) end, "keys.create: rights: one or more of query, record, admin" },
      { function() keys.create(db, { rights = { "qury" } }) end,
        "keys.create: rights: no right 'qury', did you mean 'query'?: there are query, record, admin" },
      { function() keys.create(db, { rights = { query = true } }) end, "keys.create: rights: expected a list, got a table with the key query" },
      { function() keys.create(db, { rights = { 5 } }) end, "keys.create: rights: no right '5': there are query, record, admin" },
      { function() keys.check(db) end, "keys.check: text: expected string, got nil" },
      { function() keys.revoke(db, 5) end, "keys.revoke: id: expected string, got number" },
      { function() keys.list() end, "keys.list: expected an open store" },
      { function() keys.any {} end, "keys.any: expected an open store" },
    } do
      local good, message = pcall(case[1])
      assert.is_false(good)
      assert(message:find("spec/keys_spec.lua:", 1, true) and message:find(case[2], 1, true), message)
    end
    for _, option in ipairs { "organization", "project", "name" } do
      local text, message, detail = keys.create(db, { [option] = "\255" })
      assert.is_nil(text)
      assert.equal("value", detail.code, message)
    end
    assert.same({}, keys.list(db))
  end)
end)

describe("a store of schema version 2", function()
  it("gets its table of keys when it is opened for writing", function()
    local path = vm.path()
    local db = assert(sq.open(path))
    assert(db:add { request_id = "r", created_at = 1 })
    db:close()
    vm.shell("sqlite3 " .. path .. [[ "DROP TABLE api_key; DROP TABLE project; DROP TABLE held_patch;
      DROP TRIGGER body_is_put; DROP TRIGGER body_is_changed; DROP TABLE word_index; DROP TABLE body_change;
      DROP INDEX feedback_by_project;
      DROP INDEX feedback_by_uuid; ALTER TABLE feedback DROP COLUMN uuid; ALTER TABLE feedback DROP COLUMN extra; PRAGMA user_version = 2"]])
    local reader, message, detail = sq.open(path, { readonly = true })
    assert.is_nil(reader)
    assert.equal("version", detail.code)
    assert(message:find("version 2: open it writable once, so that it is brought to 4", 1, true), message)
    assert.same({ 2, 4 }, { sq.migrate(path) })
    db = assert(sq.open(path))
    assert.is_false(keys.any(db))
    assert(keys.check(db, assert(keys.create(db))))
    assert.equal(1, assert(db:requests():count()))
    db:close()
    vm.remove(path)
  end)
end)
