--- The command, as a process.
local vm = require "spec.support.vm"

local function run(arguments) return vm.shell(vm.prefix .. "build/bin/sessionquery " .. arguments) end

describe("the command", function()
  local db = vm.path "cli.db"
  local lines = vm.write(vm.path "cli.jsonl", '{"request_id":"1","session_id":"a","session_name":"plan","created_at":"2026-11-18T10:00:00Z","cost_usd":0.5,"latency_ms":100,"model":"o3"}\n' ..
    '{"request_id":"2","session_id":"b","created_at":"2026-11-19T10:00:00Z","cost_usd":1}\nbroken\n')

  setup(function() run("import -q --db " .. db .. " " .. lines) end)

  it("imports, tells of bad lines, and says so by its status", function()
    local fresh = vm.path "imported.db"
    local output, status = run("import -q --db " .. fresh .. " " .. lines)
    assert.equal(2, status)
    assert(output:find(lines .. ":3: not a JSON value", 1, true), output)
    assert(output:find(lines .. ": 3 lines, 2 added, 1 failed", 1, true), output)
    output, status = run("import -q --on-error stop --db " .. fresh .. " " .. lines)
    assert.equal(1, status)
    assert(output:find("line 3: not a JSON value", 1, true), output)
    output, status = run("import -q --on-conflict skip --db " .. fresh .. " " .. lines .. " " .. lines)
    assert.equal(2, status)
    assert(output:find("2 skipped", 1, true), output)
    output, status = run("import --db " .. fresh .. " build/spec/none.jsonl")
    assert.equal(1, status)
    assert(output:find("cannot open build/spec/none.jsonl", 1, true), output)
  end)

  it("maps by a file", function()
    local map = vm.write(vm.path "map.lua", "return function(r) return { request_id = r.id, created_at = r.t } end")
    local other = vm.write(vm.path "other.jsonl", '{"id":"m1","t":5}\n')
    local output, status = run(("import -q --db %s --map %s %s"):format(vm.path "mapped.db", map, other))
    assert.equal(0, status, output)
    vm.write(map, "return 5")
    output, status = run(("import -q --db %s --map %s %s"):format(vm.path "mapped.db", map, other))
    assert.equal(1, status)
    assert(output:find "returns no function", output)
  end)

  it("prints sessions", function()
    local output, status = run("sessions --db " .. db)
    assert.equal(0, status, output)
    assert.equal([[
id  name  requests  errors  tokens  cost_usd  p50_ms  p99_ms  latest
--  ----  --------  ------  ------  --------  ------  ------  --------------------
b                1       0          1.000000                  2026-11-19T10:00:00Z
a   plan         1       0          0.500000     100     100  2026-11-18T10:00:00Z
]], output)
    assert(run("sessions --format csv --order total_cost_usd --limit 1 --db "
      .. db):find "\r\na,plan,1,0,,0.5,100,100,2026%-11%-18T10:00:00Z\r\n$")
    assert(run("sessions --format csv --order -total_cost_usd --limit 1 --db " .. db):find "\r\nb,")
    assert(run("sessions --format csv --where \"model = 'o3'\" --db " .. db):find "\r\na,[^\n]*\n$")
    assert(run("sessions --format csv --since 2026-11-19 --db " .. db):find "\r\nb,[^\n]*\n$")
    assert(run("sessions --format csv --until 2026-11-19 --db " .. db):find "\r\na,[^\n]*\n$")
    assert(not run("sessions --format csv --since 1h --db " .. db):find "\r\n[ab],")
  end)

  it("says what is wrong with its arguments", function()
    for _, case in ipairs {
      { "sessions --where 'latncy_ms > 1'", "unknown field 'latncy_ms', did you mean 'latency_ms'?\n  latncy_ms > 1\n  ^^^^^^^^^" },
      { "sessions --order nope", "cannot order by unknown field 'nope'" }, { "sessions --since soon", "--since: 'soon' is not a time" },
      { "sessions --limit x", "a count is a whole number, not 'x'" }, { "sessions --format xml", "must be one of" },
        { "nonsense", "unknown command" }, { "", "required" },
      { "report build/spec/none.lua", "none.lua" }, { "report examples/reports/totals.lua -p x", "name=value" },
      { "report examples/reports/totals.lua -p sine=1", "no parameter 'sine', did you mean 'since'?" },
    } do
      local output, status = run(case[1] .. (case[1]:find " " and " --db " .. db or ""))
      assert(status ~= 0, case[1])
      assert(output:find(case[2], 1, true), output)
    end
    local output, status = run "sessions --db build/spec/none.db"
    assert.equal(1, status)
    assert(output:find "there is no store at build/spec/none.db", output)
  end)

  it("runs reports, explains, tells numbers, helps", function()
    local output = run("report examples/reports/totals.lua --db " .. db)
    assert(output:find "^Totals\n\nrequests  sessions", output)
    assert(run("report examples/reports/slowest_sessions.lua -p requests=1 -p limit=1 --format csv --db " .. db):find "\r\na,plan")
    output = run("explain --where 'latency_ms > 5' --limit 3 --db " .. db)
    assert(output:find "query: sessions rows %(gt latency_ms 5%) order %-session.latest_request_created_at limit 3", output)
    output = run("stats --db " .. db)
    assert(output:find "requests          2\n" and output:find "last_created_at   2026%-11%-19T10:00:00Z\n", output)
    assert(run "--version":find "^sessionquery 0%.1%.0\n$")
    output = run "--help"
    for _, name in ipairs { "import", "sessions", "report", "explain", "stats", "seal", "reindex", "check", "keys", "reprice", "translate" } do assert(output:find("\n   " .. name, 1, true), name) end
  end)

  it("seals, checks and reindexes", function()
    local fresh = vm.path "sealed.db"
    run("import -q --db " .. fresh .. " " .. lines)
    assert(run("stats --db " .. fresh):find "sealed            0\nunsealed          2\ndead              0\nsegments          0\nindex_bytes       0\n$")
    assert.same({ "", 0 }, { run("seal --db " .. fresh) })
    local output, status = run("check --db " .. fresh)
    assert.same({ "2 requests are in the column index as in their rows\n", 0 }, { output, status })
    assert(run("stats --db " .. fresh):find "sealed            2\nunsealed          0\ndead              0\nsegments          1\nindex_bytes       %d+\n$")
    assert(run("explain --db " .. fresh):find "^engine: columns\n")
    assert(os.remove(fresh .. "-columns"))
    assert(run("stats --db " .. fresh):find "\nindex_state       its file is not there\n$")
    assert(run("explain --db " .. fresh):find "^engine: sql, by SQLite %(its file is not there%)\n")
    output, status = run("check --db " .. fresh)
    assert.same({ "sessionquery: there is no column index to compare: its file is not there\n", 1 }, { output, status })
    assert.same({ "", 0 }, { run("reindex --db " .. fresh) })
    assert.same({ "", 0 }, { run("seal --words --db " .. fresh) })
    assert.equal("1\n", (vm.shell(("sqlite3 %s \"SELECT count(*) FROM sqlite_schema WHERE name = 'body_words'\""):format(fresh))))
    assert.equal(0, (select(2, run("check --db " .. fresh))))
    assert(vm.read(fresh .. "-columns"))
    vm.remove(fresh)
    for _, command in ipairs { "seal", "reindex", "check" } do
      output, status = run(command .. " --db " .. fresh)
      assert.same({ "sessionquery: there is no store at " .. fresh .. "\n", 1 }, { output, status })
      assert.is_nil(io.open(fresh))
    end
  end)

  it("makes, lists and revokes keys", function()
    local fresh = vm.path "keys.db"
    local key, status = run("keys add --organization acme --project chat --right record --right query --name ci --db " .. fresh)
    assert.equal(0, status, key)
    local id, secret = key:match "^(%x+)%.(%x+)\n$"
    assert(id and #secret == 64, key)
    assert.equal(0, (select(2, run("keys add --db " .. fresh))))
    local output = run("keys list --format csv --db " .. fresh)
    assert(output:find("^id,name,organization,project,rights,created_at,revoked_at\r\n" .. id .. ",ci,acme,chat,\"query,record\",[%w.:-]+,\r\n"), output)
    assert.is_nil(output:find(secret, 1, true))
    local second = (run("keys add --organization acme --db " .. fresh):gsub("\n", ""))
    local said
    said, status = run(("keys revoke --organization acme --db %s nope %s"):format(fresh, second)) -- a whole key, behind one that is none
    assert(status ~= 0 and said:find("no key with the id 'nope'", 1, true), said)
    assert.is_nil(said:find(second:match "%.(%x+)", 1, true))
    assert.matches("Z,[%w.:-]+Z\r\n", (run("keys list --organization acme --format csv --db " .. fresh)))
    assert.same({ "", 0 }, { run("keys revoke --organization acme --db " .. fresh .. " " .. id) })
    output = run("keys list --organization acme --format csv --db " .. fresh)
    assert(output:find "Z,[%w.:-]+Z\r\n$", output)
    for _, case in ipairs {
      { "keys revoke --db " .. fresh .. " nope", "sessionquery: there is no key with the id 'nope'\n" },
      { "keys revoke --organization other --db " .. fresh .. " " .. id, "there is no key with the id" },
      { "keys list --db build/spec/none.db", "there is no store at build/spec/none.db" },
      { "keys revoke x --db build/spec/none.db", "there is no store at build/spec/none.db" },
      { "keys add --right all --db " .. fresh, "must be one of 'query', 'record', 'admin'" }, { "keys", "a command is required" },
    } do
      output, status = run(case[1])
      assert(status ~= 0, case[1])
      assert(output:find(case[2], 1, true), output)
    end
    vm.remove(fresh)
  end)

  it("fills costs in, and computes them anew", function()
    local fresh, prices = vm.path "priced.db", vm.path "prices.json"
    local calls = vm.write(vm.path "calls.jsonl", '{"request_id":"1","created_at":"2026-11-18","model":"m","prompt_tokens":100}\n' ..
      '{"request_id":"2","created_at":"2026-11-19","model":"m","prompt_tokens":100}\n{"request_id":"3","created_at":1,"model":"new","prompt_tokens":1}\n' ..
      '{"request_id":"4","created_at":1,"prompt_tokens":1}\n{"request_id":"5","created_at":1,"model":"new","prompt_tokens":1}\n')
    vm.write(prices, '{"m":{"input_cost_per_token":1e-05}}')
    local output, status = run(("import -q --prices %s --db %s %s"):format(prices, fresh, calls))
    assert.same({ calls .. ": 5 lines, 5 added\nno price for new: 2 requests\nno price for requests without a model: 1 requests\n", 0 }, { output, status })
    vm.write(prices, '{"m":{"input_per_million":20}}')
    output, status = run(("reprice --prices %s --from 2026-11-19 --db %s"):format(prices, fresh))
    assert.same({ "1 costs changed, by 0.001000000 USD; 0 requests have a model without a price\n", 0 }, { output, status })
    output = run(("reprice --prices %s --db %s"):format(prices, fresh))
    assert.equal("1 costs changed, by 0.001000000 USD; 3 requests have a model without a price\nno price for new: 2 requests\nno price for requests without a model: 1 requests\n", output)
    output = run(("reprice --prices %s --to 2026-11-19 --db %s"):format(prices, fresh))
    assert(output:find "^0 costs changed, by 0%.000000000 USD", output)
    for _, case in ipairs {
      { "reprice --db " .. fresh, "--prices" }, { "reprice --prices build/spec/none.json --db " .. fresh, "none.json" },
      { "reprice --prices " .. prices .. " --from soon --db " .. fresh, "sessionquery: --from: 'soon' is not a time" },
      { "reprice --prices " .. prices .. " --db build/spec/none.db", "there is no store at build/spec/none.db" },
      { "import -q --prices build/spec/none.json --db " .. fresh .. " " .. calls, "none.json" },
    } do
      output, status = run(case[1])
      assert(status ~= 0, case[1])
      assert(output:find(case[2], 1, true), output)
    end
    vm.remove(fresh)
  end)

  it("translates filters", function()
    local where = vm.write(vm.path "filter.txt", "latency_ms > 5 and model = 'it''s'\n")
    local leaf = '{"request_response_rmt":{"model":{"equals":"it\'\\\'\'s"}}}' -- its apostrophe is the shell's
    for _, case in ipairs {
      { "--to where \"not (cached or model = 'o3')\"", "not (cached or model = 'o3')\n", 0 },
      { "--from freeplay '{\"field\":\"model\",\"op\":\"eq\",\"value\":\"o3\"}'", "whole(model = 'o3')\n", 0 },
      { "--to langsmith 'latency_ms > 5'", "gt(latency, 0.005)\n", 0 },
      { "--to freeplay 'latency_ms > 5'", '{"field":"latency","op":"gt","value":0.005}\n', 0 },
      { "--to helicone 'latency_ms > 5'", '{"request_response_rmt":{"latency":{"gt":5}}}\n', 0 },
      { "--to where --from helicone '" .. leaf .. "'", "model = 'it''s'\n", 0 },
      { "--to where - <" .. where, "latency_ms > 5 and model = 'it''s'\n", 0 },
      { "--to helicone \"model > 'a' and latency_ms > 5 and not latency_ms < 2\"", [[
sessionquery: helicone cannot say:
  (gt model "a")
    Helicone orders numbers and times only
  (not (lt latency_ms 2))
    negated it lets absent values through, which Helicone's operators never do
]], 1 },
      { "--to where 'latncy_ms > 5'", [[
sessionquery: where: unknown field 'latncy_ms', did you mean 'latency_ms'?
  latncy_ms > 5
  ^^^^^^^^^
]], 1 },
    } do assert.same({ case[2], case[3] }, { run("translate " .. case[1]) }) end
    for _, case in ipairs { { "--to sql true", "must be one of 'freeplay', 'helicone'" }, { "--to where", "missing argument 'filter'" } } do
      local output, status = run("translate " .. case[1])
      assert(status ~= 0 and output:find(case[2], 1, true), output)
    end
  end)

  it("keeps to an organization", function()
    local other = vm.path "tenants.db"
    assert.equal(0, (select(2, run(("import -q --organization a --db %s %s"):format(other,
      vm.write(vm.path "a.jsonl", '{"request_id":"1","session_id":"x","created_at":1}\n'))))))
    assert(run("sessions --organization a --format csv --db " .. other):find "\r\nx,")
    assert(not run("sessions --organization b --format csv --db " .. other):find "\r\nx,")
  end)
end)
