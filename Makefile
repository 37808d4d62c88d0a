# Two commands need nothing but Python 3.11+, Node 18+ (for the test chain) and make:
#   make run    sets up and starts lp-hedge      make test   sets up and passes every test

VENV  ?= .venv
UV    ?= uv
# Tried before those on the PATH.
PYTHON ?=
ARGS  ?=
PYTEST_ARGS ?=
# Where `make install` puts it: the program under lib/lp-hedge, a link to it in bin. For all users: PREFIX=/usr/local
PREFIX ?= $(HOME)/.local
override PREFIX := $(abspath $(PREFIX))
DIST   ?= dist
RUNTIME_LOCK ?= requirements.lock

PY    := $(VENV)/bin/python
CHAIN := tests/rigs/chain
PIP   := $(PY) -m pip --disable-pip-version-check install --quiet
SOURCE := bot core storage tests benchmarks
# What the package is built from; the Dockerfile copies the same.
PACKAGE := pyproject.toml README.md LICENSE CHANGELOG.md .env.example bot core storage examples docs
ARCHIVE := $(PACKAGE) MANIFEST.in Makefile Dockerfile compose.yaml .dockerignore requirements.lock requirements-research.lock
VERSION := $(shell sed -n 's/^VERSION = "\(.*\)"$$/\1/p' bot/version.py)
INSTALLED := $(PREFIX)/lib/lp-hedge/$(VERSION)

.DEFAULT_GOAL := help
.PHONY: help setup run research test audit lint format format-check types imports bench bench-replay bench-demeter docs pictures soak soak-orders coverage \
  install uninstall dist lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.runtime ## set up, then start the service; on a fresh machine that is the demo (ARGS="--config hedge.toml")
	@$(VENV)/bin/lp-hedge run $(ARGS)

research: $(VENV)/.runtime ## add what `calibrate` needs, and what makes `backtest` a hundred times faster, from a lock with hashes
	@$(PIP) --require-hashes -r requirements-research.lock

setup: $(VENV)/.dev chain ## everything that tests and checks need, in .venv and tests/rigs/chain

# Run beside the rest, so that two cores take half the time: the random histories, what is worked out more than waited
# for, the short soak, and as much else as makes the halves alike.
BESIDE := tests/execution/test_machine.py tests/amm tests/charts tests/core tests/demo tests/exchange tests/hedging \
  tests/fuzz tests/packaging tests/replay tests/soak tests/storage tests/telegram tests/e2e/test_backtest.py \
  tests/e2e/test_calibrate.py
test: setup ## every test (PYTEST_ARGS="-k telegram")
ifeq ($(strip $(PYTEST_ARGS)),)
	@$(PY) -u -m pytest $(BESIDE) > $(VENV)/beside.log 2>&1 & beside=$$!; \
	$(PY) -m pytest $(BESIDE:%=--ignore=%); others=$$?; \
	wait $$beside; beside=$$?; \
	if test $$beside -eq 0; then tail -n 8 $(VENV)/beside.log; else \
	  tail -n 200 $(VENV)/beside.log; grep -E '^(FAILED|ERROR) ' $(VENV)/beside.log; fi; \
	test $$others -eq 0 && test $$beside -eq 0
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

audit: $(VENV)/.dev ## known weaknesses of what requirements.lock pins; skipped aloud where their database is out of reach
	@VENV=$(VENV) .ci/audit

bench: $(VENV)/.dev ## measure what must be quick, and print it
	@$(PY) -m benchmarks $(ARGS)

bench-replay: $(VENV)/.dev ## measure replay, backtest and calibration over a year of minutes
	@$(PY) -m benchmarks.replay

bench-demeter: $(VENV)/.dev .venv-demeter/.installed ## the same position in Demeter 1.3.0 and here, side by side
	@$(PY) -m benchmarks.demeter

docs: $(VENV)/.dev ## build the pages of docs/ into site/; broken links fail
	@$(PY) -m mkdocs build --strict

pictures: $(VENV)/.dev ## make the pictures in README and docs anew, from what the program says and draws
	@$(PY) -m tests.pictures

