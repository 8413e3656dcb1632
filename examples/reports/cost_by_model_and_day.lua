--- What each model cost on each day.
local sq = require "sessionquery"

return {
  title = "Cost by model and day",
  params = { since = "", until_ = "", offset_minutes = 0, limit = 50 },
  columns = {
    { name = "day", type = "time" },
    "model",
    { name = "total_requests", title = "requests" },
    { name = "total_sessions", title = "sessions" },
    { name = "total_tokens", title = "tokens" },
    { name = "total_cost_usd", title = "cost_usd", type = "money" },
  },
  rows = function(db, p)
    local query = db:group_by("model", sq.day { offset_minutes = p.offset_minutes })
    query = query:window(p.since ~= "" and p.since or nil, p.until_ ~= "" and p.until_ or nil)
    return query:order_by("-total_cost_usd"):limit(p.limit):all()
  end,
}
