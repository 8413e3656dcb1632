--- One line over everything: to check an import by.
return {
  title = "Totals",
  params = { since = "" },
  columns = {
    { name = "total_requests", title = "requests" },
    { name = "total_sessions", title = "sessions" },
    { name = "total_cost_usd", title = "cost_usd", type = "money" },
    { name = "prompt_tokens" },
    { name = "completion_tokens" },
    { name = "prompt_cache_read_tokens", title = "cached_tokens" },
    { name = "latency_p50_ms", title = "p50_ms" },
    { name = "latency_p99_ms", title = "p99_ms" },
    { name = "errors" },
  },
  rows = function(db, p) return db:projects():window(p.since ~= "" and p.since or nil, nil):all() end,
}
