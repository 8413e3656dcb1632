--- Helicone's /count, /name/query and /metrics/query beside a plain evaluation, on random sessions, by either engine.
local core = require "sessionquery.core"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local T = 1700000000
local SESSIONS = 400

local state = 12345
local function random(most) -- a generator that is the same in all VMs
  state = (state * 1103515245 + 12345) % 2147483648
  return math.floor(state / 65536) % most
end

local function make_records()
  local list = {}
  for i = 1, 3000 do
    local name = random(7)
    list[i] = {
      request_id = "r" .. i, session_id = random(20) > 0 and "s" .. random(SESSIONS) or nil,
      session_name = name > 1 and "name " .. random(70) or nil,
      created_at = T + random(1000000), latency_ms = random(4) > 0 and random(5000) or nil,
      cost_usd = random(3) > 0 and random(100000) / 1000000 or nil, model = "m" .. random(3),
    }
  end
  return list
end

--- Sessions of the records that pass, as /query has them.
local function sessions_of(records, passes)
  local by_id, list = {}, {}
  for _, r in ipairs(records) do
    if r.session_id and passes(r) then
      local s = by_id[r.session_id]
      if not s then
        s = { name = "", requests = 0, cost = 0, latency = 0, latencies = 0, first = r.created_at, last = 0, finish = 0 }
        by_id[r.session_id] = s
        list[#list + 1] = s
      end
      s.requests = s.requests + 1
      s.cost = s.cost + math.floor((r.cost_usd or 0) * 1e6 + 0.5) -- micro-dollars, exactly
      s.latency = s.latency + (r.latency_ms or 0)
      s.latencies = s.latencies + (r.latency_ms and 1 or 0)
      s.first, s.last = math.min(s.first, r.created_at), math.max(s.last, r.created_at)
      s.finish = math.max(s.finish, r.created_at * 1000 + (r.latency_ms or 0))
      local later = not s.named or r.created_at > s.named_at or (r.created_at == s.named_at and r.request_id > s.named_by)
      if r.session_name and later then s.name, s.named, s.named_at, s.named_by = r.session_name, true, r.created_at, r.request_id end
    end
  end
  return list
end

local function near(wanted, got, what) assert(math.abs(wanted - got) <= 1e-9 * math.max(1, math.abs(wanted)), ("%s: %s, not %s"):format(what, got, wanted)) end

local function rank(values, permille)
  return values[math.max(1, math.ceil(permille * #values / 1000))]
end

--- What a histogram of the values is, in units of which `unit` make one.
local function check_histogram(buckets, values, unit, permille, both, what)
  table.sort(values)
  local from, to = both and rank(values, 1000 - permille) or -math.huge, rank(values, permille)
  local kept = {}
  for _, value in ipairs(values) do
    if value >= from and value <= to then kept[#kept + 1] = value end
  end
  local least, width = kept[1], kept[#kept] - kept[1]
  assert.equal(width == 0 and 1 or 10, #buckets, what)
  local counts = {}
  for i = 1, #buckets do counts[i] = 0 end
  for _, value in ipairs(kept) do
    local at = width == 0 and 1 or math.min(10, math.floor((value - least) * 10 / width) + 1)
    counts[at] = counts[at] + 1
  end
  for i, bucket in ipairs(buckets) do
    assert.equal(counts[i], bucket.value, what .. " bucket " .. i)
    near((least + width * (i - 1) / 10) / unit, tonumber(bucket.range_start), what)
    near((least + width * i / 10) / unit, tonumber(bucket.range_end), what)
  end
end

local function values_of(list, value)
  local values = {}
  for i, s in ipairs(list) do values[i] = value(s) end
  return values
end

local function mean(values)
  local sum = 0
  for _, value in ipairs(values) do sum = sum + value end
  return #values > 0 and sum / #values or 0
end

local filters = {
  { "all", function() return true end },
  { '{"request_response_rmt":{"model":{"equals":"m1"}}}', function(r) return r.model == "m1" end },
  { '{"request_response_rmt":{"latency":{"gt":2500}}}', function(r) return (r.latency_ms or 0) > 2500 end },
  { '{"request_response_rmt":{"model":{"equals":"nobody"}}}', function() return false end },
}

describe("Helicone's other endpoints", function()
  local path, records, handles = vm.path "endpoints.db", make_records(), {}
  setup(function()
    local db = assert(sq.open(path, { seal = "manual" }))
    local half = {}
    for i = 1, 1700 do half[i] = records[i] end
    assert(db:add(half))
    assert(db:seal())
    for i = 1701, #records do assert(db:add(records[i])) end
    for _, engine in ipairs { "sql", "columns" } do handles[engine] = assert(sq.open(path, { engine = engine, readonly = true })) end
    db:close()
  end)
  teardown(function()
    for _, db in pairs(handles) do db:close() end
    vm.remove(path)
  end)

  --- The data that both engines give.
  local function ask(endpoint, body)
    local status, text = sq.answer("helicone", handles.sql, body, { endpoint = endpoint })
    assert.equal(200, status, text)
    local _, other = sq.answer("helicone", handles.columns, body, { endpoint = endpoint })
    assert.equal(text, other)
    return core.decode(text).data
  end

  local function filter_of(f) return f[1] == "all" and '"all"' or f[1] end

  it("count", function()
    for _, f in ipairs(filters) do
      local list = sessions_of(records, f[2])
      local data = ask("count", ('{"search":"","timeFilter":{"startTimeUnixMs":0,"endTimeUnixMs":4e12},"timezoneDifference":0,"filter":%s}'):format(filter_of(f)))
      local costs = values_of(list, function(s) return s.cost end)
      assert.equal(#list, data.count)
      near(mean(costs) * #list / 1e6, data.total_cost, "total_cost")
      near(mean(costs) / 1e6, data.avg_cost, "avg_cost")
      near(mean(values_of(list, function(s) return s.latency end)), data.avg_latency, "avg_latency")
      near(mean(values_of(list, function(s) return s.requests end)), data.avg_requests, "avg_requests")
    end
  end)

  it("names", function()
    for _, f in ipairs(filters) do
      local by_name, list = {}, {}
      for _, s in ipairs(sessions_of(records, f[2])) do
        local n = by_name[s.name]
        if not n then
          n = { name = s.name, count = 0, first = s.first, last = 0, latency = 0, latencies = 0 }
          by_name[s.name] = n
          list[#list + 1] = n
        end
        n.count, n.first, n.last = n.count + 1, math.min(n.first, s.first), math.max(n.last, s.last)
        n.latency, n.latencies = n.latency + s.latency, n.latencies + s.latencies
      end
      table.sort(list, function(a, b) return a.last > b.last or (a.last == b.last and a.name < b.name) end)
      local data = ask("names", ('{"nameContains":"","timezoneDifference":0,"filter":%s}'):format(filter_of(f)))
      assert.equal(math.min(50, #list), #data)
      for i, row in ipairs(data) do
        local wanted = list[i]
        assert.equal(wanted.name, row.name)
        assert.equal(wanted.count, row.session_count)
        assert.equal(sq.iso(wanted.first):gsub("Z", ".000Z"), row.first_used .. "")
        assert.equal(row.first_used, row.created_at)
        assert.equal((sq.iso(wanted.last):gsub("Z", ".000Z")), row.last_used)
        near(wanted.latencies > 0 and wanted.latency / wanted.latencies or 0, row.avg_latency, row.name)
      end
    end
  end)

  it("metrics, at every percentile, one end cut or both", function()
    for _, f in ipairs(filters) do
      local list = sessions_of(records, f[2])
      for name, permille in pairs { p50 = 500, p75 = 750, p95 = 950, p99 = 990, ["p99.9"] = 999, [""] = 750 } do
        for _, both in ipairs { false, true } do
          local size = name == "" and "" or ('"pSize":"%s",'):format(name)
          local data = ask("metrics", ('{"nameContains":"",%s"useInterquartile":%s,"timezoneDifference":0,"filter":%s}'):format(size, tostring(both), filter_of(f)))
          for member, how in pairs { session_count = { 1, function(s) return s.requests end }, session_cost = { 1e6, function(s) return s.cost end },
            session_duration = { 1e3, function(s) return s.finish - s.first * 1000 end } } do
            local values = values_of(list, how[2])
            near(mean(values) / how[1], data.average[member][1].average, member)
            if #list == 0 then assert.same({}, data[member])
            else check_histogram(data[member], values, how[1], permille, both, member .. name) end
          end
        end
      end
    end
  end)
end)

describe("a name that many sessions change", function()
  it("is the latest one of each, among the rows that pass", function()
    local db = assert(sq.open ":memory:")
    assert(db:add { { request_id = "1", session_id = "s", session_name = "old", created_at = T, model = "a" },
      { request_id = "2", session_id = "s", session_name = "new", created_at = T + 1, model = "b" } })
    local function names(filter)
      local _, text = sq.answer("helicone", db, { nameContains = "", timezoneDifference = 0, filter = filter }, { endpoint = "names" })
      local list = {}
      for i, row in ipairs(core.decode(text).data) do list[i] = row.name .. row.session_count end
      return table.concat(list, " ")
    end
    assert.equal("new1", names "all")
    assert.equal("old1", names { request_response_rmt = { model = { equals = "a" } } })
    db:close()
  end)
end)