soak: setup ## seven simulated days with everything going wrong, an hour and a half (ARGS="--hours 24 --seed 3")
	@$(PY) -m tests.soak $(ARGS)

soak-orders: setup ## the long proofs of the order path: 5,000 random histories, 500 kills; hours
	@LP_HEDGE_SOAK=1 $(PY) -m pytest tests/execution -m slow $(PYTEST_ARGS)

coverage: setup ## every test, with the lines that none of them reached
	@$(PY) -m coverage run -m pytest $(PYTEST_ARGS)
	@$(PY) -m coverage report

# Beside earlier versions, in an environment of its own; the link is changed last, so an interrupted one changes nothing.
install: ## install for use without this folder, under PREFIX (~/.local); again: renews it
	@umask 022; set -e; \
	if [ ! -x $(INSTALLED)/bin/python ]; then $(call new-environment,$(INSTALLED)); fi; \
	pip="$(INSTALLED)/bin/python -m pip --disable-pip-version-check install --quiet"; \
	$$pip --require-hashes -r $(RUNTIME_LOCK); \
	sources=$$(mktemp -d); trap 'rm -rf $$sources' EXIT; cp -R $(PACKAGE) $$sources; \
	$$pip --no-deps --no-build-isolation $$sources; \
	mkdir -p $(PREFIX)/bin; ln -sfn $(INSTALLED)/bin/lp-hedge $(PREFIX)/bin/lp-hedge; \
	echo "$$($(PREFIX)/bin/lp-hedge --version) is installed as $(PREFIX)/bin/lp-hedge"

uninstall: ## remove what install put under PREFIX; configuration and databases stay
	@set -e; if [ ! -d $(PREFIX)/lib/lp-hedge ]; then echo "Nothing of lp-hedge is under $(PREFIX)."; exit; fi; \
	case "$$(readlink $(PREFIX)/bin/lp-hedge)" in $(PREFIX)/lib/lp-hedge/*) rm $(PREFIX)/bin/lp-hedge;; esac; \
	rm -rf $(PREFIX)/lib/lp-hedge; \
	rmdir $(PREFIX)/bin $(PREFIX)/lib 2>/dev/null || true; \
	echo "lp-hedge is removed from $(PREFIX); configuration and databases are where they were."

dist: $(VENV)/.dev ## wheel and source archive, in dist/
	@set -e; sources=$$(mktemp -d); trap 'rm -rf $$sources' EXIT; cp -R $(ARCHIVE) $$sources; mkdir -p $(DIST); \
	here=$$(pwd); cd $$sources; \
	$(abspath $(PY)) -W ignore -c 'import logging; logging.disable(logging.WARNING); from setuptools import build_meta as b; b.build_sdist("out"); b.build_wheel("out")' >/dev/null; \
	cd "$$here"; cp $$sources/out/* $(DIST); ls $(DIST)

# uv is wanted only here: https://docs.astral.sh/uv/
LOCK := $(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --universal --python-version 3.11
lock: ## renew the lock files from pyproject.toml
	$(LOCK) --extra dev --extra research --extra cluster pyproject.toml -o requirements-dev.lock
	$(LOCK) --extra build -c requirements-dev.lock pyproject.toml -o requirements.lock
	$(LOCK) --extra build --extra research -c requirements-dev.lock pyproject.toml -o requirements-research.lock

clean: ## remove what setup and tests made; data/ stays
	rm -rf $(VENV) .venv-demeter $(CHAIN)/node_modules build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage site

# -- set-up: each stamp is renewed when its lock changes --------------------------------------------------

$(PY):
	@$(call new-environment,$(VENV))

define new-environment
python=; for name in $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3; do \
	  if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo "lp-hedge needs Python 3.11 or newer on the PATH." >&2; exit 1; fi; \
	echo "Setting up $(1) with $$($$python --version)"; \
	$$python -m venv $(1)
endef

$(VENV)/.runtime: requirements.lock pyproject.toml | $(PY)
	@$(PIP) --require-hashes -r requirements.lock
	@PYTHONWARNINGS=ignore $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(PY)
	@$(PIP) --require-hashes -r requirements-dev.lock
	@PYTHONWARNINGS=ignore $(PIP) --no-deps --no-build-isolation --editable .
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
