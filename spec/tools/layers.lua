--- Checks csrc/LAYERS: which rooms may include which headers; and that nginx's ngx is known in lua/resty only. Prints what
--- breaks it; exit status 1 then.

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return text
end

local allowed, owners = {}, {}
for line in read "csrc/LAYERS":gmatch "[^\n]+" do
  local header, rooms = line:match "^<(.-)>:%s*(.*)$"
  local room, others = line:match "^(%l+):?%s*(.*)$"
  local set = {}
  for name in (rooms or others or ""):gmatch "%l+" do set[name] = true end
  if header then
    owners[header] = set
  elseif room then
    allowed[room] = set
  end
end

local broken = 0

local function breaks(path, number, why)
  broken = broken + 1
  print(("%s:%d: %s"):format(path, number, why))
end

local function check_include(path, number, room, open, header)
  if open == "<" then
    local owner = owners[header]
    if owner and not owner[room] then breaks(path, number, ("room %s may not see <%s>"):format(room, header)) end
    return
  end
  local from = header:match "^(%l+)/"
  if header == "sessionquery.h" or from == room then return end
  if not from or not allowed[room][from] then breaks(path, number, ("room %s may not include %s"):format(room, header)) end
end

local list = assert(io.popen "ls csrc/*/*.c csrc/*/*.h csrc/*/*.def")
local files = 0
for path in list:lines() do
  local room, number = path:match "^csrc/(%l+)/", 0
  files = files + 1
  if not allowed[room] then breaks(path, 0, "room " .. room .. " is not in csrc/LAYERS") end
  for line in (read(path) .. "\n"):gmatch "([^\n]*)\n" do
    number = number + 1
    local open, header = line:match '^%s*#%s*include%s*([<"])(.-)[>"]'
    if open and allowed[room] then check_include(path, number, room, open, header) end
  end
end
list:close()

list = assert(io.popen "find lua/sessionquery -name '*.lua'")
for path in list:lines() do
  local number = 0
  files = files + 1
  for line in (read(path) .. "\n"):gmatch "([^\n]*)\n" do
    number = number + 1
    if line:gsub("%-%-.*", ""):find "%f[%w_]ngx%f[^%w_]" then breaks(path, number, "only lua/resty may know ngx") end
  end
end
list:close()

print(("layers: %d files, %s"):format(files, broken == 0 and "clean" or broken .. " broken"))
os.exit(broken == 0 and 0 or 1)
