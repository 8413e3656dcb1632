--- Runs the suites and counts: `lua5.4 spec/tools/run.lua [suite …]`. What a suite prints is shown when it
--- fails. The last line is "N passed, N failed"; the exit status is 1 when something failed.

local function shell(command)
  local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1; echo \"status:$?\""))
  local text = pipe:read "*a"
  pipe:close()
  local output, status = text:match "^(.*)status:(%d+)\n$"
  return output or text, tonumber(status or 1)
end

local function with_paths(build)
  return ("LUA_PATH='./?.lua;lua/?.lua;lua/?/init.lua;;' LUA_CPATH='build/%s/?.so;;' "):format(build)
end

local function busted(lua, build, more)
  return with_paths(build) .. (more or "") .. lua .. " /usr/bin/busted -o TAP spec"
end

local asan = 'ASAN_OPTIONS=detect_leaks=1 LD_PRELOAD="$(gcc -print-file-name=libasan.so)" '

--- Fewer of the random cases, where each takes long.
local function fewer(cases) return ("AGREE_CASES=${AGREE_CASES:-%d} "):format(cases) end

--- One check, passed or failed by its exit status.
local function check(command) return { command = command } end

--- A rock is made from a copy, without network, and what it installs is used.
local function rock(luarocks, lua)
  local tree = "build/rocks/" .. lua
  return check(([[
    set -e; rm -rf %s; mkdir -p %s
    %s make --deps-mode none --tree %s sessionquery-0.1.0-1.rockspec
    eval "$(%s path --tree %s)"
    sessionquery --version; sessionquery --help >/dev/null
    cd build/rocks && %s -e 'local sq = require "sessionquery"; local db = assert(sq.open ":memory:")
      assert(db:add { request_id = "r", session_id = "s", created_at = 1 }); assert(db:sessions():count() == 1)
      for _, name in ipairs { "http", "http.job", "capture", "keys", "prices", "budget" } do require("sessionquery." .. name) end
      assert(package.searchpath and package.searchpath("resty.sessionquery", package.path) or not package.searchpath)'
    ]]):format(tree, tree, luarocks, tree, luarocks, tree, lua))
end

local suites = {
  layers = check "lua5.4 spec/tools/layers.lua",
  lint = check "luacheck -q lua spec examples *.rockspec",
  warnings = check "make -s warnings",
  symbols = check "test \"$(nm -D --defined-only build/5.4/sessionquery/core.so build/5.1/sessionquery/core.so | grep -c ' T ')\" = 2",
  native = { command = "for t in build/native/*_test; do ASAN_OPTIONS=detect_leaks=1 $t || exit 1; done" },
  ["lua5.4"] = { command = busted("lua5.4", "5.4"), tap = true },
  luajit = { command = busted("luajit", "5.1"), tap = true },
  ["lua5.1"] = { command = busted("lua5.1", "5.1", fewer(2000)), tap = true },
  asan = { command = busted("lua5.4", "asan", fewer(700) .. asan), tap = true },
  ["rock 5.4"] = rock("luarocks-5.4", "lua5.4"),
  ["rock 5.1"] = rock("luarocks-5.1", "lua5.1"),
  demo = check "make -s demo | tee /dev/stderr | grep -q '^ *644 *60 '",
  soak = { command = ([[for seed in $(seq 1 ${SOAK_ROUNDS:-50}); do
    AGREE_SEED=$((seed * 104729)) AGREE_CASES=20000 %s luajit /usr/bin/busted -o TAP spec/agree_spec.lua spec/laws_spec.lua || exit 1; done]]):format(with_paths "5.1"), tap = true },
  crashes = { command = "CRASH_KILLS=5000 CRASH_CUTS=150 CRASH_FULL_STEP=1 build/native/durability_test"
    .. " && DAMAGE_MASKS=3 DAMAGE_FORGED=20000 build/native/damage_test && MANY_SECONDS=60 build/native/many_test" },
}

--- What `make test` runs: two lanes side by side, of about the same length.
local lanes = { { "layers", "lint", "native", "lua5.1", "lua5.4", "symbols", "rock 5.4", "rock 5.1" }, { "warnings", "asan", "luajit", "demo" } }

--- What a suite's output says: passed and failed.
local function count(suite, output, status)
  local passed, failed = 0, 0
  if suite.tap then
    for line in output:gmatch "[^\n]+" do
      if line:find "^ok " then passed = passed + 1 elseif line:find "^not ok " then failed = failed + 1 end
    end
  else
    for ok, bad in output:gmatch "(%d+) passed, (%d+) failed" do
      passed, failed = passed + tonumber(ok), failed + tonumber(bad)
    end
    if passed + failed == 0 and status == 0 then passed = 1 end
  end
  if status ~= 0 and failed == 0 then failed = 1 end
  return passed, failed
end

local function run(name)
  local suite = assert(suites[name], "no suite " .. name)
  local started = os.time()
  local output, status = shell(suite.command)
  local passed, failed = count(suite, output, status)
  print(("%-9s %5d passed, %d failed, %d s"):format(name, passed, failed, os.time() - started))
  if failed > 0 then print(output) end
  return passed, failed
end

local function run_each(names)
  local all_passed, all_failed = 0, 0
  for _, name in ipairs(names) do
    local passed, failed = run(name)
    all_passed, all_failed = all_passed + passed, all_failed + failed
  end
  return all_passed, all_failed
end

--- Each lane is this program again, with its suites' names.
local function run_lanes()
  local pipes, all_passed, all_failed = {}, 0, 0
  for i, lane in ipairs(lanes) do pipes[i] = assert(io.popen(("lua5.4 %s '%s'"):format(arg[0], table.concat(lane, "' '")))) end
  for _, pipe in ipairs(pipes) do
    local last
    for line in pipe:lines() do
      if last then print(last) end
      last = line
    end
    local passed, failed = (last or ""):match "^(%d+) passed, (%d+) failed$"
    if not passed then print(last) end
    all_passed, all_failed = all_passed + tonumber(passed or 0), all_failed + tonumber(failed or 1)
    pipe:close()
  end
  return all_passed, all_failed
end

io.stdout:setvbuf "line"
local all_passed, all_failed
if #arg > 0 then all_passed, all_failed = run_each(arg) else all_passed, all_failed = run_lanes() end
print(("%d passed, %d failed"):format(all_passed, all_failed))
os.exit(all_failed == 0 and 0 or 1)
