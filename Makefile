# SPDX-License-Identifier: BSD-2-Clause
# One non-recursive Makefile. Sources are found by folder: a new file needs no line here.
# O=DIR builds elsewhere; SAN=address,undefined (or thread) builds with sanitizers; V=1 shows commands.

SAN ?=
O ?= build$(if $(SAN),-$(firstword $(subst $(comma), ,$(SAN))))
comma := ,
CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PREFIX ?= /usr/local
Q := $(if $(V),,@)

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wformat=2 -Wvla -Wundef \
	-Wimplicit-fallthrough -Wswitch-enum -Wconversion
HARDEN := $(if $(SAN),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fPIE
CPPFLAGS += -D_GNU_SOURCE -I. -I$(O)/gen -isystem $(O)/sys -isystem /usr/include/libxml2
CFLAGS += -std=gnu11 -O2 -g $(WARNINGS) $(HARDEN) $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer)
LDFLAGS += -pie -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=$(SAN))

CONTROL_LIBS := -lmaxminddb -lcurl -lmicrohttpd -ljansson -lsqlite3 -lxml2 -lknot -lcrypto -lpthread
AGENT_LIBS := -lbpf -lelf -lz -lmaxminddb -lcurl -lcares -lcrypto -lpthread
CLI_LIBS := -lbpf -lelf -lz -ljansson -lcurl -lsqlite3 -lcrypto -lpthread

