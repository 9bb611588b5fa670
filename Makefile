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
UNIT     := $(patsubst t/unit/%.c,build/unit/%,$(wildcard t/unit/test_*.c))
HELPERS  := $(filter-out $(wildcard t/unit/test_*.c),$(wildcard t/unit/*.c))
HEADERS  := $(wildcard src/core/*.h t/unit/*.h)

UNIT_CFLAGS := -std=c11 -g -O1 -Wall -Wextra -Werror -Wshadow \
               -fsanitize=address,undefined -fno-sanitize-recover=all
UNIT_LIBS   := -lcmocka -ljansson -lcrypto

.PHONY: all build install demo demo-serve test check unit suites asan bench clean

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

check: build $(UNIT)
	CMOCKA_MESSAGE_OUTPUT=TAP prove -j 2 --timer $(UNIT) t/*.t

unit: $(UNIT)
	CMOCKA_MESSAGE_OUTPUT=TAP prove -j 2 $(UNIT)

suites: build
	prove -j 2 --timer t/*.t

build/unit/core.a: $(CORE) $(HELPERS) $(HEADERS)
	@rm -rf build/unit/obj
	@mkdir -p build/unit/obj
	cd build/unit/obj && $(CC) $(UNIT_CFLAGS) -I../../../src/core \
	    -c $(addprefix ../../../,$(CORE) $(HELPERS))
	rm -f $@
	ar rcs $@ build/unit/obj/*.o

build/unit/%: t/unit/%.c build/unit/core.a
	$(CC) $(UNIT_CFLAGS) -Isrc/core -It/unit -o $@ $^ $(UNIT_LIBS)

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
