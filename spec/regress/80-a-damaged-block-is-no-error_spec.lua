--- A block of the column index is verified when it is first touched. What was found in the midst of a query was its
--- error; now SQL answers, as it does for what is found before.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("a damaged block leaves the answer to SQL, and only columns alone fail", function()
  local path = vm.path()
  local db = assert(sq.open(path))
  local records = {}
  for i = 1, 300 do
    records[i] = { request_id = "r" .. i, session_id = "s" .. i % 9, created_at = i, model = "m" .. i % 3, user_id = "u" .. i % 7, cost_usd = 0.5 }
  end
  assert(db:add(records))
  assert(db:seal())
  db:close()
  local questions = {
    function(store) return store:sessions():json() end,
    function(store) return store:sessions():where "model = 'm1'":limit(2):page() end,
    function(store) return store:group_by("user_id"):count() end,
    function(store) return store:requests():where "user_id = 'u1'":limit(5):all() end,
    function(store) return store:requests():where "user_id = 'u1'":count() end,
  }
  local sql, right = assert(sq.open(path, { engine = "sql" })), {}
  for i, ask in ipairs(questions) do right[i] = assert(ask(sql)) end
  sql:close()
  local whole = vm.read(path .. "-columns")
  local turned, failed = 0, 0
  for at = 4097, #whole, 97 do
    os.remove(path .. "-columns")
    vm.write(path .. "-columns", whole:sub(1, at - 1) .. string.char((whole:byte(at) + 1) % 256) .. whole:sub(at + 1))
    db = assert(sq.open(path))
    for i, ask in ipairs(questions) do assert.same(right[i], assert(ask(db))) end
    local text = assert(db:sessions():explain())
    if text:find("(the column index is damaged: reindex)", 1, true) then
      turned = turned + 1
      assert(text:find("\nsql: SELECT ", 1, true) and not text:find "engine: columns", text)
    end
    db:close()
    local columns = assert(sq.open(path, { engine = "columns" }))
    local rows, message, detail = columns:sessions():json()
    if not rows then
      failed = failed + 1
      assert(detail.code == "store" or detail.code == "value", message)
    end
    columns:close()
  end
  assert(turned > 20, turned)
  assert(failed >= turned, failed)
  vm.remove(path)
end)
