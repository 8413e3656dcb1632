--- Random work on projects, beside a model of what there should be.
local core = require "sessionquery.core"
local random = require "spec.support.random"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

describe("random work", function()
  --- What there should be: by name its id, its requests, and whether it has a row. An id that is not made of the name is
  --- taken over from the store when it is first seen, and stays from then on.
  local function check(db, model, taken, what)
    local list = assert(db:projects {})
    local seen, count = {}, 0
    for _, project in ipairs(list) do
      local known = model[project.name]
      assert(known and not seen[project.id], what)
      seen[project.id] = project.name
      known.id = known.id or project.id
      assert.same({ known.id, known.stored, known.requests }, { project.id, project.stored, project.requests }, what)
      assert.is_nil(known.is_new and taken[project.id] or nil, what)
      known.is_new, taken[project.id], count = nil, true, count + 1
    end
    for name, known in pairs(model) do
      assert(known.requests == 0 and not known.stored or seen[known.id] == name, what .. ": " .. name)
    end
    assert.equal(#list, count)
  end

  --- The id that a name gets: its own, unless another has that one; nil: a new one.
  local function id_of(model, name)
    local own = core.project_id("", name)
    for _, other in pairs(model) do
      if other.id == own then return nil end
    end
    return own
  end

  it("leaves each project its id, its requests and its name", function()
    for seed = 1, 6 do
      local rng = random.new(seed)
      local path = vm.path()
      local db = assert(sq.open(path))
      local model, taken, last = {}, {}, 0
      local all = { "a", "b", "c", "d" }
      for step = 1, 120 do
        local what = ("seed %d, step %d"):format(seed, step)
        local name, to, kind = rng.pick(all), rng.pick(all), rng.int(1, 10)
        local known = model[name]
        if kind <= 4 then
          last = last + 1
          if not known then
            known = { requests = 0, stored = false, id = id_of(model, name), is_new = true }
            model[name] = known
          end
          known.requests = known.requests + 1
          assert(db:add { request_id = "r" .. last, session_id = "s" .. last % 3, created_at = last, project = name })
        elseif kind == 5 then
          local made, _, detail = db:create_project { name = name }
          if known then
            assert.equal("conflict", detail.code, what)
          else
            model[name] = { requests = 0, stored = true, id = id_of(model, name) or made.id }
          end
        elseif kind <= 8 and known then
          local renamed, _, detail = db:update_project(known.id, { name = to })
          if name ~= to and model[to] then
            assert.equal("conflict", detail.code, what)
          else
            assert.equal(known.id, renamed.id, what)
            model[name] = nil
            model[to] = known
            known.stored = true
          end
        elseif kind == 9 and known then
          assert.equal(known.requests, assert(db:delete_project(known.id)).requests, what)
          model[name] = nil
          taken[known.id] = nil
        elseif kind == 10 then
          assert(db:seal())
        end
        check(db, model, taken, what)
      end
      local total = 0
      for name, known in pairs(model) do
        total = total + known.requests
        for _, engine in ipairs { "sql", "auto" } do
          local reader = assert(sq.open(path, { readonly = true, engine = engine }))
          assert.equal(known.requests, assert(reader:requests():where(sq.field.project_id:eq(known.id)):count()), name)
          assert.equal(known.requests, assert(reader:requests():where(sq.field.project:eq(name)):count()), name)
          reader:close()
        end
      end
      assert.equal(total, assert(db:check()))
      db:close()
      vm.remove(path)
    end
  end)
end)
