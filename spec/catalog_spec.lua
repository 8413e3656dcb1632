--- The catalogue has every field that a query can mean, and the annotations tell the truth.
local core = require "sessionquery.core"
local sq = require "sessionquery"

local by_name = {}
for _, field in ipairs(core.fields()) do by_name[field.name] = field end

describe("the catalogue", function()
  it("has every field of a request, of a session and of an entry, with its type", function()
    local types = {
      text = "request_id organization_id project session_id session_name session_path trace_id parent_id name run_type error provider model user_id " ..
        "country_code node_id job_id target_url prompt_id prompt_version request_referrer environment prompt_name review_status assignee api_key_name " ..
        "dotted_order cache_reference_id cost_source test_run_id review_queue_id outcome project_id " ..
        "request_body response_body session.rating session.id session.name entry.key entry.comment entry.source",
      time = "created_at responded_at ended_at session.created_at session.latest_request_created_at entry.created_at",
      integer = "execution_order latency_ms time_to_first_token_ms status prompt_tokens completion_tokens prompt_cache_read_tokens prompt_cache_write_tokens total_tokens " ..
        "session.total_requests session.total_sessions session.prompt_tokens session.completion_tokens session.total_tokens session.prompt_cache_read_tokens " ..
        "session.prompt_cache_write_tokens session.latency_p50_ms session.latency_p90_ms session.latency_p95_ms session.latency_p99_ms " ..
        "session.total_latency_ms session.known_latencies session.first_token_p50_ms session.first_token_p99_ms session.errors session.unknown_usage entry.id",
      real = "session.duration_ms session.avg_latency_ms session.error_rate session.streaming_rate",
      money = "cost_usd prompt_cost_usd completion_cost_usd session.total_cost_usd session.prompt_cost_usd session.completion_cost_usd",
      boolean = "threat cache_enabled streamed is_passthrough_billing cached",
      list = "tags assets insight_names insight_ids session.user_ids session.models session.tags session.request_tags",
      map = "properties scores extra session_metadata session.metadata",
      scalar = "entry.value entry.score",
      records = "feedback",
      statistics = "session.feedback_stats session.own_feedback_stats",
    }
    local count = 0
    for kind, names in pairs(types) do
      for name in names:gmatch "%S+" do
        assert(by_name[name], name)
        assert.equal(kind, by_name[name].type, name)
        count = count + 1
      end
    end
    assert.equal(#core.fields(), count)
  end)

  it("gives each a level and a line of help", function()
    for _, field in ipairs(core.fields()) do
      local prefix = field.name:match "^(%l+)%."
      assert.equal(prefix == "session" and "session" or prefix == "entry" and "entry" or "request", field.level, field.name)
      assert(#field.help > 5, field.name)
    end
  end)

  it("gives every field of a session in a row, and of a request", function()
    local db = assert(sq.open ":memory:")
    local sessions, requests = {}, {}
    for _, column in ipairs((db:sessions():columns())) do sessions[column.name] = column.type end
    for _, column in ipairs((db:requests({ bodies = true }):columns())) do requests[column.name] = column.type end
    for name, field in pairs(by_name) do
      if field.level == "session" then assert.equal(field.type, sessions[name:gsub("^session%.", "")], name) end
      local looked_up = name == "project_id" or name == "session_metadata"
      if looked_up then assert.is_nil(requests[name], name) end
      if field.level == "request" and field.type ~= "records" and not looked_up then assert.equal(field.type, requests[name], name) end
    end
    db:close()
  end)

  it("knows nothing else", function()
    local field, message = core.field "latncy_ms"
    assert.is_nil(field)
    assert.equal("unknown field 'latncy_ms', did you mean 'latency_ms'?", message)
    assert.is_nil((core.field ""))
    assert.is_nil((core.field "model\0"))
    assert.equal("properties", core.field("properties.a.b").name)
  end)
end)

local internal = { ["filter.source"] = true, ["filter.placeless"] = true, ["filter.of"] = true, ["sessions.write_feedback"] = true,
  ["sessions.target"] = true, ["sessions.new"] = true }

describe("sq.iso", function()
  it("writes times of years 1 to 9998, at an offset", function()
    assert.equal("1970-01-01T00:00:00Z", sq.iso(0))
    assert.equal("1970-01-01T01:00:00.500+01:00", sq.iso(0.5, 60))
    assert.equal("1969-12-31T18:30:00-05:30", sq.iso(0, -330))
    assert.equal("2026-11-20T10:00:00Z", sq.iso("2026-11-20 12:00+02:00"))
    for _, time in ipairs { 1e12, -1e12, "soon", 0 / 0 } do
      local text, message = sq.iso(time)
      assert.is_nil(text)
      assert(message)
    end
    assert.has_error(function() sq.iso(0, 1441) end)
    assert.has_error(function() sq.iso(0, 0.5) end)
    assert.has_error(function() sq.iso {} end)
  end)
end)

describe("the annotations", function()
  --- Every public function has a description, a @param for each parameter and a @return.
  it("are whole", function()
    local checked = 0
    for _, path in ipairs { "init", "store", "session", "query", "filter", "report", "keys", "http/init", "http/path", "http/route",
      "http/metrics" } do
      local comment = {}
      for line in io.lines("lua/sessionquery/" .. path .. ".lua") do
        if line:find "^%-%-%-" then
          comment[#comment + 1] = line
        else
          local object, parameters = line:match "^function ([%u%l]+[:.][%l_]+)%((.-)%)"
          if object and not object:find "^query%." and not internal[object] and not object:find "^Iterator"
            and not object:find "[:.]__" then
            local text = table.concat(comment, "\n")
            assert(#comment > 0, object .. " has no annotation")
            for name in parameters:gmatch "[%l_%.]+" do
              assert(text:find("@param " .. name:gsub("%.", "%%."), 1)
                or text:find("@param " .. name .. "?", 1, true), object .. ": " .. name)
            end
            assert(text:find "@return" or object:find ":close$", object .. " has no @return")
            checked = checked + 1
          end
          comment = {}
        end
      end
    end
    assert(checked > 35, checked)
  end)
end)
