--- enclosing and enclosed: in which trace row a completion lies, and what lies in a trace row.
local sq = require "sessionquery"
local f = sq.field

--- Requests as `id type parent trace`, "-" for absent; "project/" or "organization:" before an id, parents and traces
--- are of the same owner.
local function store(lines)
  local db, records = assert(sq.open ":memory:"), {}
  for line in lines:gmatch "[^\n]+" do
    local name, kind, parent, trace = line:match "(%S+) +(%S+) +(%S+) +(%S+)"
    local organization, project, id = "", "default", name
    if id:find ":" then organization, id = id:match "(.*):(.*)" end
    if id:find "/" then project, id = id:match "(.*)/(.*)" end
    records[#records + 1] = { request_id = id, organization_id = organization, project = project, run_type = kind, name = name,
      parent_id = parent ~= "-" and parent or nil, trace_id = trace ~= "-" and trace or nil, created_at = #records + 1, session_id = "s" }
  end
  assert(db:add(records))
  return db
end

--- The names of the requests that pass, in order.
local function names(db, filter)
  local list = {}
  for row in db:requests():where(filter):order_by("created_at"):each() do list[#list + 1] = row.name end
  return table.concat(list, " ")
end

--- What lies in which trace row, as "row: completions"; told by both, which must agree.
local function rows(db)
  local list = {}
  for row in db:requests():order_by("created_at"):each() do
    local around = names(db, sq.all { sq.enclosing(f.name:eq(row.name)), f.run_type:among { "llm", "embedding" } })
    local inside = sq.enclosed(f.name:eq(row.name))
    for outer in names(db, inside):gmatch "%S+" do
      assert((names(db, sq.enclosing(f.name:eq(outer))) .. " "):find(row.name .. " ", 1, true), row.name .. " in " .. outer)
    end
    if around ~= "" then list[#list + 1] = row.name .. ": " .. around end
  end
  return table.concat(list, "; ")
end

describe("the trace row around a completion", function()
  for _, case in ipairs {
    { "is its parent", "a chain - -\nc llm a -\ne embedding a -", "a: c e" },
    { "may be recorded after it", "c llm a -\na chain - -", "a: c" },
    { "is found through completions", "a agent - -\nb llm a -\nc llm b -\nd embedding c -", "a: b c d" },
    { "is the nearest one", "a chain - -\nb tool a -\nc llm b -\nd llm a -", "a: d; b: c" },
    { "is what its trace_id names where it has no parent", "t chain - t\nc llm - t", "t: c" },
    { "is what its trace_id names where its parent is unknown", "t chain - t\nc llm gone t\nd llm c t", "t: c d" },
    { "is the parent, whatever the trace", "t chain - t\na chain - -\nc llm a t", "a: c" },
    { "is the trace's where the chain ends at a completion", "t chain - t\nb llm - -\nc llm b t", "t: c" },
    { "is none where the trace_id names a completion", "c llm - c\nd llm c c", "" },
    { "is none where nothing leads anywhere", "a chain - t\nc llm - t\nd llm gone gone", "" },
    { "is the trace's out of a circle", "t chain - -\nb llm c -\nc llm b t\nd llm d t\ne llm c t", "t: c d e" },
    { "is found from behind a circle", "a chain - -\nb llm b -\nc llm b -\nd llm a -", "a: d" },
    { "is of the same project and organization", "a chain - -\np/c llm a -\no:c llm a a\nc llm a -\np/a tool - -", "a: c; p/a: p/c" },
    { "is told apart by each owner", "a chain - -\no:a chain - -\no:p/a chain - -\nc llm a -\no:c llm a -\no:p/c llm a -",
      "a: c; o:a: o:c; o:p/a: o:p/c" },
  } do
    it(case[1], function()
      local db = store(case[2])
      assert.equal(case[3], rows(db))
      db:close()
    end)
  end
end)

describe("enclosing and enclosed", function()
  local lines = "t chain - t\nu tool t t\nc llm u t\nd llm t t\nx llm - -\ny retriever - -"

  it("take a trace row for its own surroundings, and no completion for anybody's", function()
    local db = store(lines)
    for filter, wanted in pairs {
      [sq.enclosing(sq.all {})] = "t u c d y",
      [sq.enclosing(f.name:eq "t")] = "t d",
      [sq.enclosing(f.run_type:eq "llm")] = "",
      [sq.enclosed(sq.all {})] = "t u",
      [sq.enclosed(f.name:eq "c")] = "u",
      [sq.enclosed(f.run_type:eq "tool")] = "",
      [sq.enclosed(f.name:eq "x")] = "",
    } do
      assert.equal(wanted, names(db, filter), filter:dump())
      local rest = {} -- the negation has the rest
      for name in ("t u c d x y"):gmatch "%S+" do
        if not (" " .. wanted .. " "):find(" " .. name .. " ", 1, true) then rest[#rest + 1] = name end
      end
      assert.equal(table.concat(rest, " "), names(db, sq.negate(filter)), "not " .. filter:dump())
    end
    db:close()
  end)

  it("stand in one another, in some, every and groups", function()
    local db = store(lines)
    assert.equal("c", names(db, sq.all { sq.enclosing(sq.enclosed(f.name:eq "c")), f.run_type:eq "llm" }))
    assert.equal("t d", names(db, sq.enclosing(sq.enclosed(sq.enclosing(f.name:eq "t")))))
    assert.equal("t u", names(db, sq.all { sq.in_trace(f.name:eq "c"), sq.enclosed(sq.all {}) }))
    assert.equal(1, assert(db:sessions():where(sq.some_request(sq.enclosing(f.name:eq "u"))):count()))
    assert.equal(0, assert(db:sessions():where(sq.every_request(sq.enclosing(f.name:eq "u"))):count()))
    assert.equal(2, assert(db:group_by("run_type"):where(sq.enclosing(f.name:eq "u")):count()))
    db:close()
  end)

  it("see what was changed and deleted", function()
    local db = store(lines)
    assert(db:update { request_id = "u", run_type = "llm" })
    assert.equal("t u c d", names(db, sq.enclosing(f.name:eq "t")))
    assert(db:update { request_id = "c", parent_id = "d" })
    assert(db:delete { request = "d" })
    assert.equal("t u c", names(db, sq.enclosing(f.name:eq "t")))
    assert(db:delete { request = "t" })
    assert.equal("y", names(db, sq.enclosing(sq.all {})))
    db:close()
  end)

  it("see of a scope what is in it, and nothing beside", function()
    local vm = require "spec.support.vm"
    local path = vm.path()
    local db = assert(sq.open(path))
    for _, owner in ipairs { { "o1", "p" }, { "o2", "p" }, { "o1", "q" } } do
      assert(db:add { { request_id = "t", organization_id = owner[1], project = owner[2], run_type = "chain", name = "secret", created_at = 1 } })
    end
    assert(db:add { { request_id = "c", organization_id = "o1", project = "p", parent_id = "t", created_at = 2 },
      { request_id = "d", organization_id = "o1", project = "q", parent_id = "c", trace_id = "t", created_at = 3 } })
    db:close()
    for scope, count in pairs { [{}] = 5, [{ organization = "o1" }] = 4, [{ organization = "o1", project = "p" }] = 2, [{ organization = "o2" }] = 1 } do
      for _, readonly in ipairs { true, false } do
        local handle = assert(sq.open(path, { organization = scope.organization, project = scope.project, readonly = readonly }))
        assert.equal(count, assert(handle:requests():where(sq.enclosing(f.name:eq "secret")):count()))
        assert.equal(0, assert(handle:requests():where(sq.enclosed(f.name:eq "secret")):count()))
        handle:close()
      end
    end
    vm.remove(path)
  end)
end)
