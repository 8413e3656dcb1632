--- Writes the generated parts of README.md anew: the table of fields and the table of error codes. With the
--- argument "check" it only says whether they are as they should be.
package.path = "./?.lua;lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = "build/5.4/?.so;" .. package.cpath
local readme = require "spec.support.readme"

local text = readme.read()
local made = readme.generate(text)
if arg[1] == "check" then
  os.exit(text == made and 0 or 1)
end
local file = assert(io.open("README.md", "w"))
file:write(made)
file:close()
