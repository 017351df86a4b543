# The same few commands for everyone and for CI. A first call creates .venv and installs into it.
#
#   make demo      forecast the airline passengers (run folder runs/airline)
#   make test      the tests
#   make check     lint, format, types, import directions
#   make format    put the code into the one format
#   make bench     the recurrent kernels beside their peers, in benchmarks/results; takes hours
#   make bench-airline   the airline series at four origins: the numbers of the README
#   make docs      the reference of all public names, in docs/_build
#   make venv      only install what development needs
#   make native    compile what has changed in csrc/; test and bench do so by themselves
#   make check-native   the tests of the kernels under AddressSanitizer and UBSan
#   make wheel     a wheel for this Python and machine, in dist
#   make clean     remove .venv and what the other commands left behind; runs/ stays
#
# PYTHON       the Python (3.10 or newer) that .venv is made with
# TORCH_INDEX  where torch comes from first; empty for pip's own default, which on Linux is a build
#              of several gigabytes for NVIDIA's GPUs

PYTHON ?= python3
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

VENV := .venv
BIN := $(VENV)/bin
DEMO_READY := $(VENV)/demo-ready
DEV_READY := $(VENV)/dev-ready
BENCH_READY := $(VENV)/bench-ready
NATIVE_READY := $(VENV)/native-ready
# Both names: newer pips lock a build's own needs by the second alone.
PIP := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	$(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
# What the module rnnkit._native is compiled from, and the folder where that goes on.
NATIVE := pyproject.toml CMakeLists.txt $(wildcard csrc/*)
BUILD := build/native
SANITIZED := build/sanitized
SITE := $(abspath $(VENV))/lib/python*/site-packages
ABSENT := $(SITE)/rnnkit/native_absent.txt

.PHONY: demo test check format bench bench-airline docs venv native check-native wheel clean

demo: $(DEMO_READY)
	$(BIN)/rnnkit demo

test: $(NATIVE_READY)
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

check: $(DEV_READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV_READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(BENCH_READY) $(NATIVE_READY)
	$(BIN)/python -m benchmarks.kernels --suite tutorial grid extras neighbour memory

bench-airline: $(NATIVE_READY)
	$(BIN)/python benchmarks/airline.py

docs: $(DEV_READY)
	$(BIN)/pdoc --docformat google --output-directory docs/_build rnnkit
	@echo "docs/_build/index.html"

venv: $(DEV_READY)

native: $(NATIVE_READY)

# Python was built without the sanitizers and must load them first; it leaks on purpose. What they
# find ends it, so that pytest would lose what it had captured.
check-native: $(NATIVE_READY)
	RNNKIT_REQUIRE_NATIVE=1 $(BIN)/cmake -S . -B $(SANITIZED) -G Ninja \
		-DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja -DPython_EXECUTABLE=$(abspath $(BIN))/python \
		-Dnanobind_DIR="$$($(BIN)/python -m nanobind --cmake_dir)" \
		-DRNNKIT_SANITIZE=ON -DRNNKIT_WERROR=ON
	$(BIN)/cmake --build $(SANITIZED)
	env "$$(cat $(SANITIZED)/preload)" ASAN_OPTIONS=detect_leaks=0 \
		UBSAN_OPTIONS=print_stacktrace=1 RNNKIT_NATIVE=$(SANITIZED) \
		$(BIN)/python -m pytest --capture=no tests/native

wheel: $(DEV_READY)
	$(PIP) wheel --no-build-isolation --no-deps --wheel-dir dist .
	@ls dist/*.whl

clean:
	rm -rf $(VENV) build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

# Torch alone comes from its own index; what it needs is the next step's. The timeout and the one
# retry make an index that cannot be reached cost seconds.
define install
	@echo "Installing into $(VENV); the first time this takes a few minutes."
	@test -z "$(TORCH_INDEX)" || { \
		said=$$($(PIP) install --no-deps --index-url "$(TORCH_INDEX)" --retries 1 --timeout 10 torch 2>&1) \
			|| said="failed $$said"; \
		case "$$said" in \
			failed*) echo "No torch from $(TORCH_INDEX): going on with pip's own configuration." ;; \
			*Retrying*) echo "$(TORCH_INDEX) did not answer at first:" \
				"going on with pip's own configuration beside it." ;; \
		esac; \
	}
	@$(2) $(PIP) -q install $(3) --editable '.[$(1)]'
	@cat $(ABSENT) 2>/dev/null | sed 's/^/rnnkit is installed without native kernels: /'
endef

# What development needs includes what the demo needs.
$(DEMO_READY): $(NATIVE) constraints.txt | $(BIN)/python
	$(call install,forecast)
	@touch $@

# Compiled with the tools in .venv, rather than with others in a folder that is gone afterwards, so
# that what has not changed need not be compiled again.
$(DEV_READY): pyproject.toml constraints.txt | $(BIN)/python
	@$(PIP) -q install cmake nanobind ninja scikit-build-core
	$(call install,dev,SKBUILD_BUILD_DIR=$(BUILD),--no-build-isolation)
	@touch $(DEMO_READY) $@
	@test -e $(ABSENT) || touch $(NATIVE_READY)

$(BENCH_READY): pyproject.toml constraints.txt | $(NATIVE_READY)
	$(call install,bench,SKBUILD_BUILD_DIR=$(BUILD),--no-build-isolation)
	@touch $@

# Where there is no compiler, the next call looks for one again.
$(NATIVE_READY): $(NATIVE) | $(DEV_READY)
	$(BIN)/cmake --log-level=WARNING $(BUILD)
	$(BIN)/cmake --build $(BUILD)
	@rm -f $(ABSENT)
	$(BIN)/cmake --install $(BUILD) --prefix $(SITE)
	@touch $(DEMO_READY)
	@test -e $(ABSENT) || touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 10) else \
		"rnnkit needs Python 3.10 or newer, got " + sys.version.split()[0] + ": make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
