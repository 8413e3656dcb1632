local vm = require "spec.support.vm"

--- Text in the forms in which compressed HTTP bodies come, a list of { encoding, bytes }: gzip, bare deflate, which
--- is what a gzip member holds, and zlib's format around that.
return function(text)
  local path = vm.write(vm.path "plain", text)
  vm.shell(("gzip -9 -n <%s >%s.gz"):format(path, path))
  local packed = vm.read(path .. ".gz")
  vm.shell(("rm -f %s %s.gz"):format(path, path))
  local bare, a, b = packed:sub(11, -9), 1, 0
  for i = 1, #text do
    a = (a + text:byte(i)) % 65521
    b = (b + a) % 65521
  end
  local adler = string.char(math.floor(b / 256), b % 256, math.floor(a / 256), a % 256)
  return { { "gzip", packed }, { "x-gzip", packed }, { "deflate", bare }, { "Deflate", "\120\218" .. bare .. adler } }
end
