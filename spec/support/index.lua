--- Small stores with a column index in small segments, and what is asked of them: answers are those of the rows.
local assert = require "luassert"
local core = require "sessionquery.core"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local index = {}

function index.line(i, more)
  return ('{"request_id":"r%d","session_id":"s%d","created_at":%d,"model":"m%d","latency_ms":%d%s}'):format(i, i % 20, 1000 + i, i % 3, i % 100, more or "")
end

function index.lines(from, to, more)
  local list = {}
  for i = from, to do list[#list + 1] = index.line(i, more) end
  return table.concat(list, "\n")
end

--- A core handle that seals in small segments, when asked.
function index.open(path, rows, options)
  options = options or {}
  options.manual_seal, options.segment_rows, options.relaxed = true, rows, true
  return assert(core.open(path, options))
end

--- A store of requests 1 to `count`, all sealed; closed.
function index.make(count, rows)
  local path = vm.path()
  local store = index.open(path, rows)
  assert(store:ingest(index.lines(1, count), {}))
  assert(store:seal())
  store:close()
  return path
end

function index.answers(db)
  return table.concat({ assert(db:sessions():json()), assert(db:group_by("model"):json()), assert(db:requests():where("latency_ms > 90"):limit(50):json()),
    assert(db:requests():where("model = 'm1'"):count()) }, "\n")
end

--- Any answer is SQL's; who gave it, and why.
function index.agree(path)
  local db, sql = assert(sq.open(path)), assert(sq.open(path, { engine = "sql" }))
  assert.equal(index.answers(sql), index.answers(db))
  local how = assert(db:sessions():explain()):match "^engine: ([^\n]*)"
  db:close()
  sql:close()
  return how
end

--- The columns answer, and every value is that of its row.
function index.is_right(path)
  assert.equal("columns", index.agree(path))
  local db = assert(sq.open(path))
  assert.equal(assert(db:stats()).requests, assert(db:check()))
  db:close()
end

function index.exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

function index.stats(path)
  local db = assert(sq.open(path))
  local all = assert(db:stats())
  db:close()
  return all
end

function index.seal(path)
  local db = assert(sq.open(path))
  assert(db:seal())
  db:close()
end

function index.copy(from, to) assert(os.execute(("cp %s %s"):format(from, to))) end

--- The store by itself, in one file.
function index.copy_store(from, to)
  local db = assert(sq.open(from))
  assert(db:backup(to))
  db:close()
end

local MODELS = { "m0", "m1", "m2" }

--- Records in the order of arrival; the model of the last tenth is "late".
function index.records(count)
  local list = {}
  for i = 1, count do
    list[i] = { request_id = "r" .. i, session_id = "s" .. math.floor((i - 1) / 10), trace_id = "t" .. i % 5, created_at = i,
      model = i > count * 0.9 and "late" or MODELS[i % 3 + 1], cost_usd = 0.5, latency_ms = i, status = i % 7 == 0 and 500 or 200,
      user_id = "u" .. i % 4, properties = { a = tostring(i % 4) }, scores = { q = i % 2 }, request_body = i == 1 and "body" or nil }
  end
  return list
end

--- A store whose segments have `rows` rows, as the core makes them for tests; its path.
function index.in_segments(rows, count, options)
  local path = vm.path()
  options = options or {}
  options.segment_rows = rows
  local open = assert(core.open(path, options))
  for _, record in ipairs(index.records(count)) do assert(open:ingest(assert(core.encode(record)), { mode = "strict" })) end
  return path, open
end

--- "columns", or the reason for SQL.
function index.engine(query)
  local text = assert(query:explain())
  return text:match "^engine: (columns)\n" or assert(text:match "^engine: sql, by SQLite %(([^\n]*)%)\n", text)
end

--- Changes bytes of a file in a new one at its place (another may have the old one mapped).
function index.damage(path, change)
  local text = change(vm.read(path))
  os.remove(path)
  vm.write(path, text)
end

index.is_root = (vm.shell "id -u"):match "%d+" == "0"

return index
