# mailproof: a conformance suite for mail servers, with a reference server of its own.
#
#   make              build/mailproof and build/mailproofd
#   make deps         install what building and testing needs (Debian packages; sudo where not root)
#   make deps-peers   install testssl.sh, sslscan and nmap, for ports-proof TABLE=FILE and bench
#   make conformance  every scenario against mailproofd; results in out/latest/
#   make check        unit tests, every scenario against mailproofd, mutants, replay of fuzz findings
#   make mutants      each fault of mailproofd turns the scenarios that name it red, and no others
#   make ports-proof  mailproof ports against each fault of mailproofd in TLS, STARTTLS and ports
#   make ports-compare  versions, suites and groups of real servers beside sslscan and testssl.sh: reports/ports-compare.md
#   make ports-cli    its exit codes and files; ports-domain: zones signed here; ports-client: hostile to clients
#   make clients      swaks, msmtp, curl, mutt, fetchmail, getmail, Python, and Postfix on either side of mailproofd
#   make manual       the man pages have the flags of --help, and their examples run; make man brings the flags in
#   make operation    mailproofd as a service: another user, the sandbox, SIGHUP, a service manager
#   make servers      the scenarios against seven real mail servers from Debian packages, and mailproof ports (needs root; SERVERS=…)
#   make bench        driver CPU per scenario; mailproofd beside Postfix, smtp-sink and Dovecot
#   make soak         10,000 idle and 1,000 slow connections while others work (SECONDS=60)
#   make fuzz T=NAME  fuzz one target of fuzz/ with AFL++ (SECONDS=60)
#   make lint         clang-format, cppcheck, luacheck, the top level, both compilers with warnings as errors
#   make format       rewrite the C files in the house's format
#   make install      to $(DESTDIR)$(PREFIX)
#   make clean        remove build/
#
# SAN=1 builds with ASan and UBSan in build/san. CC=clang builds with clang. NPROC sets the jobs.

CC ?= gcc
PREFIX ?= /usr/local
NPROC ?= $(shell nproc 2>/dev/null || echo 2)
SECONDS ?= 60
MAKEFLAGS += --no-print-directory

PACKAGES := openssl libpcap ldns lua5.4 jansson sqlite3 libutf8proc
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wvla -Werror
OPT := -O2 -g
HARDEN := -fstack-protector-strong
LINK :=
# V=1 shows the commands.
Q := $(if $(V),,@)

ifdef SAN
O ?= build/san
OPT := -O1 -g -fno-omit-frame-pointer
HARDEN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
LINK := -fsanitize=address,undefined
# Everything takes longer; a scenario that needs its time is not one that failed.
PATIENCE := --timeout-scale 2
else
O ?= build
HARDEN += -D_FORTIFY_SOURCE=2
endif

PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
VERSION := 0.1.0
BASE_CFLAGS = -std=c11 -D_GNU_SOURCE $(OPT) $(HARDEN) $(WARN) $(PKG_CFLAGS) -MMD -MP \
	-DMAILPROOF_VERSION='"$(VERSION)"'
HARNESS_LIBS := $(shell pkg-config --libs openssl libpcap lua5.4 jansson ldns 2>/dev/null) -lunbound -lm -lpthread
SERVER_LIBS := $(shell pkg-config --libs openssl jansson sqlite3 libutf8proc 2>/dev/null) -lunbound -lseccomp -lm -lpthread
CHECK_LIBS := $(shell pkg-config --libs check 2>/dev/null)

HARNESS_SRC := $(filter-out harness/tests/%,$(shell find harness -name '*.c'))
SERVER_SRC := $(filter-out reference-server/tests/%,$(shell find reference-server -name '*.c'))
HARNESS_OBJ := $(HARNESS_SRC:%.c=$(O)/obj/%.o)
SERVER_OBJ := $(SERVER_SRC:%.c=$(O)/obj/%.o)
HARNESS_LIB_OBJ := $(filter-out %/harness/main.o,$(HARNESS_OBJ))
SERVER_LIB_OBJ := $(filter-out %/reference-server/main.o,$(SERVER_OBJ))
HARNESS_TESTS := $(patsubst %.c,$(O)/%,$(shell find harness/tests -name 'test_*.c'))
SERVER_TESTS := $(patsubst %.c,$(O)/%,$(shell find reference-server/tests -name 'test_*.c'))
TESTS := $(HARNESS_TESTS) $(SERVER_TESTS)

