--- LangSmith's own client (npm `langsmith`, unmodified) against examples/nginx.conf, as `make serve` runs it: what
--- sdk/langsmith/client.mjs asks and compares. nginx runs LuaJIT whatever runs this file, so once, beside luajit, is enough.
local vm = require "spec.support.vm"
if vm.name ~= "luajit" then return end

local core = require "sessionquery.core"
local gateway = require "spec.support.gateway"
local keys = require "sessionquery.keys"
local nginx = require "spec.support.nginx"
local sq = require "sessionquery"

local TENANT = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"

--- Where `make sdk` installs what package-lock.json names. Debian 12's node has the global `crypto` behind a flag.
local CLIENT = "build/sdk/langsmith"

describe("LangSmith's client", function()
  local server, key, other_key

  setup(function()
    assert(io.open(CLIENT .. "/node_modules/langsmith/package.json"), "the client is not there: make sdk"):close()
    server = nginx.start()
    local db = assert(sq.open(server.db))
    key = assert(keys.create(db, { organization = TENANT, rights = { "query", "record" } }))
    other_key = assert(keys.create(db, { organization = "another", rights = { "query", "record" } }))
    db:close()
  end)
  teardown(function()
    server:stop()
    gateway.assert_clean(server)
  end)

  for _, prefix in ipairs { "", "/api/v1" } do
    it(("finds what it sent, under '%s'"):format(prefix), function()
      local settings = ("ENDPOINT=http://127.0.0.1:%d%s KEY=%s OTHER_KEY=%s TENANT=%s"):format(server.port, prefix, key, other_key, TENANT)
      local output, status = vm.shell(("cp spec/sdk/langsmith/client.mjs %s/ && cd %s && env -u LD_PRELOAD %s node %s client.mjs 2>&1")
        :format(CLIENT, CLIENT, settings, "--no-deprecation --experimental-global-webcrypto"))
      assert.equal(0, status, output .. server:log())
      assert.equal("147 values\n", output:match "[^\n]*\n$")
    end)
  end

  it("reads what nginx refuses by itself in its own envelope, and others in theirs", function()
    local cases = {
      { "/runs/batch", { detail = "the body is larger than the server takes" } }, { "/api/v1/runs/batch", { detail = "the body is larger than the server takes" } },
      { "/api/v2/projects/p/search/sessions", { message = "the body is larger than the server takes" } },
    }
    for _, case in ipairs(cases) do
      local status, _, body = nginx.parse(server:say(nginx.raw { method = "POST", path = case[1], headers = { ["content-length"] = "30000000" } }))
      assert.same({ 413, case[2] }, { status, (core.decode(body)) })
    end
    local status, _, body = server:ask { path = "/none" }
    assert.same({ 404, '{"data":null,"error":"there is nothing at this path"}' }, { status, body })
  end)
end)
