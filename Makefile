# Two commands need nothing but Python 3.11+, Node 18+ (for the test chain) and make:
#   make run    sets up and starts lp-hedge      make test   sets up and passes every test

VENV  ?= .venv
UV    ?= uv
ARGS  ?=
PYTEST_ARGS ?=

PY    := $(VENV)/bin/python
CHAIN := tests/rigs/chain
PIP   := $(PY) -m pip --disable-pip-version-check install --quiet
SOURCE := bot core storage tests benchmarks

.DEFAULT_GOAL := help
.PHONY: help setup run test lint format format-check types imports bench bench-replay bench-demeter pictures soak soak-orders coverage lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.runtime ## set up, then start the service; on a fresh machine that is the demo (ARGS="--config hedge.toml")
	@$(VENV)/bin/lp-hedge run $(ARGS)

setup: $(VENV)/.dev chain ## everything that tests and checks need, in .venv and tests/rigs/chain

# The random histories, and what is worked out more than waited for, run beside the rest: two cores, half the time.
WORKED_OUT := tests/execution/test_machine.py tests/amm tests/charts tests/core tests/demo tests/exchange tests/hedging \
  tests/replay tests/storage tests/e2e/test_backtest.py tests/e2e/test_calibrate.py
test: setup ## every test (PYTEST_ARGS="-k telegram")
ifeq ($(strip $(PYTEST_ARGS)),)
	@$(PY) -u -m pytest $(WORKED_OUT) > $(VENV)/worked_out.log 2>&1 & worked_out=$$!; \
	$(PY) -m pytest $(WORKED_OUT:%=--ignore=%); others=$$?; \
	wait $$worked_out; worked_out=$$?; \
	if test $$worked_out -eq 0; then tail -n 8 $(VENV)/worked_out.log; else \
	  tail -n 200 $(VENV)/worked_out.log; grep -E '^(FAILED|ERROR) ' $(VENV)/worked_out.log; fi; \
	test $$others -eq 0 && test $$worked_out -eq 0
else
	@$(PY) -m pytest $(PYTEST_ARGS)
endif

lint: $(VENV)/.dev format-check types imports ## style, formatting, types, import contracts
	@$(PY) -m ruff check $(SOURCE)

format: $(VENV)/.dev ## rewrite the source in the house format
	@$(PY) -m ruff format --quiet $(SOURCE)
	@$(PY) -m ruff check --quiet --fix $(SOURCE)

format-check: $(VENV)/.dev
	@$(PY) -m ruff format --check $(SOURCE)

types: $(VENV)/.dev
	@$(PY) -m mypy

imports: $(VENV)/.dev
	@$(VENV)/bin/lint-imports

bench: $(VENV)/.dev ## measure what must be quick, and print it
	@$(PY) -m benchmarks $(ARGS)

bench-replay: $(VENV)/.dev ## measure replay, backtest and calibration over a year of minutes
	@$(PY) -m benchmarks.replay

bench-demeter: $(VENV)/.dev .venv-demeter/.installed ## the same position in Demeter 1.3.0 and here, side by side
	@$(PY) -m benchmarks.demeter

pictures: $(VENV)/.dev ## make the pictures in README and docs anew, from what the program says and draws
	@$(PY) -m tests.pictures

soak: setup ## seven simulated days with everything going wrong, an hour and a half (ARGS="--hours 24 --seed 3")
	@$(PY) -m tests.soak $(ARGS)

soak-orders: setup ## the long proofs of the order path: 5,000 random histories, 500 kills; hours
	@LP_HEDGE_SOAK=1 $(PY) -m pytest tests/execution -m slow $(PYTEST_ARGS)

coverage: setup ## every test, with the lines that none of them reached
	@$(PY) -m coverage run -m pytest $(PYTEST_ARGS)
	@$(PY) -m coverage report

# uv is wanted only here: https://docs.astral.sh/uv/
LOCK := $(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --universal --python-version 3.11
lock: ## renew both lock files from pyproject.toml
	$(LOCK) --extra dev --extra research --extra cluster pyproject.toml -o requirements-dev.lock
	$(LOCK) --extra build -c requirements-dev.lock pyproject.toml -o requirements.lock

clean: ## remove what setup and tests made; data/ stays
	rm -rf $(VENV) .venv-demeter $(CHAIN)/node_modules build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage

# -- set-up: each stamp is renewed when its lock changes --------------------------------------------------

$(PY):
	@python=; for name in python3.11 python3.12 python3.13 python3.14 python3; do \
	  if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo "lp-hedge needs Python 3.11 or newer on the PATH." >&2; exit 1; fi; \
	echo "Setting up $(VENV) with $$($$python --version)"; \
	$$python -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(PY)
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(PY)
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.runtime

.venv-demeter/.installed: benchmarks/demeter/requirements.txt | $(PY)
	@$(PY) -m venv --clear .venv-demeter
	@.venv-demeter/bin/python -m pip --disable-pip-version-check install --quiet -r $<
	@touch $@

.PHONY: chain
ifneq ($(wildcard $(CHAIN)/package-lock.json),)
chain: $(CHAIN)/node_modules/.package-lock.json

$(CHAIN)/node_modules/.package-lock.json: $(CHAIN)/package-lock.json
	@if command -v npm >/dev/null 2>&1; then \
	  echo "Setting up the test chain with Node $$(node --version)"; \
	  npm ci --prefix $(CHAIN) --loglevel=error --no-audit --no-fund && touch $@; \
	else \
	  echo "No npm on the PATH: the tests against the real chain will fail until Node 18 or newer is there."; \
	fi
else
chain:
endif