.DELETE_ON_ERROR:
.PHONY: all deps deps-peers conformance check unit cli flood soak clients manual man operation ports-cli ports-domain ports-client ports-proof ports-compare mutants servers bench fuzz replay lint top-level format install clean help

all: $(O)/mailproof $(O)/mailproofd

$(O)/mailproof: $(HARNESS_OBJ)
	$(Q)$(CC) $(LINK) -o $@ $^ $(HARNESS_LIBS)

$(O)/mailproofd: $(SERVER_OBJ)
	$(Q)$(CC) $(LINK) -o $@ $^ $(SERVER_LIBS)

$(O)/libharness.a: $(HARNESS_LIB_OBJ)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(O)/libserver.a: $(SERVER_LIB_OBJ)
	@rm -f $@
	$(Q)ar rcs $@ $^

# Each side sees only its own headers: an #include across does not compile.
$(O)/obj/harness/%.o: harness/%.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(CFLAGS) -Iharness -c -o $@ $<

$(O)/obj/reference-server/%.o: reference-server/%.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(CFLAGS) -Ireference-server -c -o $@ $<

$(O)/harness/tests/%: harness/tests/%.c $(O)/libharness.a Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(CFLAGS) -Iharness -Iharness/tests $(LINK) -o $@ $< $(O)/libharness.a \
		$(CHECK_LIBS) $(HARNESS_LIBS)

$(O)/reference-server/tests/%: reference-server/tests/%.c $(O)/libserver.a Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(CFLAGS) -Ireference-server -Ireference-server/tests $(LINK) -o $@ $< \
		$(filter %.o,$^) $(O)/libserver.a $(CHECK_LIBS) $(SERVER_LIBS)

# The disk below SQLite in the tests of durability.
$(O)/reference-server/tests/store/test_powercut $(O)/reference-server/tests/store/test_trouble: $(O)/obj/reference-server/tests/store/powercut_vfs.o

# --- proving ------------------------------------------------------------------------------------

# Every scenario against mailproofd; the results are in out/latest/.
conformance: all
	$(O)/mailproof run $(PATIENCE)

unit: $(TESTS)
	@harness/tests/unit.sh $(TESTS)

# The command line against servers that behave badly, and against bad input.
cli: $(O)/mailproof $(O)/harness/tests/odd_server
	@harness/tests/cli.sh $(O)/mailproof $(O)/harness/tests/odd_server

# Each check fails on its defect (harness/tests/ports/defects.tsv), and no other does. TABLE=reports/ports-proof.md makes
# the table that is kept there, with what testssl, sslscan and nmap see (make deps-peers).
TABLE ?=
ports-proof: all
	@harness/tests/ports/proof.py $(O)/mailproof $(O)/mailproofd $(if $(TABLE),-t $(TABLE))

# Versions, suites and groups of six real servers, beside sslscan and testssl.sh; needs root and make deps-peers.
ports-compare: $(O)/mailproof
	@harness/tests/ports/compare.sh $(O)/mailproof reports/ports-compare.md

# Mail programs that people use, against mailproofd. What is not installed is skipped, in words.
clients: $(O)/mailproofd
	@reference-server/tests/clients.sh $(O)/mailproofd

# Exit codes, expectations, budgets and files of mailproof ports.
ports-cli: all
	@harness/tests/ports/cli.sh $(O)/mailproof $(O)/mailproofd

# The records of a domain in mailproof ports: zones that are signed here, a policy that is served here.
ports-domain: all
	@harness/tests/ports/domain.sh $(O)/mailproof $(O)/mailproofd

# mailproof ports --client: clients that are wrong in one way each, and the real ones of make clients.
ports-client: all
	@harness/tests/ports/client.sh $(O)/mailproof $(O)/mailproofd

# mailproofd as a service: another user, the sandbox, SIGHUP, a service manager.
operation: $(O)/mailproofd
	@reference-server/tests/operation.py $(O)/mailproofd

# The man pages against the programs: flags, and the examples, which are run.
manual: all
	@harness/tests/manual.py $(O)/mailproof $(O)/mailproofd

# The flags of --help, into the man pages.
man: all
	@harness/tests/manual.py --write $(O)/mailproof $(O)/mailproofd

mutants: all
	$(O)/mailproof mutants $(PATIENCE)

# Connections by the thousand, while three clients work: how long these wait. The small one is part of check, where the
# machine may be busy; its limit is wide.
flood: $(O)/mailproofd $(O)/reference-server/tests/bench/flood
	@$(O)/reference-server/tests/bench/flood $(O)/mailproofd 1000 100 3 500

