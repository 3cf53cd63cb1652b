# `make demo` and `make test` do all of their own set-up, and nothing twice: stamp files in .venv remember.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Cheapest first, and pytest's summary last, whatever -j says.
.NOTPARALLEL:
.PHONY: help demo test lint unit engine-tests bench bench-mixture soak abuse-table defences setup lock clean

help: ## these lines
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: setup ## a real bug, found, fixed, verified; no key, no network
	@$(BIN)/moa-code demo

test: lint unit engine-tests ## everything: lint, types, import contract, unit tests, then what needs the engine

lint: $(VENV)/.stamp-ready ## ruff, mypy, the import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(VENV)/.stamp-ready ## tests that need neither engine, network nor key
	$(BIN)/python -m pytest -q -m "not docker and not bwrap"

engine-tests: setup ## tests that need the engine, the image or bubblewrap
	@$(BIN)/python -m moa_code.provision bubblewrap || echo "the tests of the bubblewrap backend will say that they skip"
	$(BIN)/python -m pytest -q -m "docker or bwrap"

bench: setup bench-mixture ## measured figures, as ratios: the verifier, then the mixture
	@$(BIN)/python tests/benchmarks/speed.py

bench-mixture: setup ## policies on recorded answers (MOA_CODE_DATA names the data), latency against a local server
	@if [ -n "$${MOA_CODE_DATA:-}" ]; then $(BIN)/python tests/benchmarks/pool.py; \
	    else echo "policies on recorded answers: skipped, MOA_CODE_DATA names no folder of data sets"; fi
	@$(BIN)/python tests/benchmarks/latency.py

soak: setup ## ten thousand candidates through one verifier: is its memory flat?
	@$(BIN)/python tests/benchmarks/soak.py

abuse-table: setup ## every attack of the catalogue on every backend; writes docs/abuse.md
	@$(BIN)/python tests/abuse/table.py

defences: setup ## each defence off in turn: which attacks notice? writes docs/defences.md
	@$(BIN)/python tests/abuse/defences_run.py

setup: $(VENV)/.stamp-ready ## the engine and the sandbox image
	@$(BIN)/moa-code setup --install-engine

lock: ## write constraints.txt and sandbox/requirements.txt anew (needs uv and network)
	@.ci/lock

clean: ## everything that make made, but for the sandbox image
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.stamp-python:
	@PYTHON="$(PYTHON)" .ci/prepare "$(VENV)"
	@touch $@

$(VENV)/.stamp-locked: $(VENV)/.stamp-python constraints.txt
	@echo "installing the pinned packages (constraints.txt) into $(VENV)"
	@PYTHONUNBUFFERED=1 $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --require-hashes \
	    -r constraints.txt | sed -unE 's/^(Collecting|Installing) ([^ ]+).*/  \L\1\E \2/p' \
	    || { echo "moa-code: pip could not install the packages that constraints.txt pins (its reason is above)"; \
	         echo "  try: check the network and pip's settings ($(BIN)/python -m pip config list), then make again"; exit 3; } >&2
	@touch $@

$(VENV)/.stamp-ready: $(VENV)/.stamp-locked pyproject.toml setup.py
	@echo "installing moa-code into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
