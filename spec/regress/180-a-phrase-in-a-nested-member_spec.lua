--- A phrase is looked for in a document without its escapes: `\n` is no letter n before the next word. In a member of it
--- that is nested, the escapes stood; so `completion_inputs.messages` did not find what `completion_output` would have.
local sq = require "sessionquery"

local members = {
  text = [["first line\nnot found caf\u00e9"]],
  list = [=[["first line\nnot found", "caf\u00e9"]]=],
  object = [[{"content": "first line\nnot found", "name": "caf\u00e9"}]],
}

for kind, value in pairs(members) do
  it("finds the words after an escape in a member: " .. kind, function()
    local db = assert(sq.open ":memory:")
    assert(db:add { request_id = "r", created_at = 1, request_body = '{"topic":' .. value .. "}" })
    local function found(words)
      return db:requests():where(assert(sq.filter("freeplay", { field = "completion_inputs.topic", op = "contains", value = words }))):count()
    end
    assert.equal(1, found "not found")
    assert.equal(1, found "CAFÉ")
    assert.equal(0, found "nnot")
    assert.equal(0, found "u00e9")
    db:close()
  end)
end

it("reads escapes once: text that looks like JSON is text", function()
  local db = assert(sq.open ":memory:")
  assert(db:add { request_id = "r", created_at = 1, request_body = [[{"topic":"[\"a\\nb\"]"}]] })
  assert.equal(1, db:requests():where "text(request_body.topic) phrase 'a nb'":count())
  assert.equal(0, db:requests():where "text(request_body.topic) phrase 'a b'":count())
  db:close()
end)