sources = $(sort $(filter-out %.bpf.c,$(foreach d,$(1),$(wildcard $(d)/*.c))))
objects = $(patsubst %.c,$(O)/%.o,$(1))

BASE := $(call objects,$(call sources,base))
CONTROL := $(call objects,$(filter-out control/main.c,$(call sources,control control/*)))
AGENT := $(call objects,$(filter-out agent/main.c,$(call sources,agent)))
CLI := $(call objects,$(filter-out cli/main.c,$(call sources,cli)))
# The parts of nginx's module that need nothing of nginx: tests and fuzzers are linked with them.
REQUEST := $(call objects,$(addprefix nginx/,rule.c rate.c challenge.c freshness.c frames.c hello.c lines.c opening.c outgoing.c))
# The store's code with which the CLI checks the audit log.
AUDIT := $(call objects,$(addprefix control/store/,audit.c db_sqlite.c query.c schema.c schema_web.c))
BPF_HEADERS := $(wildcard bpf/*.h bpf/*/*.h shared/*)

.DELETE_ON_ERROR:
.DEFAULT_GOAL := all
.PHONY: all console help setup run stop test test-sanitizers test-kernel lint format fuzz bench install clean

all: $(O)/polder $(O)/polder-control $(O)/polder-agent $(O)/polder.bpf.o $(O)/ngx_http_polder_module.so console ## build everything

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 17

setup: ## install the packages that build, run and test need (root)
	$(Q)./setup

run: setup ## set up, build, start the lab with a protected origin and leave it up (root)
	$(Q)$(MAKE) --no-print-directory all
	$(Q)./packaging/run

stop: ## end what `make run` started (root)
	$(Q)$(O)/polder lab down

test: setup ## set up, build, run every test tier of one machine (root)
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/run

# Tests of exhausted memory ask for more than a sanitizer's allocator gives: it refuses as the real one does.
SANITIZED := ASAN_OPTIONS=allocator_may_return_null=1 TSAN_OPTIONS=allocator_may_return_null=1
test-sanitizers: ## tiers without network and kernel, and nginx's module (root), with sanitizers: addresses, undefined, threads
	$(Q)$(SANITIZED) SAN=address,undefined O=$(O)-address tests/run unit model torture fuzz web
	$(Q)$(SANITIZED) SAN=thread O=$(O)-thread tests/run unit

test-kernel: all ## packet path, agent and packet tests on Linux 6.1 in an emulated machine (root)
	$(Q)O=$(O) tests/kernel/run

lint: ## format, clang-tidy, cppcheck, layering, sizes, shell, manual pages
	$(Q)O=$(O) tests/lint/run

format: ## rewrite sources in the project's format
	$(Q)git ls-files '*.c' '*.h' | xargs clang-format -i

fuzz: ## every fuzzer for SECONDS (60) each
	$(Q)tests/fuzz/run $(or $(SECONDS),60)

bench: all ## measure side by side with peers; prints and writes docs/benchmarks.md (root)
	$(Q)tests/bench/run
	$(Q)tests/bench/packet
	$(Q)tests/bench/sighting
	$(Q)tests/bench/flood
	$(Q)tests/bench/request
	$(Q)tests/bench/request_flood
	$(Q)tests/bench/request_change

clean: ## remove what was built
	rm -rf build build-*

print-%: # the value of a variable, for scripts
	@echo '$($*)'

# --- programs ---------------------------------------------------------------------------------
$(O)/polder-control: $(O)/control/main.o $(CONTROL) $(BASE)
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(CONTROL_LIBS)

$(O)/polder-agent: $(O)/agent/main.o $(AGENT) $(BASE)
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(AGENT_LIBS)

$(O)/polder: $(O)/cli/main.o $(CLI) $(AUDIT) $(BASE)
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(CLI_LIBS)

# --- the packet path: clang, then a skeleton for the agent --------------------------------------
BPF_CFLAGS := -target bpf -O2 -g -Wall -Wextra -Werror -Wno-unused-function -I. \
	-I/usr/include/$(shell uname -m)-linux-gnu
$(O)/polder.bpf.o: bpf/filter.bpf.c $(BPF_HEADERS)
	@mkdir -p $(@D)
	@echo "  BPF   $@"
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(O)/steering.bpf.o: bpf/steer.bpf.c $(BPF_HEADERS)
	@mkdir -p $(@D)
	@echo "  BPF   $@"
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(O)/generator.bpf.o: cli/generator.bpf.c cli/generator_abi.h
	@mkdir -p $(@D)
	@echo "  BPF   $@"
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(O)/impair.bpf.o: tests/wire/impair.bpf.c tests/wire/impair.h
	@mkdir -p $(@D)
	@echo "  BPF   $@"
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(O)/sys/%.skel.h: $(O)/%.bpf.o
	@mkdir -p $(@D)
	@echo "  SKEL  $@"
	$(Q)$(BPFTOOL) gen skeleton $< name $* > $@

# The CLI's list of actions is printed by the control itself, so that neither can drift.
$(O)/gen/actions.json: $(O)/polder-control
	@mkdir -p $(@D)
	$(Q)$(O)/polder-control --describe > $@
$(O)/gen/actions_json.h: $(O)/gen/actions.json
	$(Q)(cd $(@D) && xxd -i actions.json) | sed 's/^unsigned/static const unsigned/' > $@

# So is the catalogue of errors. Which actions give an error is read from the control's sources.
$(O)/gen/errors_of_actions.def: tools/errors_of_actions base/errors.def \
		$(filter-out control/main.c,$(wildcard $(addsuffix /*.[ch],control control/* base)))
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	$(Q)tools/errors_of_actions $(filter %.c %.h,$^) > $@
$(O)/control/actions/error.o: $(O)/gen/errors_of_actions.def
$(O)/gen/errors.json: $(O)/polder-control
	@mkdir -p $(@D)
	$(Q)$(O)/polder-control --describe-errors > $@
$(O)/gen/errors_json.h: $(O)/gen/errors.json
	$(Q)(cd $(@D) && xxd -i errors.json) | sed 's/^unsigned/static const unsigned/' > $@

# What polder init writes on a machine: packaging_NAME and packaging_NAME_len for each file.
PACKAGED := control.conf nginx-api.conf nginx-console.conf nginx-edge.conf $(addprefix systemd/polder-,control.service agent@.service edge.service)
$(O)/gen/packaging_files.h: $(addprefix packaging/,$(PACKAGED)) Makefile
	@mkdir -p $(@D)
	$(Q)(cd packaging && for f in $(PACKAGED); do n=$${f#systemd/polder-}; \
		xxd -i -n "packaging_$$(printf %s "$$n" | tr -d @ | tr .- __)" $$f; done) | sed 's/^unsigned/static const unsigned/' > $@

# The lab runs the configurations that are shipped.
$(O)/gen/nginx_%_conf.h: packaging/nginx-%.conf
	@mkdir -p $(@D)
	$(Q)(cd $(<D) && xxd -i -n nginx_$*_conf $(<F)) | sed 's/^unsigned/static const unsigned/' > $@

$(AGENT) $(O)/agent/main.o: | $(addprefix $(O)/sys/,polder.skel.h steering.skel.h)
$(CLI) $(O)/cli/main.o: | $(O)/sys/generator.skel.h $(addprefix $(O)/gen/,actions_json.h errors_json.h) \
	$(addprefix $(O)/gen/,nginx_edge_conf.h nginx_console_conf.h packaging_files.h)

$(O)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MD -MP -c -o $@ $<

# --- the console: static files. Its list of actions, too, is what the control prints. ------------------
CONSOLE_TOOLS := console/node_modules/.package-lock.json
CONSOLE_SOURCES := $(wildcard console/*.*) $(shell find console/src console/public -type f -not -path '*/gen/*')
# Decided when its turn comes: set-up may have brought the packages in the same run.
console: $(O)/gen/actions.json ## build the console (part of all where its npm packages are)
	$(Q)if [ -e $(CONSOLE_TOOLS) ]; then $(MAKE) -s --no-print-directory $(O)/console/index.html; \
	else echo "  SKIP  console: its npm packages are not there (./setup installs them; it needs the npm registry)"; fi
console/src/gen/actions.ts: $(O)/gen/actions.json console/generate.mjs
	$(Q)node console/generate.mjs $< $(@D)
console/src/gen/tables.ts: console/tables.mjs $(wildcard shared/*.def) control/model/web_fields.def
	$(Q)node console/tables.mjs shared $(@D)
$(O)/console/index.html: console/src/gen/actions.ts console/src/gen/tables.ts $(CONSOLE_SOURCES) $(CONSOLE_TOOLS)
	@echo "  VITE  $(@D)"
	$(Q)cd console && node_modules/.bin/tsc --noEmit && \
		node_modules/.bin/vite build --logLevel warn --outDir $(abspath $(@D))
	$(Q)touch $@

# --- the module of nginx: built against Debian's nginx-dev, which tells how the packaged nginx was built ----
NGINX_SOURCE := /usr/share/nginx/src
NGINX_CONFIG := $(O)/nginx-config/ngx_auto_config.h
# -Wno-cast-qual below: nginx's own functions, and its macros for texts, know no const.
NGINX_CPPFLAGS := $(addprefix -isystem $(NGINX_SOURCE)/src/,core event event/modules os/unix http http/modules http/v2) \
	-isystem $(O)/nginx-config
NGINX_LTO := $(if $(SAN)$(findstring clang,$(CC)),,-flto=auto)
NGINX := $(patsubst %.c,$(O)/module/%.o,$(call sources,nginx nginx/checks) base/site.c base/text.c base/arena.c)
$(NGINX_CONFIG): $(NGINX_SOURCE)/conf_flags
	@mkdir -p $(@D)
	@echo "  CONF  $@"
	$(Q)bash -c 'out=$$(realpath $(@D)) && cd $(NGINX_SOURCE) && . ./conf_flags && \
		./configure --builddir="$$out" "$${NGX_CONF_FLAGS[@]}"' >$(@D)/log 2>&1
$(O)/module/%.o: %.c | $(NGINX_CONFIG)
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(CPPFLAGS) $(NGINX_CPPFLAGS) $(CFLAGS) -Wno-cast-qual -fPIC -fvisibility=hidden $(NGINX_LTO) -MD -MP -c -o $@ $<
$(O)/ngx_http_polder_module.so: $(NGINX)
	@echo "  LINK  $@"
	$(Q)$(CC) -shared $(if $(NGINX_LTO),$(CFLAGS) -fPIC $(NGINX_LTO)) -Wl,-z,relro,-z,now,--as-needed $(if $(SAN),-fsanitize=$(SAN)) -o $@ $^ -lmaxminddb -lbpf -lssl -lcrypto -lm

# --- tests: each tests/unit/test_X.c is one program with everything but the mains ----------------
TEST_LIBS := -lcmocka $(CONTROL_LIBS) $(AGENT_LIBS)
UNIT := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(wildcard tests/unit/test_*.c))
PACKET := $(patsubst tests/packet/%.c,$(O)/tests/packet/%,$(wildcard tests/packet/test_*.c))
TORTURE := $(patsubst tests/torture/%.c,$(O)/tests/torture/%,$(wildcard tests/torture/test_*.c))
MODEL := $(patsubst tests/model/%.c,$(O)/tests/model/%,$(wildcard tests/model/test_*.c))
TEST_HELPERS := $(call objects,$(wildcard tests/support/*.c))
TOOLS := $(patsubst %.c,$(O)/%,$(wildcard tests/net/*.c))
BENCH := $(patsubst %.c,$(O)/%,$(call sources,tests/bench))
WEB_TOOLS := $(patsubst %.c,$(O)/%,$(wildcard tests/web/*.c))
WIRE_TOOLS := $(O)/tests/wire/impair $(O)/tests/wire/service $(O)/tests/wire/web
CORPUS := $(O)/tests/wire/test_corpus
tests: tests-unit tests-packet tests-torture tests-model tests-lab tests-web ## build the test programs
tests-unit: $(UNIT)
tests-packet: $(PACKET) $(CORPUS)
tests-torture: $(TORTURE)
tests-model: $(MODEL)
tests-lab: $(TOOLS) $(WIRE_TOOLS)
tests-web: $(WEB_TOOLS)
.PHONY: tests tests-unit tests-packet tests-torture tests-model tests-lab tests-web tests-fuzz

$(TOOLS): $(O)/%: $(O)/%.o $(BASE)
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -ljansson -lcrypto -lpthread
$(O)/tests/net/mmdb: $(O)/tests/support/mmdb.o

$(WEB_TOOLS): $(O)/%: $(O)/%.o $(O)/agent/table.o $(O)/agent/table_check.o $(BASE)
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -ljansson -lssl -lcrypto

$(BENCH): $(O)/%: $(O)/%.o $(O)/cli/drills.o
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(AGENT_LIBS) -lssl
$(O)/tests/bench/request_sites: $(AGENT) $(BASE)
$(patsubst %,%.o,$(BENCH)): | $(addprefix $(O)/sys/,polder.skel.h generator.skel.h peers.skel.h)
$(O)/peers.bpf.o: tests/bench/peers.bpf.c $(wildcard tests/bench/*.h)
	@mkdir -p $(@D)
	@echo "  BPF   $@"
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(WIRE_TOOLS): $(O)/%: $(O)/%.o
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lbpf -lelf -lz
$(O)/tests/wire/impair.o: | $(O)/sys/impair.skel.h

$(CORPUS): $(O)/tests/wire/test_corpus.o $(O)/tests/wire/recording.o
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka -lbpf -lelf -lz
$(CORPUS).o: | $(O)/sys/polder.skel.h

$(UNIT) $(PACKET) $(TORTURE) $(MODEL): $(O)/%: $(O)/%.o $(TEST_HELPERS) $(CONTROL) $(AGENT) $(REQUEST) $(BASE)
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(TEST_LIBS)
$(patsubst %,%.o,$(PACKET)): | $(addprefix $(O)/sys/,polder.skel.h steering.skel.h)
$(filter $(O)/tests/unit/test_cli%,$(UNIT)): $(CLI)

# Fuzzers: tests/fuzz/fuzz_X.c defines LLVMFuzzerTestOneInput; linked twice, with a main that replays
# the corpus (gcc, part of `make test`) and with libFuzzer (clang).
FUZZ := $(patsubst tests/fuzz/%.c,$(O)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
$(FUZZ): $(O)/%: $(O)/%.o $(O)/tests/fuzz/replay.o $(CONTROL) $(AGENT) $(REQUEST) $(BASE)
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(filter-out -lcmocka,$(TEST_LIBS))
tests-fuzz: $(FUZZ) # the corpus replayers

install: all ## install below DESTDIR/PREFIX
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/polder
	install $(O)/polder-control $(O)/polder-agent $(DESTDIR)$(PREFIX)/sbin
	install $(O)/polder $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(O)/polder.bpf.o $(O)/ngx_http_polder_module.so $(DESTDIR)$(PREFIX)/lib/polder
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 man/*.1
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 man/*.8
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/polder/examples packaging/*.conf
	[ ! -d $(O)/console ] || (install -d $(DESTDIR)$(PREFIX)/share/polder/console/assets && \
		install -m 644 $(O)/console/*.* $(DESTDIR)$(PREFIX)/share/polder/console && \
		install -m 644 $(O)/console/assets/* $(DESTDIR)$(PREFIX)/share/polder/console/assets)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/systemd/system packaging/systemd/*.service packaging/systemd/*.socket
	sed -i 's|/usr/local|$(PREFIX)|' $(DESTDIR)$(PREFIX)/lib/systemd/system/polder-*.service \
		$(DESTDIR)$(PREFIX)/share/doc/polder/examples/*.conf

-include $(shell find $(O) -name '*.d' 2>/dev/null)
