--- The sessions whose slowest calls are slowest.
local sq = require "sessionquery"

return {
  title = "Slowest sessions",
  params = { since = "", requests = 2, limit = 20 },
  columns = {
    "id",
    "name",
    { name = "total_requests", title = "requests" },
    { name = "latency_p50_ms", title = "p50_ms" },
    { name = "latency_p99_ms", title = "p99_ms" },
    { name = "duration_ms", type = "real" },
  },
  rows = function(db, p)
    return db:sessions()
      :window(p.since ~= "" and p.since or nil, nil)
      :where(sq.field.session.total_requests:gte(p.requests))
      :order_by("-latency_p99_ms")
      :limit(p.limit)
      :all()
  end,
}
