--- README.md is true: its snippets run, its generated parts are as they should be, its methods exist.
local readme = require "spec.support.readme"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

describe("README.md", function()
  it("has its generated parts as they should be (make readme)", function()
    assert.equal(readme.generate(readme.read()), readme.read())
  end)

  it("has Lua snippets that run, in order, and print what they say", function()
    local printed = {}
    local environment = setmetatable({
      print = function(...)
        local list = { ... }
        for i = 1, select("#", ...) do list[i] = tostring(list[i]) end
        printed[#printed + 1] = table.concat(list, "\t")
      end,
      io = { write = function(text) printed[#printed + 1] = text end },
    }, { __index = _G })
    -- all of them are one program: locals of one serve the next
    local source = table.concat(readme.snippets "lua", "\n"):gsub('"llm%.db"', ("%q"):format(vm.path "llm.db"))
    local chunk = assert((loadstring or load)(source, "README.md"))
    if setfenv then setfenv(chunk, environment) else chunk = assert(load(source, "README.md", "t", environment)) end
    chunk()
    local output = table.concat(printed, "\n")
    for _, expected in ipairs {
      "s1\tsupport\t0.0042\t1\t450\tu1",
      "1\tkeep (and (some (gt cost_usd 0.001)) (not (some (gte status 500))))",
      '200\t{"data":[{"created_at":"',
      "outcome = 'error' and latency_ms > 5000 and model = 'gpt-4o'",
      "| id | name | requests |",
      "where: unknown field 'latncy_ms', did you mean 'latency_ms'?\n  latncy_ms > 2\n  ^^^^^^^^^",
    } do
      assert(output:find(expected, 1, true), output)
    end
  end)

  it("has the shell commands that the tree has", function()
    for _, snippet in ipairs(readme.snippets "sh") do
      for target in snippet:gmatch "make (%l+)" do
        local _, status = vm.shell("make -n " .. target)
        assert.equal(0, status, target)
      end
    end
  end)

  it("has commands of sessionquery that run", function()
    local ran = 0
    local path = vm.path "readme.db"
    for _, snippet in ipairs(readme.snippets "sh") do
      for line in snippet:gmatch "[^\n]+" do
        local command = line:match "^sessionquery (.*)$"
        if command then
          local output, status = vm.shell(vm.prefix .. "build/bin/sessionquery " .. command:gsub("llm%.db", path))
          assert.equal(0, status, output)
          ran = ran + 1
        end
      end
    end
    assert.equal(8, ran)
    vm.remove(path)
  end)

  if vm.name == "luajit" then -- once is enough
    it("has calls of curl that the gateway answers", function()
      local server = require("spec.support.nginx").start()
      local answers = {}
      for _, snippet in ipairs(readme.snippets "sh") do
        for command in snippet:gmatch "curl [^\n]+" do
          if #answers == 1 then server:wait(function() return select(3, server:ask { path = "/metrics" }):find "sessionquery_flushed_total 1" end, 5) end
          local output, status = vm.shell((command:gsub("8585", server.port):gsub("^curl", "curl -sS")))
          assert.equal(0, status, output)
          answers[#answers + 1] = output
        end
      end
      server:stop()
      assert.equal(5, #answers)
      assert.matches('"content":"A session is many calls', answers[1], 1, true)
      assert.matches('"session_id":"s1"', answers[2], 1, true)
      assert.matches("sessionquery_recorded_total 1", answers[3], 1, true)
      assert.matches('"name":"default",', answers[4], 1, true)
      assert.matches('"session_id":"s1"', answers[5], 1, true)
    end)
  end

  it("names methods that are there", function()
    local text = readme.read()
    local db = assert(sq.open ":memory:")
    local session = assert(db:session "s")
    local count = 0
    for object, name in text:gmatch "([%l]+):([%l_]+)[({%[\"%s]" do
      local holder = ({ db = db, query = db:sessions(), session = session })[object]
      if holder and not text:find("[%w_]" .. object .. ":" .. name) then
        assert(type(holder[name]) == "function", object .. ":" .. name)
        count = count + 1
      end
    end
    for name in text:gmatch "sq%.([%l_]+)[({]" do
      assert(sq[name], "sq." .. name)
      count = count + 1
    end
    assert(count > 40, count)
    db:close()
  end)

  it("documents every public method", function()
    local text = readme.read()
    local db = assert(sq.open ":memory:")
    for _, holder in ipairs { { getmetatable(db).__index, "db:" }, { getmetatable(db:sessions()), "query:" },
      { getmetatable(getmetatable(db:sessions())).__index, "query:" },
      { getmetatable(assert(db:session "s")), "session:" } } do
      for name, value in pairs(holder[1]) do
        if type(value) == "function" and not name:find "^_" then
          assert(text:find(holder[2] .. name, 1, true) or text:find("**" .. holder[2] .. name, 1, true), holder[2] .. name)
        end
      end
    end
    for name, value in pairs(sq) do
      if type(value) == "function" then assert(text:find("sq." .. name, 1, true), "sq." .. name) end
    end
    db:close()
  end)
end)
