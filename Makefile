# Every target sets up what it needs, once: a virtual environment in .venv with the package, and its dev tools where they
# are used.
PYTHON ?= python3
BIN := .venv/bin
# Threads that wait sleep: see birdsat/cli/main.py.
export OMP_WAIT_POLICY ?= PASSIVE
# Tests run on every core; those of a file stay in one process, where what they share is made once.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile
# A machine without an NVIDIA GPU takes PyTorch's CPU build and the rest of the tested set.
CONSTRAINTS := $(shell command -v nvidia-smi >/dev/null 2>&1 || echo "-c constraints.txt")
# Bytecode is made as modules are first imported; where Python is told to keep none, each start would compile all anew.
COMPILE := $(if $(PYTHONDONTWRITEBYTECODE),--compile,--no-compile)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(COMPILE) $(CONSTRAINTS)

.PHONY: help setup demo explore test test-slow check format benchmarks page page-use clean
help:
	@echo "make demo        learn from a virtual world, then classify, retrieve and map: runs/demo/report.html"
	@echo "make explore     open the explorer in the browser, with an example; drop your own records on it"
	@echo "make test        the tests (set up included)"
	@echo "make check       format, lint, types, layers and tests"
	@echo "make test-slow   the tests that take minutes; every view of the page in a browser"
	@echo "make benchmarks  the benchmarks in full"
	@echo "make page        the explorer's page from web/ (Node 18.18 or newer)"
	@echo "make page-use    the page used in Chromium: every view, both sizes, light and dark"

# The stamps are newer than what decides the environment, or the environment is made (again). Without tools for
# development, and without bytecode of what may never be imported, it is there in a third of the time.
.venv/.package: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) -e ".[explorer]"
	@touch $@

.venv/.ready: .venv/.package
	$(PIP) -e ".[dev]"
	@touch $@

setup: .venv/.ready

demo: .venv/.package
	$(BIN)/birdsat demo

explore: .venv/.package
	$(BIN)/birdsat explore

test: setup
	$(PYTEST)

test-slow: setup
	$(PYTEST) -m slow
	@if command -v npm >/dev/null; then $(MAKE) page-use; else echo "The page is not used in a browser: there is no npm here."; fi

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST)

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmarks: setup
	$(BIN)/python benchmarks/loader.py
	$(BIN)/python benchmarks/contrast_passes.py
	$(BIN)/python benchmarks/retrieval.py
	$(BIN)/python benchmarks/fit.py
	$(BIN)/python benchmarks/effort.py
	$(BIN)/python benchmarks/noise.py
	$(BIN)/python benchmarks/intervals.py
	$(BIN)/python benchmarks/areas.py
	$(BIN)/python benchmarks/maps.py
	$(BIN)/python benchmarks/identify.py
	$(BIN)/python benchmarks/regional.py
	$(BIN)/python benchmarks/records.py
	$(BIN)/python benchmarks/pretrain_step.py
	$(BIN)/python benchmarks/optimiser.py
	$(BIN)/python benchmarks/explorer.py --fit

# The page is committed, so that nobody needs Node to use it: web/README.md.
page:
	cd web && npm ci --no-audit --no-fund && npm test && npm run build

page-use: page
	cd web && ALL_VIEWS=1 npm run use

clean:
	rm -rf .venv runs .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
