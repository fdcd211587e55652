# Two commands do everything: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
export PYTHONHASHSEED ?= 0
export OMP_NUM_THREADS ?= 1

.PHONY: demo test test-isolated check docs clean

$(BIN)/afield: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "afield needs Python 3.11 or newer; found: $$($(PYTHON) --version). Say: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

demo: $(BIN)/afield
	$(BIN)/python examples/demo.py

$(VENV)/.test: pyproject.toml $(BIN)/afield
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]' -e examples/part_package
	@touch $@

test: $(VENV)/.test
	@sh tests/system_packages.sh
	$(BIN)/python tests/run_all.py

# LiteRT and ExecuTorch, each in an environment of its own: 3.2 GB in the user's cache, minutes, the network
test-isolated: $(VENV)/.test
	$(BIN)/python -m pytest -m isolated tests/isolated

docs: $(VENV)/.test
	$(BIN)/python docs/build.py

clean:
	rm -rf $(VENV) out build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
