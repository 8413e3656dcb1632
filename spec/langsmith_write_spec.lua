--- Filters of any origin in LangSmith's language: what it says of them, and why it cannot say the rest.
local sq = require "sessionquery"

--- `where` text, and what it is for LangSmith.
local said = {
  -- fields: negations by name where there are such, durations in seconds
  { "name = 'x'", [[eq(name, "x")]] },
  { "not name = 'x'", [[neq(name, "x")]] },
  { "name not like 'a%'", [[notlike(name, "a%")]] },
  { "not name > 'x'", [[not(gt(name, "x"))]] },
  { "name in ('a', 'b')", [[in(name, ["a", "b"])]] },
  { "name not in ('a', 'b')", [[not(in(name, ["a", "b"]))]] },
  { [[name = 'it''s "x"\']], [[eq(name, "it's \"x\"\\")]] },
  { "latency_ms between 500 and 1500", [[and(gte(latency, 0.5), lte(latency, 1.5))]] },
  { "not latency_ms between 500 and 1500", [[not(and(gte(latency, 0.5), lte(latency, 1.5)))]] },
  { "latency_ms > 2000.5", [[gt(latency, 2)]] },
  { "latency_ms = 2.5", [[in(latency, [])]] },
  { "latency_ms != 2.5", [[not(in(latency, []))]] },
  { "cost_usd >= 0.000000001", [[gte(total_cost, 0.000000001)]] },
  { "cost_usd is absent", [[eq(total_cost, null)]] },
  { "error is present", [[neq(error, null)]] },
  { "created_at >= 2026-11-20T10:00:00.5Z", [[gte(start_time, "2026-11-20T10:00:00.500Z")]] },
  { "ended_at < 2026-11-20", [[lt(end_time, "2026-11-20T00:00:00Z")]] },
  { "parent_id is absent", [[eq(is_root, true)]] },
  { "parent_id is present", [[eq(is_root, false)]] },
  { "parent_id = 'x'", [[eq(parent_run_id, "x")]] },
  { "session_id = 'T1'", [[eq(thread_id, "T1")]] },
  { "outcome != 'pending'", [[neq(status, "pending")]] },
  { "request_body is absent", [[eq(inputs, null)]] },
  -- tags
  { "tags has 'a'", [[has(tags, "a")]] },
  { "not tags has 'a'", [[not(has(tags, "a"))]] },
  { "tags in ('a', 'b')", [[in(tags, ["a", "b"])]] },
  { "tags not like 'a%'", [[not(like(tags, "a%"))]] },
  { "tags is absent", [[eq(tags, null)]] },
  { "tags is present", [[not(eq(tags, null))]] },
  -- words
  { "name phrase 'agent'", [[search(name, "agent")]] },
  { "name phrase 'search agent'", [[search(name, "search-agent")]] },
  { "name phrase '?'", [[neq(name, null)]] },
  { "not tags phrase 'news'", [[not(search(tags, "news"))]] },
  { "request_body phrase 'a' or response_body phrase 'a'", [[search("a")]] },
  { "request_body phrase 'a' or response_body phrase 'b'", [[or(search(inputs, "a"), search(outputs, "b"))]] },
  { "name = 'x' or request_body phrase 'a' or response_body phrase 'a'", [[or(eq(name, "x"), search("a"))]] },
  -- what differs by case elsewhere, and has no letter
  { "name contains '404'", [[like(name, "%404%")]] },
  { "name contains '50%_'", [[like(name, "%50\\%\\_%")]] },
  { "name ilike '1%'", [[like(name, "1%")]] },
  -- metadata
  { "properties.env = 'prod'", [[has(metadata, '{"env": "prod"}')]] },
  { "properties.\"it's\" = true", [[has(metadata, "{\"it's\": true}")]] },
  { "properties.env != 'prod'", [[not(has(metadata, '{"env": "prod"}'))]] },
  { "properties.env is present", [[exists(metadata, "env")]] },
  { "properties.env is absent", [[not(exists(metadata, "env"))]] },
  { "properties.n > 5", [[and(eq(metadata_key, "n"), gt(metadata_value, 5))]] },
  { "properties is present", [[neq(metadata_key, null)]] },
  { "text(properties.env) = 'prod'", [[and(eq(metadata_key, "env"), eq(metadata_value, "prod"))]] },
  { "text(properties.n) = '1'", [[and(eq(metadata_key, "n"), in(metadata_value, ["1", 1]))]] },
  { "text(properties.n) = '1.0'", [[and(eq(metadata_key, "n"), eq(metadata_value, "1.0"))]] },
  { "text(properties.on) in ('true', 'x')", [[and(eq(metadata_key, "on"), in(metadata_value, ["true", "x", true]))]] },
  { "text(properties.env) like 'prod%'", [[and(eq(metadata_key, "env"), like(metadata_value, "prod%"))]] },
  -- pairs
  { "entry(properties, key = 'a', value > 1)", [[and(eq(metadata_key, "a"), gt(metadata_value, 1))]] },
  { "entry(properties, value = 'x')", [[eq(metadata_value, "x")]] },
  { "entry(properties, key = 'a' and value != 1)", [[and(eq(metadata_key, "a"), neq(metadata_value, 1))]] },
  { "entry(properties, key = 'a' and value not in (1, 2))", [[and(eq(metadata_key, "a"), neq(metadata_value, 1), neq(metadata_value, 2))]] },
  { "entry(properties, value != 1)", [[and(neq(metadata_key, null), neq(metadata_value, 1))]] },
  { "entry(properties, value between 1 and 5)", [[and(gte(metadata_value, 1), lte(metadata_value, 5))]] },
  { "entry(properties, key = 'a' and (value = 1 or value > 5))", [[or(and(eq(metadata_key, "a"), eq(metadata_value, 1)), and(eq(metadata_key, "a"), gt(metadata_value, 5)))]] },
  { "entry(properties, true)", [[neq(metadata_key, null)]] },
  { "entry(properties, false)", [[in(id, [])]] },
  { "not entry(properties, key like 'a%')", [[notlike(metadata_key, "a%")]] },
  { "not entry(properties, key = 'a', value > 1)", [[not(and(eq(metadata_key, "a"), gt(metadata_value, 1)))]] },
  { "entry(feedback, key = 'a', score > 1)", [[and(eq(feedback_key, "a"), gt(feedback_score, 1))]] },
  { "entry(request_body, key = 'm.content', value like '%x%')", [[and(eq(input_key, "m.content"), like(input_value, "%x%"))]] },
  { "entry(response_body, key = 'ok', value = true)", [[and(eq(output_key, "ok"), eq(output_value, true))]] },
  -- pairs in one and(): apart where they would become one
  { "name = 'x' and entry(properties, key = 'a', value = 1)", [[and(eq(name, "x"), eq(metadata_key, "a"), eq(metadata_value, 1))]] },
  { "entry(properties, key = 'a') and entry(properties, key = 'b')", [[and(and(eq(metadata_key, "a")), and(eq(metadata_key, "b")))]] },
  { "not entry(properties, key = 'a') and entry(properties, value = 1)", [[and(and(neq(metadata_key, "a")), and(eq(metadata_value, 1)))]] },
  { "not entry(properties, key = 'a') and not entry(properties, value = 1)", [[and(neq(metadata_key, "a"), neq(metadata_value, 1))]] },
  { "entry(properties, key = 'a') and entry(feedback, key = 'b')", [[and(eq(metadata_key, "a"), eq(feedback_key, "b"))]] },
  { "entry(properties, key = 'a') or entry(properties, value = 1)", [[or(eq(metadata_key, "a"), eq(metadata_value, 1))]] },
  { "entry(properties, key = 'a') and name = 'x'", [[and(and(eq(metadata_key, "a")), eq(name, "x"))]] },
  { "entry(feedback, key = 'a') and entry(properties, key = 'b')", [[and(and(eq(feedback_key, "a")), eq(metadata_key, "b"))]] },
  -- a pair about a thread is about the session_id too, and only then
  { "entry(properties, key = 'thread_id', value = 'T') or session_id = 'T'", [[and(eq(metadata_key, "thread_id"), eq(metadata_value, "T"))]] },
  { "entry(properties, key = 'thread_id', value = 'T')", [[and(neq(metadata_key, null), eq(metadata_key, "thread_id"), eq(metadata_value, "T"))]] },
  { "properties.thread_id = 'T' or session_id = 'T' or name = 'x'", [[or(has(metadata, '{"thread_id": "T"}'), eq(name, "x"))]] },
  { "properties.thread_id = 'T'", [[and(neq(metadata_key, null), eq(metadata_key, "thread_id"), eq(metadata_value, "T"))]] },
  -- the tree
  { "true", [[has(metadata, '{}')]] },
  { "false", [[not(has(metadata, '{}'))]] },
  { "name = 'x' or (model = 'm' and not (name = 'y' or model = 'n'))", [[or(eq(name, "x"), and(eq(model, "m"), not(or(eq(name, "y"), eq(model, "n")))))]] },
}

