--- Filters written back: into the dialect that they came from, and into the others.
---
--- AGREE_CASES and AGREE_SEED choose how many random filters, and which.
local random = require "spec.support.random"
local sample = require "spec.support.sample"
local sources = require "spec.support.sources"
local sq = require "sessionquery"

local CASES = math.min(tonumber(os.getenv "AGREE_CASES") or 3000, 3000)
local SEED = tonumber(os.getenv "AGREE_SEED") or 20261121
local ROWS = 80
local field = sq.field

local function compile(dialect, source)
  local filter, message = sq.filter(dialect, source)
  if not filter then error(("%s does not compile: %s\n%s"):format(dialect, message, source), 2) end
  return filter
end

--- What a translation says it cannot.
local function reasons_of(parts)
  local list = {}
  for i, part in ipairs(parts) do
    assert(part.part ~= "" and part.reason ~= "", "a part without a reason")
    list[i] = part.part .. ": " .. part.reason
  end
  return table.concat(list, "; ")
end

--- What a filter lets through: the ids of requests, and the ids and sizes of sessions.
local function requests_of(db, filter)
  local ids = {}
  for i, row in ipairs(assert(db:requests():where(filter):all())) do ids[i] = row.request_id end
  return table.concat(ids, " ")
end

local function sessions_of(db, filter)
  local ids = {}
  for i, row in ipairs(assert(db:sessions():where(filter):all())) do ids[i] = ("%s×%d"):format(row.id, row.total_requests) end
  return table.concat(ids, " ")
end

--- Both as text; "" for requests where a filter asks about sessions.
local function answers_of(db, filter)
  local about_sessions = filter:dump():find "keep " or filter:dump "tree":find "session%."
  return (about_sessions and "" or requests_of(db, filter)) .. "\n" .. sessions_of(db, filter)
end

describe("a filter written back", function()
  for _, dialect in ipairs(sources.dialects) do
    it(("in %s is the same tree, and the same text from then on"):format(dialect), function()
      local rng = random.new(SEED)
      local db, world = random.world(rng, ROWS)
      local data = sample.of(world, {})
      db:close()
      for _ = 1, CASES do
        local source = sources[dialect](rng, data)
        local filter = compile(dialect, source)
        local text, parts = filter:to(dialect)
        assert(text, ("%s cannot say what it said: %s\n%s"):format(dialect, parts and reasons_of(parts), source))
        local again = compile(dialect, text)
        assert.equal(filter:dump "tree", again:dump "tree", source)
        assert.equal(text, (again:to(dialect)), source)
      end
    end)
  end
end)

describe("a filter written in another dialect", function()
  for _, from in ipairs(sources.dialects) do
    for _, to in ipairs(sources.dialects) do
      if from ~= to then
        it(("lets the same rows through: from %s to %s"):format(from, to), function()
          local rng = random.new(SEED + 1)
          local db, world = random.world(rng, ROWS)
          local data = sample.of(world, {})
          local everything = answers_of(db, sq.all {})
          local said, unsaid, chosen, other = 0, 0, 0, 0
          for _ = 1, CASES do
            local source = sources[from](rng, data)
            local filter = compile(from, source)
            local text, parts = filter:to(to)
            if not text then
              unsaid = unsaid + 1
              assert(#parts > 0 and reasons_of(parts) ~= "", source)
            else
              said = said + 1
              local again = compile(to, text)
              if again:dump "tree" ~= filter:dump "tree" then
                other = other + 1
                local wanted = answers_of(db, filter)
                if wanted ~= everything and wanted ~= "\n" then chosen = chosen + 1 end
                assert.equal(wanted, answers_of(db, again), ("%s\n%s"):format(source, text))
              end
            end
          end
          db:close()
          io.write(("# %s to %s: %d said, %d of them as another tree that chooses, %d unsaid\n"):format(from, to, said, chosen, unsaid))
          assert(said > CASES / 20, said)
          if to ~= "where" then assert(unsaid > CASES / 100 and chosen > CASES / 200, ("%d unsaid, %d choose"):format(unsaid, chosen)) end
          if to == "where" then assert.equal(0, unsaid + other) end
        end)
      end
    end
  end
end)
