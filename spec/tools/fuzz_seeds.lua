--- Writes the fuzzers' first inputs to build/fuzz/seeds: the golden sources, and some records.
package.path = "./?.lua;lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = "build/5.4/?.so;" .. package.cpath
local golden = require "spec.support.golden"

local count = 0

local function seed(target, text)
  count = count + 1
  local file = assert(io.open(("build/fuzz/seeds/%s/%05d"):format(target, count), "wb"))
  file:write(text)
  file:close()
end

os.execute "mkdir -p build/fuzz/seeds/freeplay build/fuzz/seeds/where build/fuzz/seeds/helicone build/fuzz/seeds/langsmith build/fuzz/seeds/records build/fuzz/seeds/text"
for _, path in ipairs(golden.files) do
  for _, case in ipairs(golden.read(path)) do
    if case.dialect then seed(case.dialect:match "^%l+", case.source) end
  end
end
for _, text in ipairs {
  "not found\nError 404: NOT-FOUND!", "a b a c\na b a b a c", "\195\169\n\195\137 e\204\129 \255",
  'b.c\n{"a":[{"b":"x"},{"b":{"c":[1,null,true,"\\u00e9\\n"]}}],"":{"":0}}', 'a\n["a",{"a":1},[{"a":{"a":"b"}}]]', "a\n5", 'a\n{"a":1',
} do seed("text", text) end
for line in io.lines "examples/import.jsonl" do seed("records", line .. "\n") end
for _, line in ipairs {
  '{"request_id":"h1","request_created_at":"2024-01-01T12:00:00.000Z","request_properties":{"Helicone-Session-Id":"s","env":"x"},"scores":{"q":1},"user_id":"u","latency":5,"cost":0.1}',
  '{"request_id":"r","created_at":1,"tags":["a","\\u00e9"],"properties":{"a":null,"b":[1]},"feedback":[{"key":"k","score":true,"value":"v","created_at":"2026-01-01"}],"extra":{"x":1},"odd":{"y":[]}}',
} do seed("records", line .. "\n") end
