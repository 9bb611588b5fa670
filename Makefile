# The Para auth gateway for nginx.  The two commands of a newcomer:
#
#   make demo   installs what is needed, builds, and shows the gateway at work
#   make test   installs what is needed, builds, and runs all tests
#
# Those install with apt-get and therefore want root; "make" alone only builds.

SHELL := /bin/bash

MODULE   := build/ngx_http_para_auth_module.so
MODULES  := $(shell nginx -V 2>&1 | sed -n 's/.*--modules-path=\([^ ]*\).*/\1/p')

CORE     := $(wildcard src/core/*.c)
# Where the unit tests are built, and with what: valgrind and coverage say else

UNIT_DIR := build/unit
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all

UNIT     := $(patsubst t/unit/%.c,$(UNIT_DIR)/%,$(wildcard t/unit/test_*.c))
VECTORS  := $(patsubst t/vectors/%.c,$(UNIT_DIR)/vectors/%,\
              $(wildcard t/vectors/test_*.c))
FUZZ     := $(patsubst t/fuzz/fuzz_%.c,%,$(wildcard t/fuzz/fuzz_*.c))
REPLAY   := $(addprefix $(UNIT_DIR)/fuzz/,$(FUZZ))
HELPERS  := $(filter-out $(wildcard t/unit/test_*.c),$(wildcard t/unit/*.c))
HEADERS  := $(wildcard src/core/*.h t/unit/*.h)

UNIT_CFLAGS  = -std=c11 -g -O1 -Wall -Wextra -Werror -Wshadow $(SANITIZE)
UNIT_LIBS   := -lcmocka -ljansson -lssl -lcrypto

.PHONY: all build install demo demo-serve test check unit test-vectors suites asan \
    valgrind valgrind-run coverage coverage-run \
    fuzz fuzz-build fuzz-smoke replay bench mutants soak clean

all: build

build:
	@scripts/build

install: build
	install -D -m 0644 $(MODULE) $(DESTDIR)$(MODULES)/$(notdir $(MODULE))

demo:
	@scripts/install-deps demo
	@scripts/build
	@demo/run

demo-serve:
	@scripts/install-deps demo
	@scripts/build
	@demo/run --serve

# TAP from the unit tests too, so that one line at the end counts everything

test:
	@scripts/install-deps test
	@$(MAKE) --no-print-directory check

check: build $(UNIT) $(VECTORS) replay fuzz-smoke
	CMOCKA_MESSAGE_OUTPUT=TAP prove -j 2 --timer $(UNIT) $(VECTORS) t/*.t

unit: $(UNIT)
	CMOCKA_MESSAGE_OUTPUT=TAP prove -j 2 $(UNIT)

suites: build
	prove -j 2 --timer t/*.t

# Other projects' vectors, from ../shared/vectors or $PARA_TEST_VECTORS; where
# they are absent the runners skip.  The counts are in their output.

test-vectors: $(VECTORS)
	prove -v $(VECTORS)

$(UNIT_DIR)/core.a: $(CORE) $(HELPERS) $(HEADERS)
	@rm -rf $(UNIT_DIR)/obj
	@mkdir -p $(UNIT_DIR)/obj
	cd $(UNIT_DIR)/obj && $(CC) $(UNIT_CFLAGS) -I$(CURDIR)/src/core \
	    -c $(addprefix $(CURDIR)/,$(CORE) $(HELPERS))
	rm -f $@
	ar rcs $@ $(UNIT_DIR)/obj/*.o

$(UNIT_DIR)/test_alloc: \
    UNIT_LDFLAGS := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc

$(UNIT_DIR)/%: t/unit/%.c $(UNIT_DIR)/core.a
	$(CC) $(UNIT_CFLAGS) -Isrc/core -It/unit -o $@ $^ $(UNIT_LDFLAGS) $(UNIT_LIBS)

$(UNIT_DIR)/vectors/%: t/vectors/%.c t/vectors/vectors.c t/vectors/vectors.h \
    $(UNIT_DIR)/core.a
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -D_POSIX_C_SOURCE=200809L -Isrc/core -o $@ \
	    $(filter-out %.h,$^) $(UNIT_LIBS)

# Fuzzing: SECONDS for each target in turn (60), what is found is kept in
# build/fuzz/found

FUZZ_SECONDS := $(if $(filter command line environment,$(origin SECONDS)),$(SECONDS),60)
CLANG        := $(firstword $(shell command -v clang clang-14 2>/dev/null))

fuzz: fuzz-build
	@scripts/fuzz $(FUZZ_SECONDS) $(FUZZ)

fuzz-build: $(addprefix build/fuzz/,$(FUZZ))

fuzz-smoke:
	@if echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' \
	    | $(CLANG) -x c -fsanitize=fuzzer,address -o /dev/null - 2> /dev/null; \
	then $(MAKE) --no-print-directory fuzz SECONDS=8; \
	else echo "no clang with libFuzzer: the targets are only replayed"; fi

FUZZ_CFLAGS := -std=c11 -g -O1 -Wall -Wextra -fno-sanitize-recover=all

build/fuzz/core.a: $(CORE) $(HEADERS)
	@rm -rf build/fuzz/obj
	@mkdir -p build/fuzz/obj
	cd build/fuzz/obj && $(CLANG) $(FUZZ_CFLAGS) -c $(addprefix $(CURDIR)/,$(CORE)) \
	    -fsanitize=fuzzer-no-link,address,undefined
	rm -f $@
	ar rcs $@ build/fuzz/obj/*.o

build/fuzz/%: t/fuzz/fuzz_%.c t/fuzz/fuzz.h build/fuzz/core.a
	$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer,address,undefined -Isrc/core \
	    -o $@ $< build/fuzz/core.a -ljansson -lssl -lcrypto

# The same targets with the compiler at hand: only the seeds

replay: $(REPLAY)
	@for target in $(FUZZ); do \
	    $(UNIT_DIR)/fuzz/$$target t/fuzz/corpus/$$target/* > /dev/null \
	    || { echo "not ok: fuzz target $$target, its corpus"; exit 1; }; \
	done

$(UNIT_DIR)/fuzz/%: t/fuzz/fuzz_%.c t/fuzz/replay.c t/fuzz/fuzz.h \
    $(UNIT_DIR)/core.a
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -Isrc/core -o $@ $(filter-out %.h,$^) $(UNIT_LIBS)

# All suites against nginx and module with AddressSanitizer; takes a while

asan:
	@scripts/install-deps test
	@scripts/asan

# The unit tests once more: under valgrind, and to count what they reach

valgrind:
	@$(MAKE) --no-print-directory UNIT_DIR=build/valgrind SANITIZE= valgrind-run

valgrind-run: $(UNIT) $(VECTORS)
	@export PARA_ALLOC_STEP=7 PARA_TEST_RUNS=2000; for program in $^; do \
	    valgrind --quiet --error-exitcode=9 --leak-check=full \
	        --show-leak-kinds=definite,indirect,possible \
	        --errors-for-leak-kinds=definite,indirect,possible \
	        $$program > $$program.log 2>&1 \
	    && echo "ok $$program" \
	    || { cat $$program.log; echo "not ok $$program"; exit 1; }; \
	done

coverage:
	@$(MAKE) --no-print-directory UNIT_DIR=build/coverage \
	    SANITIZE="-O0 --coverage" coverage-run

coverage-run: $(UNIT) $(VECTORS)
	@rm -f $(UNIT_DIR)/obj/*.gcda
	@CMOCKA_MESSAGE_OUTPUT=TAP prove -Q $^
	@scripts/coverage $(UNIT_DIR)/obj 97 92

# Verifiers with one check taken out each, and whether a test notices: hours

mutants:
	@scripts/install-deps test
	@t/mutants/run

# REQUESTS of mixed users (a million) while sessions end, keys change, nginx
# reloads and workers die; fails if anybody was somebody else

REQUESTS ?= 1000000

soak: build build/soak/soak
	t/soak/run --requests $(REQUESTS)

build/soak/soak: t/soak/soak.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wshadow -o $@ $<

# What verifying costs beside OpenSSL alone, and instructions per request

bench: build
	@mkdir -p build/bench
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Isrc/core -It/unit \
	    -o build/bench/verify bench/verify.c $(HELPERS) $(CORE) $(UNIT_LIBS)
	build/bench/verify
	bench/instructions

clean:
	rm -rf build
