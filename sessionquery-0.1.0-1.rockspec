rockspec_format = "3.0"
package = "sessionquery"
version = "0.1.0-1"
source = {
  url = "git+https://sessionquery.example/sessionquery.git", -- set where a release is published
  tag = "v0.1.0",
}
description = {
  summary = "Session analytics for LLM traffic, inside the Lua process that handles it",
  detailed = [[
Records LLM calls in one SQLite file and answers questions about sessions of them: cost, tokens, latency,
errors, users. Filters in Helicone's JSON or in a small infix language, an immutable query builder, vendors'
session APIs. For Lua 5.4, LuaJIT and PUC Lua 5.1.]],
  license = "MIT",
  labels = { "llm", "analytics", "sqlite", "observability" },
}
dependencies = {
  "lua >= 5.1, < 5.5",
  "argparse >= 0.7", -- of the command
}
external_dependencies = {
  SQLITE = { header = "sqlite3.h", library = "sqlite3" },
  CJSON = { header = "cjson/cJSON.h", library = "cjson" },
  UTF8PROC = { header = "utf8proc.h", library = "utf8proc" },
  ZLIB = { header = "zlib.h", library = "z" },
}
build = {
  type = "make",
  makefile = "Makefile",
  build_target = "rock",
  install_target = "rock-install",
  build_variables = {
    CC = "$(CC)",
    CFLAGS = "$(CFLAGS)",
    LIBFLAG = "$(LIBFLAG)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    SQLITE_INCDIR = "$(SQLITE_INCDIR)",
    SQLITE_LIBDIR = "$(SQLITE_LIBDIR)",
    CJSON_INCDIR = "$(CJSON_INCDIR)",
    CJSON_LIBDIR = "$(CJSON_LIBDIR)",
    UTF8PROC_INCDIR = "$(UTF8PROC_INCDIR)",
    UTF8PROC_LIBDIR = "$(UTF8PROC_LIBDIR)",
    ZLIB_INCDIR = "$(ZLIB_INCDIR)",
    ZLIB_LIBDIR = "$(ZLIB_LIBDIR)",
  },
  install_variables = {
    INST_LIBDIR = "$(LIBDIR)",
    INST_LUADIR = "$(LUADIR)",
    INST_BINDIR = "$(BINDIR)",
  },
}
test = {
  type = "command",
  command = "make test",
}
