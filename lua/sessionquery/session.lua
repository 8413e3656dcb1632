--- Sessions by their id, and what is said about one session or request: feedback, tags, metadata.
local check = require "sessionquery.check"
local core = require "sessionquery.core"
local filters = require "sessionquery.filter"

local sessions = {}

-- ------------------------------------------------------------------------------- about a request or session

local target_known = { request_id = "id", session_id = "id", organization = "id", project = "id" }

local feedback_known = {
  request_id = "id",
  session_id = "id",
  organization = "id",
  project = "id",
  key = "string",
  score = "number|boolean|string",
  value = "number|boolean|string|table",
  comment = "string",
  source = "string",
  created_at = "number|string",
}

---@class sessionquery.Feedback
---@field request_id? string
---@field session_id? string with neither id, the feedback is on a whole project, which is to be named
---@field key string
---@field score? number|boolean|string a request's newest one is its scores.KEY
---@field value? any
---@field comment? string
---@field source? string
---@field created_at? number|string
---@field organization? string narrows a handle that spans several
---@field project? string

--- Takes feedback in: what it is about apart from what it says. Mistakes raise at the caller of the method.
function sessions.write_feedback(open, feedback)
  local what = "feedback"
  check.type(feedback, "table", what, 1)
  local target, said = {}, {}
  for name, value in next, feedback do
    if value ~= core.null then (target_known[name] and target or said)[name] = value end
  end
  check.options(target, target_known, what, 1)
  check.options(said, feedback_known, what, 1)
  local text, message, wrong = check.json(said, what, 1)
  if not text then return nil, message, wrong end
  local id, why, detail = open:feedback(target, text)
  if id then return id end
  return nil, why, filters.placeless(detail, feedback)
end

--- What a method is about: a session by its id, and where it is to be found. Mistakes raise at the method's caller.
function sessions.target(session, where, what)
  check.type(session, "id", what .. ": session id", 1)
  local text, message = core.encode(session, true)
  if not text then error(("%s: session id: %s"):format(what, message), 3) end
  local target = { session_id = session }
  for name, value in pairs(check.options(where, { organization = "id", project = "id" }, what, 1)) do
    target[name] = value
  end
  return target
end

-- -------------------------------------------------------------------------------------------- one session

--- A session of a store, by its id.
---@class sessionquery.Session
---@field id string
local Session = {}
Session.__index = Session

--- The open handle of a session's store; raises at the method's caller.
local function open_of(session)
  if type(session) ~= "table" or getmetatable(session) ~= Session then
    error("expected a session: methods are called with a colon", 3)
  end
  local open = rawget(session._db, "_core")
  if not open then error("the store is closed", 3) end
  return open
end

--- A session of a store. `organization` and `project`: whose it is, when it has requests.
function sessions.new(db, target, organization, project)
  local found = { id = target.session_id, _db = db, _target = target, _organization = organization, _project = project }
  return setmetatable(found, Session)
end

local function of_session(session, begun)
  local function only(name, value)
    if value then begun = begun:where((assert(core.compare(name, nil, "eq", { value })))) end
  end
  only("session_id", session.id)
  only("organization_id", session._organization or session._target.organization)
  only("project", session._project or session._target.project)
  return begun
end

--- Its requests, as a query.
---@param options? { bodies?: boolean }
---@return sessionquery.Query
function Session:requests(options)
  open_of(self)
  options = check.options(options, { bodies = "boolean" }, "requests")
  return (of_session(self, self._db:requests(options)))
end

--- Its row, as sessions() gives it; nil when it has no requests.
---@return table?
---@return string? message
---@return table? detail
function Session:get()
  open_of(self)
  local row, message, detail = of_session(self, self._db:sessions()):first()
  return row, message, detail
end

--- Merges into the session's own map; sq.null clears a key.
---@param metadata table<string, any>
---@return true?
---@return string? message
---@return table? detail
function Session:set(metadata)
  local open = open_of(self)
  check.type(metadata, "table", "set")
  local text, message, wrong = check.json(metadata, "set")
  if not text then return nil, message, wrong end
  local set, why, detail = open:describe(self._target, text)
  if set then return true end
  return nil, why, filters.placeless(detail, metadata)
end

--- Tags the session.
---@param tag string
---@return true?
---@return string? message
---@return table? detail
function Session:tag(tag)
  local open = open_of(self)
  check.type(tag, "string", "tag")
  return open:tag(self._target, tag)
end

--- Records feedback on the session.
---@param feedback sessionquery.Feedback without the ids
---@return integer? id
---@return string? message
---@return table? detail
function Session:feedback(feedback)
  local open = open_of(self)
  check.type(feedback, "table", "feedback")
  local whole = {}
  for name, value in next, feedback do whole[name] = value end
  for name, value in next, self._target do whole[name] = value end
  local id, message, detail = sessions.write_feedback(open, whole)
  return id, message, detail
end

return sessions
