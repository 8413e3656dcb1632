# sessionquery: build, test, demo, bench.
#   make        both modules: build/5.4 (Lua 5.4) and build/5.1 (LuaJIT, PUC Lua 5.1)
#   make demo   imports a sample (or DATA=calls.jsonl.gz) and prints its sessions
#   make test   sets up what is missing and runs every test
#   make help   the rest

ifeq ($(origin CC),default)
CC = gcc
endif
CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wconversion -Wno-sign-conversion -Werror=implicit-function-declaration
CORE_FLAGS = -std=gnu11 -D_GNU_SOURCE -fPIC -pthread -fvisibility=hidden $(WARNINGS) -Icsrc
LIBRARIES = -pthread -lsqlite3 -lcjson -lutf8proc -lz -lm
MODULE_FLAGS = -shared -Wl,-z,nodelete -Wl,--no-undefined-version
LUA54_INCDIR ?= $(firstword $(wildcard /usr/include/lua5.4 /usr/local/include/lua5.4) /usr/include/lua5.4)
LUA51_INCDIR ?= $(firstword $(wildcard /usr/include/luajit-2.1 /usr/local/include/luajit-2.1 /usr/include/lua5.1) /usr/include/luajit-2.1)

ROOMS = base catalog ir dialect sql session column exec store query
CORE = $(foreach room,$(ROOMS),$(wildcard csrc/$(room)/*.c))
BINDING = $(wildcard csrc/lua/*.c)
HEADERS = $(wildcard csrc/*.h csrc/*/*.h csrc/*/*.def)
LUA = $(wildcard lua/*/*.lua lua/*/*/*.lua lua/*/*/*/*.lua)

# `make V=1` shows whole commands.
Q = $(if $(V),,@)
say = @$(if $(V),true,printf '  %-8s %s\n' '$(1)' '$(2)')

.DEFAULT_GOAL := all
.PHONY: all help deps test check demo serve bench bench-nginx bench-sessions fuzz soak warnings layers lint golden readme clean asan native rock rock-install sdk

all: build/5.4/sessionquery/core.so build/5.1/sessionquery/core.so build/bin/sessionquery

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -6
	@echo "  make serve  the gateway of examples/nginx.conf, in the foreground (DB=llm.db PORT=8585)"
	@echo "  make check  what must pass before a commit: layers, lint, the specs under one VM"
	@echo "  make bench  measures the goals (BENCH_ROWS=… BENCH_CALLS=file)"
	@echo "  make bench-nginx  the gateway under load: rates, memory, workers that are killed (BENCH_SECONDS=…)"
	@echo "  make bench-sessions  sessions beside DuckDB, ClickHouse, SQLite (BENCH_ROWS=… BENCH_PEERS=none)"
	@echo "  make fuzz   a minute of libFuzzer for each dialect and for records (FUZZ_SECONDS=60)"
	@echo "  make soak   the random specs, many times over (SOAK_ROUNDS=50)"
	@echo "  make golden writes the golden files anew from what the compiler says: read the diff"
	@echo "  make readme writes the generated parts of README.md anew"

# --- the modules ------------------------------------------------------------------------------------------

# $(call objects,folder,sources): where the objects of a flavour lie
objects = $(patsubst csrc/%.c,build/obj/$(1)/%.o,$(2))

build/obj/core/%.o: csrc/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(CFLAGS) $(CORE_FLAGS) -c $< -o $@
build/obj/5.4/%.o: csrc/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(call say,cc 5.4,$<)
	$(Q)$(CC) $(CFLAGS) $(CORE_FLAGS) -I$(LUA54_INCDIR) -c $< -o $@
build/obj/5.1/%.o: csrc/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(call say,cc 5.1,$<)
	$(Q)$(CC) $(CFLAGS) $(CORE_FLAGS) -I$(LUA51_INCDIR) -c $< -o $@

build/5.4/sessionquery/core.so: $(call objects,core,$(CORE)) $(call objects,5.4,$(BINDING))
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) $(MODULE_FLAGS) $^ -o $@ $(LIBRARIES)
build/5.1/sessionquery/core.so: $(call objects,core,$(CORE)) $(call objects,5.1,$(BINDING))
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) $(MODULE_FLAGS) $^ -o $@ $(LIBRARIES)

# The command as it runs from the tree.
build/bin/sessionquery: Makefile
	@mkdir -p $(@D)
	@printf '%s\n' 'require("sessionquery.cli.main")(arg)' >build/bin/sessionquery.lua
	@printf '%s\n' '#!/bin/sh' 'top=$$(cd "$$(dirname "$$0")/../.." && pwd)' \
	  'export LUA_PATH="$$top/lua/?.lua;$$top/lua/?/init.lua;$${LUA_PATH:-;}"' \
	  'export LUA_CPATH="$$top/build/5.4/?.so;$${LUA_CPATH:-;}"' \
	  'exec lua5.4 "$$top/build/bin/sessionquery.lua" "$$@"' >$@
	@chmod +x $@

# The same with AddressSanitizer and UBSan, for Lua 5.4.
SANITIZE = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
build/obj/asan/%.o: csrc/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(call say,cc asan,$<)
	$(Q)$(CC) $(SANITIZE) $(CORE_FLAGS) -I$(LUA54_INCDIR) -c $< -o $@
build/asan/sessionquery/core.so: $(call objects,asan,$(CORE) $(BINDING))
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(SANITIZE) $(MODULE_FLAGS) $^ -o $@ $(LIBRARIES)
asan: build/asan/sessionquery/core.so

# --- native drivers: C tests of the core, without Lua -------------------------------------------------------

NATIVE = $(patsubst spec/native/%.c,build/native/%,$(wildcard spec/native/*_test.c))
build/native/%_test: spec/native/%_test.c $(wildcard spec/native/*.h) $(call objects,asan,$(CORE))
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(SANITIZE) $(CORE_FLAGS) $< $(call objects,asan,$(CORE)) -o $@ $(LIBRARIES)
# They replace malloc, or the calls that write, so they cannot be with a sanitizer that does so too.
build/native/memory_test build/native/durability_test: build/native/%: spec/native/%.c $(wildcard spec/native/*.h) $(call objects,core,$(CORE))
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) $(CORE_FLAGS) $< $(call objects,core,$(CORE)) -o $@ $(LIBRARIES) -ldl
# Threads, with ThreadSanitizer.
SANITIZE_THREADS = -O1 -g -fno-omit-frame-pointer -fsanitize=thread
build/obj/tsan/%.o: csrc/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(call say,cc tsan,$<)
	$(Q)$(CC) $(SANITIZE_THREADS) $(CORE_FLAGS) -c $< -o $@
build/native/threads_test: spec/native/threads_test.c spec/native/test.h $(call objects,tsan,$(CORE))
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(SANITIZE_THREADS) $(CORE_FLAGS) $< $(call objects,tsan,$(CORE)) -o $@ $(LIBRARIES)
native: $(NATIVE)

# --- the vendors' own clients, which the specs run against the gateway ----------------------------------------

# Each package is checked by its hash in the lock file. So where a proxy that brings its own certificate stands between here
# and the registry, and this machine does not know it, the second try does without the certificate.
NPM = npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000
SDK = $(patsubst spec/sdk/%/package.json,build/sdk/%/node_modules/.package-lock.json,$(wildcard spec/sdk/*/package.json))
build/sdk/%/node_modules/.package-lock.json: spec/sdk/%/package.json spec/sdk/%/package-lock.json
	@mkdir -p build/sdk/$*
	$(call say,npm,$*)
	$(Q)cp $^ build/sdk/$*/ && cd build/sdk/$* && { $(NPM) || $(NPM) --strict-ssl=false; } >npm.log 2>&1 && touch node_modules/.package-lock.json || { cat npm.log; exit 1; }
