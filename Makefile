# mailproof: a conformance suite for mail servers, with a reference server of its own.
#
#   make              build/mailproof and build/mailproofd
#   make deps         install what building and testing needs (Debian packages; sudo where not root)
#   make conformance  every scenario against mailproofd; results in out/latest/
#   make check        unit tests, every scenario against mailproofd, mutants, replay of fuzz findings
#   make mutants      each fault of mailproofd turns the scenarios that name it red, and no others
#   make servers      the scenarios against Dovecot and Postfix from Debian packages (needs root)
#   make bench        driver CPU per scenario, wall time of the whole run
#   make fuzz T=NAME  fuzz one target of fuzz/ with AFL++ (SECONDS=60)
#   make lint         clang-format, cppcheck, luacheck, both compilers with warnings as errors
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

PACKAGES := openssl libpcap lua5.4 jansson sqlite3 libutf8proc
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
else
O ?= build
HARDEN += -D_FORTIFY_SOURCE=2
endif

PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
VERSION := 0.1.0
BASE_CFLAGS = -std=c11 -D_GNU_SOURCE $(OPT) $(HARDEN) $(WARN) $(PKG_CFLAGS) -MMD -MP \
	-DMAILPROOF_VERSION='"$(VERSION)"'
HARNESS_LIBS := $(shell pkg-config --libs openssl libpcap lua5.4 jansson 2>/dev/null) -lm -lpthread
SERVER_LIBS := $(shell pkg-config --libs openssl jansson sqlite3 libutf8proc 2>/dev/null) -lm -lpthread
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
.PHONY: all deps conformance check unit cli mutants servers bench fuzz lint format install clean help

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
		$(O)/libserver.a $(CHECK_LIBS) $(SERVER_LIBS)

# --- proving ------------------------------------------------------------------------------------

# Every scenario against mailproofd; the results are in out/latest/.
conformance: all
	$(O)/mailproof run

unit: $(TESTS)
	@harness/tests/unit.sh $(TESTS)

# The command line against servers that behave badly, and against bad input.
cli: $(O)/mailproof $(O)/harness/tests/odd_server
	@harness/tests/cli.sh $(O)/mailproof $(O)/harness/tests/odd_server

mutants: all
	$(O)/mailproof mutants

check: all $(TESTS) $(O)/harness/tests/odd_server
	@MAKE="$(MAKE)" harness/tests/check.sh unit cli conformance mutants replay

BIN = $(DESTDIR)$(PREFIX)/bin
SHARE = $(DESTDIR)$(PREFIX)/share/mailproof
install: all
	install -d $(BIN) $(SHARE)/harness
	install $(O)/mailproof $(O)/mailproofd $(BIN)
	cp -R harness/lua $(SHARE)/harness/
	cp -R scenarios reports $(SHARE)/

clean:
	rm -rf build

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

# --- dependencies and cleanliness ---------------------------------------------------------------

DEBIAN := gcc clang libclang-rt-14-dev make pkg-config git ca-certificates \
	libssl-dev libpcap-dev liblua5.4-dev lua5.4 libjansson-dev libsqlite3-dev libutf8proc-dev check openssl tshark libxml2-utils python3-jsonschema \
	clang-format cppcheck lua-check afl++ lld llvm
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

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
lint:
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