soak: $(O)/mailproofd $(O)/reference-server/tests/bench/flood
	@$(O)/reference-server/tests/bench/flood $(O)/mailproofd 10000 1000 $(SECONDS) 50

check: all $(TESTS) $(O)/harness/tests/odd_server
	@MAKE="$(MAKE)" harness/tests/check.sh unit top-level cli manual operation ports-cli ports-domain ports-client clients ports-proof flood conformance mutants replay

# Sendmail is tried by SERVERS=sendmail: now and then it greets nobody for more than five seconds.
SERVERS ?= dovecot postfix postfix-dovecot exim opensmtpd cyrus courier
servers: $(O)/mailproof
	@status=0; harness/tests/ports/servers.sh $(O)/mailproof $(SERVERS) || status=1; \
	harness/tests/servers.sh $(O)/mailproof $(SERVERS) || status=1; exit $$status

# What the driver costs: CPU a scenario, wall time of the whole run.
# Then what mailproofd costs, beside Postfix, smtp-sink and Dovecot (these with root).
bench: all $(O)/reference-server/tests/bench/load $(O)/slow_flush.so
	@harness/tests/bench.sh $(O)/mailproof 5
	@reference-server/tests/bench/bench.sh $(O)/mailproofd $(O)/reference-server/tests/bench/load $(O)/slow_flush.so
	@harness/tests/ports/bench.sh $(O)/mailproof $(O)/mailproofd

$(O)/slow_flush.so: reference-server/tests/bench/slow_flush.c Makefile
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O2 $(WARN) -shared -fPIC -o $@ $<

BIN = $(DESTDIR)$(PREFIX)/bin
SHARE = $(DESTDIR)$(PREFIX)/share/mailproof
MAN = $(DESTDIR)$(PREFIX)/share/man
UNITS = $(DESTDIR)$(PREFIX)/lib/systemd/system
install: all
	install -d $(BIN) $(SHARE)/harness
	install $(O)/mailproof $(O)/mailproofd $(BIN)
	cp -R harness/lua $(SHARE)/harness/
	cp -R scenarios reports $(SHARE)/
	install -d $(MAN)/man1 $(MAN)/man8 $(UNITS)
	install -m 644 harness/mailproof.1 $(MAN)/man1
	install -m 644 reference-server/mailproofd.8 $(MAN)/man8
	sed 's|@BIN@|$(PREFIX)/bin|' reference-server/mailproofd.service >$(UNITS)/mailproofd.service

clean:
	rm -rf build

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

# --- fuzz ---------------------------------------------------------------------------------------
# One file of fuzz/ is one target. Targets named server_… are built against mailproofd, all others
# against mailproof: the two programs never meet, not even here.

