--- Statistics of LangSmith's projects beside a plain evaluation, on random runs with absent values, by each engine: few and
--- many projects (whose feedback is read in another way), all runs and those since a time, in each order.
local core = require "sessionquery.core"
local http = require "sessionquery.http"
local langsmith = require "spec.support.langsmith"
local random = require "spec.support.random"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local T = 1704067200
local ORGANIZATION = "acme"
local null = core.null

local function make_world(seed, projects, count)
  local rng = random.new(seed)
  local world = { records = {}, feedback = {}, projects = {} }
  local function maybe(percent, value) return rng.chance(percent) and value or nil end
  for i = 1, projects do world.projects[i] = { name = ("p%02d"):format(i), start_time = maybe(50, T - rng.int(1, 5)) } end
  for i = 1, count do
    local whose = rng.int(1, projects - 1) -- the last one has no run
    world.records[i] = {
      request_id = "r" .. i, project = world.projects[whose].name, organization_id = rng.chance(80) and ORGANIZATION or "other",
      run_type = rng.pick { "llm", "chain", "tool", "embedding" }, parent_id = maybe(60, "r" .. rng.int(1, count)),
      created_at = T + rng.int(0, 2000) / 4, latency_ms = maybe(60, rng.int(0, 20) * 500), responded_at = maybe(20, T + 9000),
      time_to_first_token_ms = maybe(40, rng.int(0, 30) * 10), streamed = maybe(50, rng.chance(50)), error = maybe(15, "it broke"),
      status = maybe(50, rng.pick { 200, 200, 404, 500, -1, -2, -2, -3 }),
      prompt_tokens = maybe(50, rng.int(0, 1000)), completion_tokens = maybe(50, rng.int(0, 1000)), total_tokens = maybe(20, rng.int(0, 3000)),
      cost_usd = maybe(60, rng.int(0, 10 ^ 6) / 10 ^ 9), prompt_cost_usd = maybe(40, rng.int(0, 10 ^ 6) / 10 ^ 9),
      completion_cost_usd = maybe(40, rng.int(0, 10 ^ 6) / 10 ^ 9),
      feedback = maybe(20, { { key = rng.pick { "grade", "thumb" }, score = maybe(80, rng.int(0, 8) / 8), value = maybe(50, rng.pick { "a", "b" }) } }),
    }
    if world.records[i].streamed == nil and rng.chance(25) then world.records[i].streamed = false end
  end
  return world
end

-- ------------------------------------------------------------------------------------------------- plain evaluation

