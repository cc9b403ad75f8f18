# make help lists the commands. PYTHON=python3.13 chooses the interpreter of a new environment.

PYTHON ?= python3
VENV := .venv
BENCH := .venv-bench
BENCH_TABLES := .venv-bench-tables
MLFLOW := .venv-contract-mlflow
CLUSTER := .venv-contract-cluster
PIP := -m pip --disable-pip-version-check --quiet
PINS := pyproject.toml hatch_build.py $(wildcard constraints/*.txt)
NATIVE := src/multilayer/_native
NATIVE_SOURCES := tools/compile_native.py $(wildcard $(NATIVE)/*.cpp $(NATIVE)/*.h)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo native sanitize wheels test test-slow contract mlflow cluster chapter10 bench \
  bench-tables clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.native  ## train a network on MNIST, in .venv
	$(VENV)/bin/multilayer train mnist

# Tests start dozens of processes, which would compile the package's Python each time.
test test-slow: export PYTHONDONTWRITEBYTECODE =

test: $(VENV)/.native-dev  ## lint, types and tests, as CI runs them
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy src
	$(VENV)/bin/python -m pytest -n logical --maxprocesses 4 --dist worksteal

# XLA optimises here, which `make test` spares it where nothing depends on it.
test-slow: export XLA_FLAGS =
test-slow: $(VENV)/.native-dev  ## the tests marked slow, and those of XLA's programs as users have them
	$(VENV)/bin/python -m pytest -n logical --maxprocesses 4 --dist worksteal -m slow tests
	$(VENV)/bin/python -m pytest -n logical --maxprocesses 4 --dist worksteal \
	  tests/engine tests/checkpoints tests/nn

native: $(VENV)/.installed  ## compile the native engine in place
	$(call compile)

# The sanitizer's runtime is loaded before Python. Leaks are not looked for: Python has its own.
# ThreadSanitizer of older GCCs cannot start where addresses are random: setarch -R turns that off.
# JAX, which some tests compare with, throws C++ exceptions: libstdc++ must be there before them.
SANITIZE ?= address,undefined
SANITIZED := build/sanitize/$(SANITIZE)
SANITIZER := $(if $(findstring thread,$(SANITIZE)),libtsan.so,libasan.so)
FIXED_ADDRESSES = $(shell setarch -R true 2>/dev/null && echo setarch -R)
sanitize: $(VENV)/.installed-dev  ## the native tests under sanitizers; SANITIZE=thread for races
	$(VENV)/bin/python tools/compile_native.py --folder $(SANITIZED) --sanitize $(SANITIZE) --if-changed
	preload=; for name in $(SANITIZER) libstdc++.so.6; do \
	  preload="$$preload $$($${CXX:-g++} -print-file-name=$$name)"; done; \
	ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=ignore_noninstrumented_modules=1 \
	  MULTILAYER_NATIVE_FOLDER=$(SANITIZED) $(FIXED_ADDRESSES) env LD_PRELOAD="$$preload" \
	  $(VENV)/bin/python -m pytest --capture=sys tests/native tests/engine/native \
	  --ignore tests/native/test_building.py

wheels: $(VENV)/.installed-dev  ## wheels for Linux, macOS and Windows into dist/, with zig
	$(VENV)/bin/python $(PIP) install hatchling ziglang
	$(VENV)/bin/python tools/compile_native.py --wheels

contract:  ## scikit-learn's checks under four of its releases, in .venv-contract-*
	$(PYTHON) tests/contract/matrix.py

mlflow: $(MLFLOW)/.installed  ## networks in pipelines and models of MLflow, in .venv-contract-mlflow
	$(MLFLOW)/bin/python -m pytest tests/mlflow -W default

cluster: $(CLUSTER)/.installed  ## searches on Dask, on Ray and in PostgreSQL, in .venv-contract-cluster
	$(CLUSTER)/bin/python -m pytest tests/cluster -W default

chapter10: $(VENV)/.native-dev  ## build the notebooks of docs/chapter10 anew
	$(VENV)/bin/python docs/chapter10/build.py

bench: $(BENCH)/.installed  ## compare with other libraries, in .venv-bench
	$(BENCH)/bin/python benchmarks/run.py

bench-tables: $(BENCH_TABLES)/.installed  ## compare default settings on tables; ARGS="--seeds 0 ..."
	$(BENCH_TABLES)/bin/python -m benchmarks.tables $(ARGS)

clean:  ## remove environments, caches and builds
	rm -rf $(VENV) $(BENCH) $(BENCH_TABLES) .venv-contract-* build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

# $(call make-venv,folder): a folder whose pip runs is kept; a missing or broken one is made anew.
define make-venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "multilayer needs Python 3.11 or newer, but '$(PYTHON)' is" \
	    "$$($(PYTHON) --version 2>&1). Name a newer one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(1)/bin/python -m pip --version >/dev/null 2>&1 || { \
	  echo "Creating $(1)"; $(PYTHON) -m venv --clear $(1); }
endef

# $(call install,requirement,options): editable, with the pins of the environment's own Python. Older pips
# apply PIP_CONSTRAINT to the build backend too, newer ones read PIP_BUILD_CONSTRAINT for it.
define install
	@pins=constraints/$$($(VENV)/bin/python -c \
	    'import sys; print("py{}{}.txt".format(*sys.version_info))'); \
	test -f "$$pins" || { \
	  echo "No tested versions for this Python: $$pins is missing." \
	    "Name another: make clean, then make PYTHON=python3.12 ..." >&2; exit 1; }; \
	echo "Installing $(1) and what it needs into $(VENV) ($$pins)"; \
	PIP_CONSTRAINT="$$pins" PIP_BUILD_CONSTRAINT="$$pins" \
	  $(VENV)/bin/python $(PIP) install $(2) --editable '$(1)'
	@touch $@
endef

$(VENV)/.installed: $(PINS)
	$(call make-venv,$(VENV))
	$(call install,.)

# Most of what is installed is never imported by tests: what is, compiles to bytecode then.
$(VENV)/.installed-dev: $(PINS)
	$(call make-venv,$(VENV))
	$(call install,.[dev],--no-compile)
	@touch $(VENV)/.installed

# $(call compile,options): in place. Without a compiler zig does it, as in an installation.
define compile
	@$(VENV)/bin/python tools/compile_native.py --has-compiler || \
	  $(VENV)/bin/python $(PIP) install 'ziglang>=0.13'
	@$(VENV)/bin/python tools/compile_native.py $(1)
endef

# Changed C++ is compiled, not installed again. An installation has compiled it already.
$(VENV)/.native: $(VENV)/.installed $(NATIVE_SOURCES)
	$(call compile,--if-changed)
	@touch $@

$(VENV)/.native-dev: $(VENV)/.installed-dev $(NATIVE_SOURCES)
	$(call compile,--if-changed)
	@touch $@

$(MLFLOW)/.installed: pyproject.toml tests/mlflow/requirements.txt
	$(call make-venv,$(MLFLOW))
	@echo "Installing multilayer and MLflow into $(MLFLOW)"
	@$(MLFLOW)/bin/python $(PIP) install --requirement tests/mlflow/requirements.txt --editable .
	@touch $@

$(CLUSTER)/.installed: pyproject.toml tests/cluster/requirements.txt
	$(call make-venv,$(CLUSTER))
	@echo "Installing multilayer, Dask and Ray into $(CLUSTER)"
	@$(CLUSTER)/bin/python $(PIP) install --requirement tests/cluster/requirements.txt --editable .
	@touch $@

$(BENCH)/.installed: pyproject.toml benchmarks/requirements.txt
	$(call make-venv,$(BENCH))
	@echo "Installing multilayer and the libraries compared against into $(BENCH)"
	@$(BENCH)/bin/python $(PIP) install --requirement benchmarks/requirements.txt --editable .
	@touch $@

$(BENCH_TABLES)/.installed: pyproject.toml benchmarks/tables/requirements.txt
	$(call make-venv,$(BENCH_TABLES))
	@echo "Installing multilayer and the libraries compared against into $(BENCH_TABLES)"
	@$(BENCH_TABLES)/bin/python $(PIP) install --editable . \
	  --requirement benchmarks/tables/requirements.txt
	@touch $@
