--- Where calls fail most: by model and status of the answer.
return {
  title = "Error hot spots",
  params = { since = "", property = "", limit = 20 },
  columns = {
    "key",
    { name = "errors" },
    { name = "total_requests", title = "requests" },
    { name = "error_rate", title = "rate", type = "real" },
    { name = "total_sessions", title = "sessions" },
    { name = "latest_request_created_at", title = "latest", type = "time" },
  },
  rows = function(db, p)
    local key = p.property == "" and "model" or "properties." .. p.property
    local rows, message = db:group_by(key)
      :window(p.since ~= "" and p.since or nil, nil)
      :where("session.errors > 0")
      :order_by("-errors")
      :limit(p.limit)
      :all()
    if not rows then return nil, message end
    for _, row in ipairs(rows) do row.key = row[key] end
    return rows
  end,
}
