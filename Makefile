# The same few commands for everyone and for CI. A first call creates .venv and installs into it.
#
#   make demo      forecast the airline passengers (run folder runs/airline)
#   make test      the tests
#   make check     lint, format, types, import directions
#   make format    put the code into the one format
#   make bench     the airline series at four origins: the numbers of the README
#   make docs      the reference of all public names, in docs/_build
#   make venv      only install what development needs
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
# Both names: newer pips lock a build's own needs by the second alone.
PIP := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	$(BIN)/python -m pip --disable-pip-version-check --no-input --quiet install

.PHONY: demo test check format bench docs venv clean

demo: $(DEMO_READY)
	$(BIN)/rnnkit demo

test: $(DEV_READY)
	$(BIN)/python -m pytest

check: $(DEV_READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV_READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(DEV_READY)
	$(BIN)/python benchmarks/airline.py

docs: $(DEV_READY)
	$(BIN)/pdoc --docformat google --output-directory docs/_build rnnkit
	@echo "docs/_build/index.html"

venv: $(DEV_READY)

clean:
	rm -rf $(VENV) build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

# Torch alone comes from its own index; what it needs is the next step's. The timeout and the one
# retry make an index that cannot be reached cost seconds.
define install
	@echo "Installing into $(VENV); the first time this takes a few minutes."
	@test -z "$(TORCH_INDEX)" || { \
		said=$$($(PIP) --no-deps --index-url "$(TORCH_INDEX)" --retries 1 --timeout 10 torch 2>&1) \
			|| said="failed $$said"; \
		case "$$said" in \
			failed*) echo "No torch from $(TORCH_INDEX): going on with pip's own configuration." ;; \
			*Retrying*) echo "$(TORCH_INDEX) did not answer at first:" \
				"going on with pip's own configuration beside it." ;; \
		esac; \
	}
	@$(PIP) -q --editable '.[$(1)]'
endef

# What development needs includes what the demo needs.
$(DEMO_READY): pyproject.toml constraints.txt | $(BIN)/python
	$(call install,forecast)
	@touch $@

$(DEV_READY): pyproject.toml constraints.txt | $(BIN)/python
	$(call install,dev)
	@touch $(DEMO_READY) $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 10) else \
		"rnnkit needs Python 3.10 or newer, got " + sys.version.split()[0] + ": make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
