# Needs Python 3.11+ with its venv module, and make. Everything else lands in .venv, at the versions that were tested.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUN    := $(VENV)/.run-installed
DEV    := $(VENV)/.dev-installed
BENCH  := $(VENV)/.bench-installed

.DEFAULT_GOAL := help
.PHONY: help run test check bench docs screenshots snapshots format lock clean

help:  ## list what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 13

run: $(RUN)  ## open the desk on the paper venue
	@$(BIN)/lighter-tui --profile paper

test: $(DEV)  ## run the tests
	@$(BIN)/python -m pytest

check: $(DEV)  ## linters, formats, import contracts, types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

bench: $(DEV) $(BENCH)  ## measure, print one table, write bench/out/bench.json
	@$(BIN)/python -m bench

docs: $(DEV)  ## write the table of keys into README.md, and docs/controls.md
	@$(BIN)/python -m tools.readme
	@$(BIN)/python -m tools.controls

screenshots: $(DEV)  ## take the pictures of docs/screenshots, on the paper venue
	@$(BIN)/python -m tools.screenshots

snapshots: $(DEV)  ## accept what every screen looks like now; look at the difference first
	@$(BIN)/python -m pytest -q tests/tui/test_snapshots.py --snapshot-update

format: $(DEV)  ## let ruff format and fix what it can
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

lock: $(VENV)/.created  ## refresh requirements/*.lock from pyproject.toml
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml -o requirements/run.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--extra dev -c requirements/run.lock pyproject.toml -o requirements/dev.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--extra bench -c requirements/dev.lock pyproject.toml -o requirements/bench.lock

clean:  ## remove the virtual environment and every cache
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist bench/out

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "lighter-tui needs Python 3.11 or newer, and '$(PYTHON)' is older; try: make PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(RUN): $(VENV)/.created pyproject.toml requirements/run.lock
	@echo "setting up $(VENV) (once)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/run.lock
	@$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(DEV): $(VENV)/.created pyproject.toml requirements/dev.lock
	@echo "setting up $(VENV) with the development tools (once)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@ $(RUN)

# A peer to measure against, not needed for anything else: where it cannot be installed the bench says so and goes on.
$(BENCH): $(DEV) requirements/bench.lock
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/bench.lock \
		|| echo "a peer of the bench cannot be installed here; it will be named in the table" >&2
	@touch $@
