--- A store that could not be opened said where, and not why: an operator had to guess whether its folder was missing, or
--- not the worker's to write to.
local sq = require "sessionquery"

describe("a store that cannot be opened", function()
  it("says why", function()
    local folder = os.tmpname()
    local file = assert(io.open(folder, "w"))
    file:close()
    for path, why in pairs {
      [folder .. "-missing/llm.db"] = "No such file or directory",
      [folder .. "/llm.db"] = "Not a directory",
    } do
      local db, message, detail = sq.open(path)
      assert.is_nil(db)
      assert.are.equal("store", detail.code)
      assert.are.equal(("cannot open a store at %s: %s"):format(path, why), message)
    end
    os.remove(folder)
  end)
end)
