# Two commands for a stranger: `make demo`, `make test`. Everything lives in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

$(VENV)/.demo: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.dev: $(VENV)/.demo
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

.PHONY: demo test lint bench clean
demo: $(VENV)/.demo  ## the fictitious territory, then the address of its map
	$(BIN)/friches demo

test: $(VENV)/.dev  ## the whole suite
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

lint: $(VENV)/.dev  ## style, types, and the one way of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev  ## found against truth on fictitious land; the engine beside its peers
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks.truth
	$(BIN)/python -m benchmarks.engine

clean:
	rm -rf $(VENV) maps
