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
HELPERS  := $(filter-out $(wildcard t/unit/test_*.c),$(wildcard t/unit/*.c))
HEADERS  := $(wildcard src/core/*.h t/unit/*.h)

UNIT_CFLAGS  = -std=c11 -g -O1 -Wall -Wextra -Werror -Wshadow $(SANITIZE)
UNIT_LIBS   := -lcmocka -ljansson -lcrypto

.PHONY: all build install demo demo-serve test check unit test-vectors suites asan bench clean

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

check: build $(UNIT) $(VECTORS)
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

# All suites against nginx and module with AddressSanitizer; takes a while

asan:
	@scripts/install-deps test
	@scripts/asan

# What verifying costs beside OpenSSL alone, and instructions per request

bench: build
	@mkdir -p build/bench
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Isrc/core -It/unit \
	    -o build/bench/verify bench/verify.c $(HELPERS) $(CORE) $(UNIT_LIBS)
	build/bench/verify
	bench/instructions

clean:
	rm -rf build