sdk: $(SDK)

# --- checks and tests -----------------------------------------------------------------------------------------

deps:
	@.ci/deps build demo test

# Both compilers, without a warning; Lua 5.1's headers for one of them.
warnings:
	@gcc -fsyntax-only -Werror $(CORE_FLAGS) -I$(LUA54_INCDIR) $(CORE) $(BINDING) $(wildcard spec/native/*.c spec/bench/*.c spec/bench/peers/*.c)
	@clang -fsyntax-only -Werror $(CORE_FLAGS) -I$(LUA51_INCDIR) $(CORE) $(BINDING) $(wildcard spec/native/*.c spec/bench/*.c spec/bench/peers/*.c)

layers:
	@lua5.4 spec/tools/layers.lua

lint:
	@luacheck -q lua spec examples

test:
	@.ci/deps build demo test
	@$(MAKE) --no-print-directory all native asan sdk
	@lua5.4 spec/tools/run.lua

check: all
	@lua5.4 spec/tools/run.lua layers lint lua5.4

soak: all native
	@lua5.4 spec/tools/run.lua soak crashes

golden: all
	@lua5.4 spec/tools/golden.lua

readme: all
	@lua5.4 spec/tools/readme.lua

# --- the main job, in one command ------------------------------------------------------------------------------

DATA ?= build/demo/sample.jsonl
MAP ?= $(if $(filter build/demo/sample.jsonl,$(DATA)),,examples/mini-swe-agent.lua)

demo:
	@.ci/deps build demo
	@mkdir -p build/demo
	@$(MAKE) --no-print-directory all >build/demo/build.log 2>&1 || { cat build/demo/build.log; exit 1; }
	@rm -f build/demo/llm.db build/demo/llm.db-wal build/demo/llm.db-shm build/demo/llm.db-columns
	@lua5.4 examples/sample.lua >build/demo/sample.jsonl
	@build/bin/sessionquery import --quiet --db build/demo/llm.db $(if $(MAP),--map $(MAP)) $(DATA)
	@echo
	@build/bin/sessionquery sessions --db build/demo/llm.db --order -total_cost_usd --limit 10
	@echo
	@build/bin/sessionquery report --db build/demo/llm.db examples/reports/totals.lua

# The gateway, with a small provider behind it on the next port. All it writes is below build/serve, but the store.
DB ?= build/serve/llm.db
PORT ?= 8585
serve:
	@.ci/deps build serve
	@$(MAKE) --no-print-directory all
	@mkdir -p build/serve/temp
	@sed -e 's/127\.0\.0\.1:8585/127.0.0.1:$(PORT)/' -e "s/127\.0\.0\.1:8586/127.0.0.1:$$(($(PORT) + 1))/" \
	  examples/nginx.conf >build/serve/nginx.conf
	@echo "http://127.0.0.1:$(PORT), store $(DB); Ctrl-C ends it"
	@SESSIONQUERY_DB="$$(realpath -m -- "$(DB)")" exec nginx -e stderr -p $(CURDIR)/build/serve -c $(CURDIR)/build/serve/nginx.conf \
	  -g "$$([ $$(id -u) != 0 ] || echo 'user root;')"

# --- bench and fuzz -------------------------------------------------------------------------------------------

build/bench/%: spec/bench/%.c $(call objects,core,$(CORE))
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) $(CORE_FLAGS) $^ -o $@ $(LIBRARIES)

# Sessions over many calls, beside other engines.
BENCH_TOOLS = $(addprefix build/bench/,generate bandwidth sqlite clock.so)
build/bench/generate build/bench/bandwidth: build/bench/%: spec/bench/%.c
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) $(CORE_FLAGS) $< -o $@ -lm
build/bench/sqlite: spec/bench/peers/sqlite.c
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) $(CORE_FLAGS) $< -o $@ -lsqlite3 -lcjson -lm
build/bench/clock.so: spec/bench/clock.c
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) $(CORE_FLAGS) -I$(LUA54_INCDIR) -shared $< -o $@
build/bench/peers/node_modules: spec/bench/peers/package.json
	@mkdir -p $(@D)
	@cp $< $(@D)
	@npm install --prefix $(@D) --no-audit --no-fund --loglevel=error
	@touch $@

bench-sessions: all $(BENCH_TOOLS) $(if $(filter none,$(BENCH_PEERS)),,build/bench/peers/node_modules)
	@lua5.4 spec/bench/sessions.lua

bench-nginx: all
	@.ci/deps build serve test bench
	@LUA_PATH="./?.lua;lua/?.lua;lua/?/init.lua;;" LUA_CPATH="build/5.1/?.so;;" luajit spec/bench/nginx.lua

bench: all build/bench/compile build/bench/by_hand
	@build/bench/compile
	@lua5.4 spec/bench/bench.lua
	@lua5.4 spec/bench/vendors.lua

FUZZ_SECONDS ?= 60
FUZZ = $(patsubst spec/native/fuzz_%.c,%,$(wildcard spec/native/fuzz_*.c))
build/obj/fuzz/%.o: csrc/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(call say,cc fuzz,$<)
	$(Q)clang -O1 -g -fsanitize=fuzzer-no-link,address,undefined $(CORE_FLAGS) -c $< -o $@
.SECONDARY: $(call objects,fuzz,$(CORE))
build/fuzz/%: spec/native/fuzz_%.c $(call objects,fuzz,$(CORE))
	@mkdir -p $(@D)
	$(Q)clang -O1 -g -fsanitize=fuzzer,address,undefined $(CORE_FLAGS) $^ -o $@ $(LIBRARIES)
fuzz:
	@.ci/deps build fuzz
	@$(MAKE) --no-print-directory $(addprefix build/fuzz/,$(FUZZ))
	@lua5.4 spec/tools/fuzz_seeds.lua
	@for target in $(FUZZ); do \
	  echo "fuzz $$target: $(FUZZ_SECONDS) s"; \
	  build/fuzz/$$target -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
	    -artifact_prefix=build/fuzz/ build/fuzz/seeds/$$target >build/fuzz/$$target.log 2>&1 \
	    || { tail -40 build/fuzz/$$target.log; exit 1; }; \
	  grep -E 'number_of_executed_units|new_units_added' build/fuzz/$$target.log; \
	done; echo "fuzz: no finding"

# --- the rock (luarocks make) ---------------------------------------------------------------------------------

LIBFLAG ?= -shared
rock:
	rm -rf build/rock && mkdir -p build/rock/sessionquery
	$(CC) $(CFLAGS) $(CORE_FLAGS) $(LIBFLAG) -Wl,-z,nodelete -I$(LUA_INCDIR) \
	  $(foreach lib,SQLITE CJSON UTF8PROC ZLIB,$(if $($(lib)_INCDIR),-I$($(lib)_INCDIR))) \
	  $(CORE) $(BINDING) -o build/rock/sessionquery/core.so \
	  $(foreach lib,SQLITE CJSON UTF8PROC ZLIB,$(if $($(lib)_LIBDIR),-L$($(lib)_LIBDIR))) $(LIBRARIES)
rock-install:
	install -D -m755 build/rock/sessionquery/core.so $(INST_LIBDIR)/sessionquery/core.so
	for file in $(patsubst lua/%,%,$(LUA)); do install -D -m644 lua/$$file $(INST_LUADIR)/$$file || exit 1; done
	mkdir -p $(INST_BINDIR)
	printf '%s\n' '#!/usr/bin/env lua' 'require("sessionquery.cli.main")(arg)' >$(INST_BINDIR)/sessionquery
	chmod 755 $(INST_BINDIR)/sessionquery

clean:
	rm -rf build
