--- Projects by name and by UUID; whose are seen by whom.
local assert = require "luassert"
local client = require "spec.support.freeplay_http_cases.client"
local core = require "sessionquery.core"
local keys = require "sessionquery.keys"

local found, ids, refused = client.found, client.ids, client.refused

return function(start, busted)
  local describe, it = busted.describe, busted.it

  describe("projects", function()
    it("are found by name and by UUID, and hold nothing of others", function()
      local server = start {}
      assert(server.db:add {
        { request_id = "a", session_id = "s", created_at = 1, project = "one" },
        { request_id = "b", session_id = "s", created_at = 2, project = "two words/ü" },
      })
      local made = assert(server.db:create_project { name = "empty" })
      for project, wanted in pairs {
        one = "a", [core.project_id("", "one")] = "a", [core.project_id("", "one"):upper()] = "a", ["two%20words%2F%C3%BC"] = "b", empty = "", [made.id] = "",
      } do
        assert.equal(wanted, ids("completions", found(server, "completions", { project = project })), project)
        assert.equal(wanted == "" and "" or "s", ids("sessions", found(server, "sessions", { project = project })), project)
      end
      server.close()
    end)

    it("of one organization are not seen by another's key, nor by that of another project", function()
      local server = start {}
      assert(server.db:add {
        { request_id = "r", session_id = "s", created_at = 1, organization_id = "acme", project = "shop", model = "a" },
        { request_id = "r", session_id = "s", created_at = 2, organization_id = "globex", project = "shop", model = "b" },
        { request_id = "r", session_id = "s", created_at = 3, organization_id = "globex", project = "other", model = "c" },
      })
      local key = {}
      for name, options in pairs { acme = { organization = "acme" }, globex = { organization = "globex" },
        shop = { organization = "globex", project = "shop" }, write = { organization = "acme", rights = { "record" } } } do
        key[name] = { authorization = "Bearer " .. assert(keys.create(server.db, options)) }
      end
      local function model(who, project)
        local value = found(server, "completions", { project = project, headers = key[who], query = "include_children=true" })
        assert.equal(1, #value.data)
        return value.data[1].completion_metadata.model
      end
      assert.equal("a", model("acme", "shop"))
      assert.equal("b", model("globex", "shop"))
      assert.equal("c", model("globex", "other"))
      assert.equal("b", model("shop", "shop"))
      assert.equal("b", model("shop", core.project_id("globex", "shop")))
      refused(server, "completions", 404, { project = core.project_id("globex", "shop"), headers = key.acme })
      refused(server, "completions", 404, { project = "other", headers = key.acme })
      refused(server, "completions", 404, { project = "other", headers = key.shop })
      refused(server, "completions", 403, { project = "shop", headers = key.write })
      refused(server, "completions", 401, { project = "shop" })
      refused(server, "completions", 401, { project = "shop", headers = { authorization = "Bearer wrong" } })
      server.close()
    end)

    it("of one name in two organizations are told by their UUIDs, to who sees both", function()
      local server = start {}
      assert(server.db:add {
        { request_id = "a", created_at = 1, organization_id = "acme", project = "shop" },
        { request_id = "b", created_at = 2, organization_id = "globex", project = "shop" },
      })
      assert.equal("several organizations have a project 'shop'", refused(server, "completions", 400, { project = "shop" }))
      assert.equal("b", ids("completions", found(server, "completions", { project = core.project_id("globex", "shop") })))
      server.close()
    end)
  end)
end
