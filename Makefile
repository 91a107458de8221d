# ttrec: `make` lists what can be made.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
TORCH  ?= torch
VENV   := .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test format lint types check clean

help: ## list these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo: $(VENV)/installed ## train the quickstart sweep (2 minutes, synthetic data) and draw its frontier
	$(BIN)/ttrec sweep sweeps/quickstart.yaml
	$(BIN)/ttrec pareto results/quickstart

test: $(VENV)/installed-tools check types ## every check: format, lint, types, tests
	$(BIN)/pytest

format: $(VENV)/installed-tools ## rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: $(VENV)/installed-tools ## format and lint, changing nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/installed-tools ## the strict type checker
	$(BIN)/mypy

clean: ## remove the environment, not the results
	rm -rf $(VENV)

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "ttrec needs Python 3.11 or newer; run: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/pip install --quiet '$(TORCH)'
	$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/installed-tools: $(VENV)/installed
	$(BIN)/pip install --quiet --group test --group lint
	@touch $@
