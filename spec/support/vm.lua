--- Other processes: Lua scripts run by the VM that runs the specs (without the sanitizers, which want to be
--- preloaded), and temporary files.
local vm = {}

vm.name = jit and "luajit" or _VERSION == "Lua 5.4" and "lua5.4" or "lua5.1"
local build = _VERSION == "Lua 5.4" and "5.4" or "5.1"

vm.prefix = ("env -u LD_PRELOAD -u ASAN_OPTIONS LUA_PATH='./?.lua;lua/?.lua;lua/?/init.lua;;' LUA_CPATH='build/%s/?.so;;' "):format(build)
vm.command = vm.prefix .. vm.name

local counter = 0

--- A path in a folder of the specs' own; what is there is removed.
function vm.path(name)
  counter = counter + 1
  os.execute "mkdir -p build/spec"
  local path = ("build/spec/%d-%s-%s"):format(counter, vm.name, name or "store.db")
  vm.remove(path)
  return path
end

--- Removes a store's files.
function vm.remove(path)
  for _, suffix in ipairs { "", "-wal", "-shm", "-columns", ".partial" } do os.remove(path .. suffix) end
end

function vm.write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

function vm.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

--- A shell command's output and exit status. Under a sanitizer the shell must not be preloaded either.
function vm.shell(command)
  local pipe = assert(io.popen("{ " .. command .. "; } 2>&1; echo \"status:$?\""))
  local text = pipe:read "*a"
  pipe:close()
  local output, status = text:match "^(.*)status:(%d+)\n$"
  return output, tonumber(status)
end

--- Runs Lua source in another process; its output and exit status.
function vm.run(source, arguments)
  local path = vm.write(vm.path "child.lua", source)
  local output, status = vm.shell(vm.command .. " " .. path .. " " .. (arguments or ""))
  os.remove(path)
  return output, status
end

return vm
