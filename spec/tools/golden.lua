--- Writes the golden files anew from what the compiler says now, and adds the cases of Helicone's contract
--- that are not there yet. Read the diff before you commit it.
package.path = "./?.lua;lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = "build/5.4/?.so;" .. package.cpath
local contract = require "spec.support.helicone_contract"
local golden = require "spec.support.golden"
local translations = require "spec.support.translations"

for _, path in ipairs(golden.files) do
  local cases, known = golden.read(path), {}
  for _, case in ipairs(cases) do known[case.source or ""] = true end
  if path:find "helicone.txt$" then
    for _, source in contract.cases() do
      if not known[source] then cases[#cases + 1] = { dialect = "helicone", source = source } end
    end
  end
  local lines = {}
  for i, case in ipairs(cases) do lines[i] = golden.write(case) end
  local file = assert(io.open(path, "w"))
  file:write(table.concat(lines, "\n"), "\n")
  file:close()
  print(path, #cases)
end
print(translations.path, translations.rewrite())
