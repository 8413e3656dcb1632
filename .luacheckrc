-- One source for Lua 5.4 and LuaJIT.
std = "max"
max_line_length = 140
-- Lines of data, told as they come.
files["spec/**"] = { max_line_length = 200 }
files["spec/**/*_spec.lua"] = { std = "max+busted", max_line_length = 200 }
exclude_files = { "build/**" }
files["lua/resty/**"] = { std = "max+ngx_lua" }
files["examples/upstream.lua"] = { std = "max+ngx_lua" }
