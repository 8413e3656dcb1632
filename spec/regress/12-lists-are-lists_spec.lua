--- Lists with other keys or holes were taken in part: sq.all{x = filter} let everything through.
local sq = require "sessionquery"
local f = sq.field

it("a list has the keys 1 to n, and no others", function()
  local db = assert(sq.open ":memory:")
  local holes, records = { f.model:eq "a", nil, f.model:eq "b" }, { { created_at = 1 }, nil, { created_at = 2 } }
  for what, call in pairs {
    all = function() local _ = sq.all { x = f.model:eq "a" } end,
    any = function() local _ = sq.any { x = f.model:eq "a" } end,
    holes = function() local _ = sq.all(holes) end,
    proxy = function() local _ = sq.all(setmetatable({ x = 1 }, { __len = function() return 1 end })) end,
    among = function() local _ = f.model:among { a = 1 } end,
    gap = function() local _ = f.model:among { "a", nil, "c" } end,
    add = function() db:add { { created_at = 1 }, created_at = 2 } end,
    records = function() db:add(records) end,
    update = function() db:update { { request_id = "a" }, request_id = "b" } end,
  } do
    local good, message = pcall(call)
    assert(not good and message:find "expected a list, got a table", what .. ": " .. tostring(message))
    assert(message:find "12%-lists%-are%-lists_spec%.lua:%d+:", message)
  end
  assert.equal(0, assert(db:requests():count()))
  db:close()
end)