FUZZ_TARGETS := $(filter-out replay,$(patsubst fuzz/%.c,%,$(wildcard fuzz/*.c)))
REPLAYS := $(FUZZ_TARGETS:%=$(O)/fuzz/%-replay)
FUZZ_OUT = build/fuzz/out/$(T)

$(O)/fuzz/server_%-replay: fuzz/server_%.c fuzz/replay.c fuzz/target.h fuzz/server_world.h $(O)/libserver.a Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(BASE_CFLAGS)) $(CFLAGS) -Ifuzz -Ireference-server $(LINK) -o $@ $< fuzz/replay.c \
		$(O)/libserver.a $(SERVER_LIBS)

$(O)/fuzz/%-replay: fuzz/%.c fuzz/replay.c fuzz/target.h $(O)/libharness.a Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(BASE_CFLAGS)) $(CFLAGS) -Ifuzz -Iharness $(LINK) -o $@ $< fuzz/replay.c \
		$(O)/libharness.a $(HARNESS_LIBS)

# What AFL++ runs: with its own compiler, sanitizers in it. Reached through `make fuzz` only.
$(O)/fuzz/server_%-afl: fuzz/server_%.c fuzz/target.h fuzz/server_world.h $(O)/libserver.a Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(BASE_CFLAGS)) -fsanitize=fuzzer -Ifuzz -Ireference-server -o $@ $< $(O)/libserver.a $(SERVER_LIBS)

$(O)/fuzz/%-afl: fuzz/%.c fuzz/target.h $(O)/libharness.a Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(BASE_CFLAGS)) -fsanitize=fuzzer -Ifuzz -Iharness -o $@ $< $(O)/libharness.a $(HARNESS_LIBS)

# Every seed and everything that was ever found, through every target.
replay: $(REPLAYS)
	@for t in $(FUZZ_TARGETS); do \
	  find fuzz/seeds/$$t fuzz/found/$$t -type f 2>/dev/null | sort | xargs -r $(O)/fuzz/$$t-replay || exit 1; done

AFL = AFL_USE_ASAN=1 AFL_USE_UBSAN=1 AFL_QUIET=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_NO_UI=1 \
	AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_AUTORESUME=1
fuzz:
	@case " $(FUZZ_TARGETS) " in *" $(T) "*) ;; \
	  *) echo "make fuzz T=NAME [SECONDS=60], NAME one of: $(FUZZ_TARGETS)"; exit 2;; esac
	$(AFL) $(MAKE) O=build/afl CC=afl-clang-fast HARDEN= build/afl/fuzz/$(T)-afl
	@mkdir -p $(FUZZ_OUT)
	$(AFL) afl-fuzz -V $(SECONDS) -i fuzz/seeds/$(T) -x fuzz/dict/$(T).dict -o $(FUZZ_OUT) -- build/afl/fuzz/$(T)-afl \
	  >$(FUZZ_OUT)/log 2>&1 || { tail -20 $(FUZZ_OUT)/log; exit 1; }
	@grep -E '^(execs_done|execs_per_sec|edges_found|saved_crashes|saved_hangs) ' $(FUZZ_OUT)/default/fuzzer_stats
	@! ls $(FUZZ_OUT)/default/crashes/id:* $(FUZZ_OUT)/default/hangs/id:* 2>/dev/null

# --- dependencies and cleanliness ---------------------------------------------------------------

DEBIAN := gcc clang libclang-rt-14-dev make pkg-config git ca-certificates \
	libssl-dev libpcap-dev liblua5.4-dev lua5.4 libjansson-dev libsqlite3-dev libutf8proc-dev libunbound-dev libldns-dev libseccomp-dev ldnsutils check openssl tshark libxml2-utils python3-jsonschema \
	clang-format cppcheck lua-check afl++ lld llvm \
	iproute2 mandoc man-db socat swaks libnet-ssleay-perl libdigest-hmac-perl msmtp curl mutt libsasl2-modules fetchmail getmail6 python3
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# What ports-proof and bench compare us with; none of it is needed.
deps-peers:
	$(SUDO) apt-get install -y --no-install-recommends testssl.sh sslscan nmap

# Only what is missing is installed, so that a machine that has everything needs neither root nor network.
deps:
	@missing=""; for p in $(DEBIAN); do \
	  dpkg-query -W -f='$${Status}' "$$p" 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -z "$$missing" ]; then echo "deps: everything is installed"; exit 0; fi; \
	echo "deps: $(SUDO) apt-get update"; \
	$(SUDO) apt-get update -qq || exit 1; \
	echo "deps: $(SUDO) apt-get install -y --no-install-recommends$$missing"; \
	echo 'wireshark-common wireshark-common/install-setuid boolean false' | $(SUDO) debconf-set-selections 2>/dev/null; \
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null

C_FILES = $(shell find harness reference-server fuzz -name '*.[ch]')
# Anything new belongs into one of these rooms. Without git nobody knows what is new.
TOP_LEVEL := harness scenarios reference-server fuzz reports Makefile README.md CONTRIBUTING.md LICENSE
top-level:
	@set -e; [ -d .git ] || exit 0; \
	for name in $$(git ls-files --cached --others --exclude-standard | cut -d/ -f1 | sort -u); do \
	  case " $(TOP_LEVEL) " in *" $$name "*) continue ;; esac; \
	  case $$name in .*) continue ;; esac; \
	  echo "$$name: the top level holds $(TOP_LEVEL) and dotfiles"; exit 1; \
	done

lint: top-level
	clang-format --dry-run -Werror $(C_FILES)
	luacheck -q harness/lua scenarios reports
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability --inline-suppr \
	  --suppress=missingIncludeSystem -D_GNU_SOURCE -Iharness -j $(NPROC) harness
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability --inline-suppr \
	  --suppress=missingIncludeSystem -D_GNU_SOURCE -Ireference-server -j $(NPROC) reference-server
	$(MAKE) -j $(NPROC) O=build/clang CC=clang
	$(MAKE) -j $(NPROC) O=build/gcc CC=gcc

format:
	find harness reference-server fuzz -name '*.[ch]' | xargs clang-format -i

-include $(shell find $(O)/obj $(O)/harness $(O)/reference-server $(O)/fuzz -type f -name "*.d" 2>/dev/null)
