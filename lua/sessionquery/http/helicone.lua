--- The routes of Helicone's session API. A handler gets a call and gives status, body, headers, or raises nothing:
--- what the store refuses goes through call:fail.
local core = require "sessionquery.core"

local DIALECT = "helicone"
local FEEDBACK_KEY = "helicone-session-feedback"

local helicone = {}

--- The envelope around a value: text, a boolean, core.null.
local function data(value) return (assert(core.envelope(DIALECT, true, value))) end

--- The envelope around an error's message.
---@param _ integer the status
---@param message string
---@return string
function helicone.error(_, message) return (assert(core.envelope(DIALECT, false, message))) end

--- POST with a whole body, compiled and answered in the core.
local function ask(endpoint)
  return function(call)
    local status, text = core.answer(call.core, DIALECT, endpoint, call.body)
    if status < 500 or status == 503 then return status, text end
    return call:fail(text)
  end
end

local function has_session(call)
  local tag = call:etag(call.scoped and "" or nil)
  if tag then return 304 end
  local found, message, detail = call.db:requests():where("session_id is present"):first()
  if message then return call:fail(message, detail) end
  local answer = data(found ~= nil)
  if call.scoped and call:etag(answer) then return 304 end
  return 200, answer
end

local function give_feedback(call)
  local rating, message, detail = core.note(DIALECT, "feedback", call.body)
  if rating == nil then return call:fail(message, detail) end
  local text = assert(core.encode { key = FEEDBACK_KEY, score = rating })
  local id, why, place = call.core:feedback({ session_id = call.params.id }, text)
  if not id then return call:fail(why, place) end
  return 200, data(core.null)
end

local function newest_tag(call)
  local tag, message, detail = call.core:newest_tag { session_id = call.params.id }
  if tag == nil then return nil, call:fail(message, detail) end
  return data(tag or core.null)
end

local function get_tag(call)
  local answer, status, body, headers = newest_tag(call)
  if not answer then return status, body, headers end
  if call:etag(answer) then return 304 end
  return 200, answer
end

local function set_tag(call)
  local tag, message, detail = core.note(DIALECT, "tag", call.body)
  if tag == nil then return call:fail(message, detail) end
  local done, why, place = call.core:tag({ session_id = call.params.id }, tag)
  if not done then return call:fail(why, place) end
  local answer, status, body, headers = newest_tag(call)
  if not answer then return status, body, headers end
  return 200, answer
end

local QUERY, RECORD = "query", "record"

--- Whose envelope a path without a route has: everybody's who is no other vendor's.
function helicone.owns() return true end

--- A path's segments; `{id}` stands for any that is not empty. Per method: what answers, and which right it takes.
helicone.routes = {
  { "v1/session/query", POST = { ask "query", QUERY } },
  { "v1/session/count", POST = { ask "count", QUERY } },
  { "v1/session/name/query", POST = { ask "names", QUERY } },
  { "v1/session/metrics/query", POST = { ask "metrics", QUERY } },
  { "v1/session/has-session", GET = { has_session, QUERY } },
  { "v1/session/{id}/feedback", POST = { give_feedback, RECORD } },
  { "v1/session/{id}/tag", GET = { get_tag, QUERY }, POST = { set_tag, RECORD } },
}

return helicone
