--- Requests of one id and one time in two projects: which of them named a group of both was left to the order in
--- which the rows came. It is the one of the greater project, whichever engine answers.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("the greater project decides", function()
  for _, projects in ipairs { { "a", "b" }, { "b", "a" } } do
    local path = vm.path()
    local db = assert(sq.open(path))
    for _, project in ipairs(projects) do
      assert(db:add { request_id = "r", project = project, session_name = "of " .. project, created_at = 1, model = "m" })
      assert(db:seal())
    end
    for _, engine in ipairs { "sql", "columns" } do
      local reader = assert(sq.open(path, { engine = engine, readonly = true }))
      assert.equal("of b", assert(reader:group_by("model"):first()).name)
      reader:close()
    end
    db:close()
    vm.remove(path)
    os.remove(path .. "-columns")
  end
end)