--- `where` text, the part that cannot be said, and why.
local unsaid = {
  { "session.errors > 1", "(gt session.errors 1)", "LangSmith's filters are about one run" },
  { "some(name = 'x')", '(some (eq name "x"))', "LangSmith's filters are about one run" },
  { "every(name = 'x')", '(every (eq name "x"))', "LangSmith's filters are about one run" },
  { "root(name = 'x')", '(root (eq name "x"))', "LangSmith asks about the root in trace_filter, beside the filter" },
  { "in_trace(name = 'x')", '(in_trace (eq name "x"))', "LangSmith asks about the trace in tree_filter, beside the filter" },
  { "status = 200", "(eq status 200)", "LangSmith has no such field" },
  { "scores.q > 1", "(gt scores.q 1)", "LangSmith has no such field" },
  { "entry(scores, key = 'a')", '(entry scores (eq entry.key "a"))', "LangSmith does not ask about entries of scores" },
  { "entry(feedback, comment = 'x')", '(eq entry.comment "x")', "LangSmith asks about key and value of an entry, and about score of feedback" },
  { "entry(properties, key != 'a')", '(eq entry.key "a")', "LangSmith cannot ask for an entry with another key: neq on metadata_key asks that none has this one" },
  { "entry(properties, key = 'a' and not value > 1)", "(gt entry.value 1)", "LangSmith cannot ask that the same entry has it not" },
  { "outcome = 'nope'", '(eq outcome "nope")', "LangSmith's status is success, error or pending" },
  { "tags > 'a'", '(gt tags "a")', "LangSmith has no gt for tags" },
  { "tags between 'a' and 'b'", '(between tags "a" "b")', "LangSmith does not order tags" },
  { "name contains 'x'", '(contains name "x")', "LangSmith's like tells upper from lower case" },
  { "text(properties.n) like '1%'", '(like (text properties.n) "1%")', "LangSmith's like looks at text only, not at numbers" },
  { "text(properties.n) > '1'", '(gt (text properties.n) "1")', "LangSmith does not order numbers as text" },
}

