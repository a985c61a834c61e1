# Thin: every target is a script that works without make.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -ec

.PHONY: build run logs test test-enumeration test-validation test-scanner sandbox-up bench fmt check

build:
	tools/setup build
	tools/build release -D SIPWARD_BUILD_BENCH=OFF

run:
	mkdir -p build
	tools/run 2>&1 | tee -i build/run.log

logs:
	@test -f build/run.log || { echo "nothing has run yet: make run" >&2; exit 1; }
	tail -n 100 -F build/run.log

test:
	tools/test

test-scanner:
	tools/test scanner

test-validation:
	tools/test malformed

test-enumeration:
	tools/test enumeration

# No containers: the sandbox is local processes, and test-scanner brings its own namespaces and takes them away.
sandbox-up: build
	tools/setup test
	@echo "ready: make run starts a guarded stand-in PBX, make test-scanner attacks a Kamailio in namespaces"

bench:
	tools/setup test
	tools/build dev
	tools/bench/all --build build/dev

fmt:
	git ls-files -z -- '*.cpp' '*.hpp' '*.c' | xargs -0 -r clang-format -i

check:
	tools/check
