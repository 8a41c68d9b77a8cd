# make demo, make test and make lint each do all the set-up; PYTHON chooses the interpreter (3.11 or later).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO ?= demo
WORKERS ?= 2

.PHONY: demo test lint format clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    simulate, train, compare with the classical method, write $(DEMO)/report.html"
	@echo "make test    style, types, tests"
	@echo "make lint    style and types"
	@echo "make format  rewrite the sources in the project's style"

KERNELS := setup.py $(shell find src -name "*.cpp" -o -name "*.h")

$(STAMP): pyproject.toml $(KERNELS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "NuForge needs Python 3.11 or later, $(PYTHON) is older; choose one with: make PYTHON=python3.12 ..." >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: $(STAMP)
	$(BIN)/nuforge run lartpc-segmentation --quick --workers $(WORKERS) --out $(DEMO)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Shapes and types of the rooms of numbers are checked while the tests run.
comma := ,
empty :=
CHECKED := units shapes events physics detectors simulation metrics nn reconstruction models tasks
CHECKS := $(subst $(empty) $(empty),$(comma),$(CHECKED:%=nuforge.%)),typechecker.check

# One torch thread in each of the two test processes: more only compete.
test: lint
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --jaxtyping-packages=$(CHECKS)

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