for _, case in ipairs(said) do
  it("langsmith says " .. case[1], function()
    local text, parts = assert(sq.filter("where", case[1])):to "langsmith"
    assert.equal(case[2], text or parts[1].reason)
    local again = assert(sq.filter("langsmith", text))
    assert.equal(text, assert(again:to "langsmith"))
  end)
end

for _, case in ipairs(unsaid) do
  it("langsmith cannot say " .. case[1], function()
    local text, parts = assert(sq.filter("where", case[1])):to "langsmith"
    assert.is_nil(text)
    assert.same({ { part = case[2], reason = case[3] } }, parts)
  end)
end

it("langsmith tells all that it cannot say", function()
  local _, parts = assert(sq.filter("where", "provider = 'a' and (name = 'x' or user_id = 'b')")):to "langsmith"
  assert.same({ '(eq provider "a")', '(eq user_id "b")' }, { parts[1].part, parts[2].part })
end)

it("langsmith says properties of which no two lie in one pair as many pairs, up to a length", function()
  local alternatives, pairs = {}, {}
  for i = 1, 9 do
    alternatives[i] = ("(value > %d or value < %d)"):format(i, -i)
    pairs[i] = ("value > %d"):format(i)
  end
  assert(assert(sq.filter("where", ("entry(properties, %s)"):format(table.concat(pairs, " or ")))):to "langsmith")
  local text, parts = assert(sq.filter("where", ("entry(properties, %s)"):format(table.concat(alternatives, " and ")))):to "langsmith"
  assert.is_nil(text)
  assert.equal("as pairs of key and value it would be too long", parts[1].reason)
end)