local function rank(values, permille)
  table.sort(values)
  return values[math.ceil(permille * #values / 1000)]
end

local function in_error(r) return r.error ~= nil or (r.status ~= nil and (r.status >= 400 or (r.status < 0 and r.status ~= -2))) end

local function is_pending(r)
  return not in_error(r) and (r.status == -2 or (r.responded_at == nil and r.latency_ms == nil))
end

local function plus(sum, value) return value and (sum or 0) + value or sum end

local function money(nano) return nano and ("%d.%09d"):format(math.floor(nano / 1e9), nano % 1e9):gsub("%.?0+$", "") end

local function nano(dollars) return dollars and math.floor(dollars * 1e9 + 0.5) end

local function tokens(r)
  if r.total_tokens then return r.total_tokens end
  if r.prompt_tokens or r.completion_tokens then return (r.prompt_tokens or 0) + (r.completion_tokens or 0) end
end

local function feedback_of(records)
  local keys = {}
  for _, r in ipairs(records) do
    for _, given in ipairs(r.feedback or {}) do
      local said = keys[given.key] or { n = 0, sum = 0, scored = 0, values = {} }
      keys[given.key] = said
      said.n = said.n + 1
      if given.score then said.sum, said.scored = said.sum + given.score, said.scored + 1 end
      if given.value then said.values[given.value] = (said.values[given.value] or 0) + 1 end
    end
  end
  for key, said in pairs(keys) do keys[key] = { n = said.n, avg = said.scored > 0 and said.sum / said.scored or null, values = said.values } end
  return keys
end

--- The statistics of a project's runs that pass, as an answer has them.
local function reckon(world, project, passes)
  local all, newest, last, latencies, firsts, ended, failed, known, streamed, roots = {}, nil, nil, {}, {}, 0, 0, 0, 0, 0
  local sums = {}
  for _, r in ipairs(world.records) do
    if r.organization_id == ORGANIZATION and r.project == project.name then
      local is_root = r.parent_id == nil
      if is_root then newest = math.max(newest or 0, r.created_at) end
      if passes(r) then
        all[#all + 1] = r
        if is_root then
          roots = roots + 1
          last = math.max(last or 0, r.created_at)
          if r.latency_ms then latencies[#latencies + 1] = r.latency_ms end
          if r.time_to_first_token_ms then firsts[#firsts + 1] = r.time_to_first_token_ms end
          if not is_pending(r) then
            ended = ended + 1
            if in_error(r) then failed = failed + 1 end
            if r.streamed ~= nil then known, streamed = known + 1, streamed + (r.streamed and 1 or 0) end
          end
        end
        if r.run_type == "llm" or r.run_type == "embedding" then
          sums.total_tokens = plus(sums.total_tokens, tokens(r))
          sums.prompt_tokens, sums.completion_tokens = plus(sums.prompt_tokens, r.prompt_tokens), plus(sums.completion_tokens, r.completion_tokens)
          sums.cost, sums.prompt = plus(sums.cost, nano(r.cost_usd)), plus(sums.prompt, nano(r.prompt_cost_usd))
          sums.completion = plus(sums.completion, nano(r.completion_cost_usd))
        end
      end
    end
  end
  local function seconds(values, permille) return #values > 0 and rank(values, permille) / 1000 or null end
  return {
    run_count = roots, latency_p50 = seconds(latencies, 500), latency_p99 = seconds(latencies, 990), first_token_p50 = seconds(firsts, 500),
    first_token_p99 = seconds(firsts, 990), error_rate = ended > 0 and failed / ended or null, streaming_rate = known > 0 and streamed / known or null,
    last_run_start_time = last and sq.iso(last) or null, last_run_start_time_live = newest and sq.iso(newest) or null,
    total_tokens = sums.total_tokens or null, prompt_tokens = sums.prompt_tokens or null, completion_tokens = sums.completion_tokens or null,
    total_cost = money(sums.cost) or null, last = last, prompt_cost = money(sums.prompt) or null, completion_cost = money(sums.completion) or null,
    feedback_stats = feedback_of(all), session_feedback_stats = {}, run_facets = null, test_run_number = null,
  }
end

local sort_member = { runs_count = "run_count" }

--- Names in the order that is asked for.
local function in_order(world, reckoned, by, descending, ids)
  local list, values = {}, {}
  for i, project in ipairs(world.projects) do
    list[i] = project.name
    local own = reckoned[project.name]
    local value = own[sort_member[by] or by]
    if by == "name" then value = project.name end
    if by == "last_run_start_time" then value = own.last end
    if by == "feedback" then value = own.feedback_stats.grade and own.feedback_stats.grade.avg end
    if value == null then value = nil end
    values[project.name] = value
  end
  table.sort(list, function(a, b)
    local x, y = values[a], values[b]
    if x == y then return ids[a] < ids[b] end
    if x == nil or y == nil then return y == nil end
    if descending then return x > y end
    return x < y
  end)
  return table.concat(list, " ")
end

-- ----------------------------------------------------------------------------------------------------- comparing

local function same(wanted, got, what)
  if type(wanted) == "table" and type(got) == "table" then
    for key in pairs(got) do assert(wanted[key] ~= nil, what .. "/" .. key .. " is too much") end
    for key, value in pairs(wanted) do same(value, got[key], what .. "/" .. key) end
  elseif type(wanted) == "number" and type(got) == "number" then
    assert(math.abs(wanted - got) <= 1e-12 * math.max(1, math.abs(wanted)), ("%s is %s, not %s"):format(what, got, wanted))
  else
    assert(wanted == got, ("%s is %s, not %s"):format(what, tostring(got), tostring(wanted)))
  end
end

local questions = {
  { "", function() return true end },
  { "&stats_start_time=" .. sq.iso(T + 250.25), function(r) return r.created_at >= T + 250.25 end },
  { "&stats_start_time=" .. sq.iso(T + 100000), function() return false end },
}

local orders = { "name", "last_run_start_time", "latency_p50", "latency_p99", "error_rate", "runs_count", "feedback" }

for _, size in ipairs { { 5, 400, 3 }, { 14, 4000, 1 } } do
  local projects, count, rounds = size[1], size[2], size[3]
  for round = 1, rounds do
    describe(("statistics of %d random runs in %d projects, world %d"):format(count, projects, round), function()
      local path, world, apps, ids = vm.path "langsmith_statistics.db", make_world(round * 100 + projects, projects, count), {}, {}
      setup(function()
        local db = assert(sq.open(path, { seal = "manual" }))
        for _, project in ipairs(world.projects) do
          local made = assert(db:create_project { organization_id = ORGANIZATION, name = project.name, start_time = project.start_time })
          ids[project.name] = made.id
        end
        local at = 0
        local function import_up_to(last)
          local sum = assert(db:import(function()
            at = at + 1
            if at > last then return nil end
            return core.encode(world.records[at])
          end))
          assert.equal(0, sum.failed)
          at = last
        end
        import_up_to(math.floor(count / 2))
        assert(db:seal())
        import_up_to(count)
        db:close()
        for _, engine in ipairs { "sql", "auto" } do apps[engine] = http.app { path = path, engine = engine, organization = ORGANIZATION } end
      end)
      teardown(function()
        for _, app in pairs(apps) do app:close() end
        vm.remove(path)
      end)

      for _, question in ipairs(questions) do
        for _, engine in ipairs { "sql", "auto" } do
          it(("as reckoned: engine %s, %s"):format(engine, question[1]), function()
            local answer = langsmith.list(apps[engine], "include_stats=true" .. question[1])
            assert.equal(projects, #answer)
            for _, project in ipairs(answer) do
              local wanted = reckon(world, project, question[2])
              wanted.last = nil
              for name, value in pairs(wanted) do same(value, project[name], project.name .. "/" .. name) end
            end
            -- one alone is as among the others
            local single = langsmith.list(apps[engine], "include_stats=true&name=p01" .. question[1])[1]
            for _, project in ipairs(answer) do
              if project.name == "p01" then same(project, single, "p01") end
            end
          end)

          it(("in order: engine %s, %s"):format(engine, question[1]), function()
            local reckoned = {}
            for _, project in ipairs(world.projects) do reckoned[project.name] = reckon(world, project, question[2]) end
            for _, by in ipairs(orders) do
              for _, descending in ipairs { true, false } do
                local query = ("sort_by=%s&sort_by_desc=%s&sort_by_feedback_key=grade%s"):format(by, tostring(descending), question[1])
                local wanted = in_order(world, reckoned, by, descending, ids)
                assert.equal(wanted, langsmith.names(langsmith.list(apps[engine], query)), query)
                local first, second = langsmith.list(apps[engine], query .. "&limit=3"), langsmith.list(apps[engine], query .. "&offset=3")
                assert.equal(wanted, langsmith.names(first) .. " " .. langsmith.names(second), query)
              end
            end
          end)
        end
      end
    end)
  end
end
