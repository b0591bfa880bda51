PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := constraints.txt
SPHINXOPTS ?= -W --keep-going

# Two test workers with one thread each: more threads than cores make small fits several times slower.
WORKERS ?= 2
# The revision that `make check` compares with.
BASE ?= main
# An empty PYTHONDONTWRITEBYTECODE is none: workers, and later runs, share what one has compiled.
ONE_THREAD := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMEXPR_NUM_THREADS=1

# Kernels of OpenBLAS to test with; those that the processor does not take are left out, and said.
BLAS_KERNELS ?= Haswell SkylakeX Prescott Nehalem
# Of each half: linear models and kernels, networks.
FUZZ_PROBLEMS ?= 10000
FUZZ_HALVES ?= linear neural
FUZZ_SEED ?= 0
# Files or folders of one room, and the small changes of them that are tried.
MUTATED ?= skmtl/linear/penalties
MUTANTS ?= 200

# What docstrings, pages of benchmarks and random problems say does not depend on versions.
OF_NO_VERSION := fuzz test_docstrings.py test_defaults.py test_mutation.py test_published.py test_benchmark_pages.py

.DEFAULT_GOAL := help
.PHONY: help demo check test test-oldest test-newest test-blas fuzz coverage mutation dist lint format docs clean
# Two pip runs in one environment get in each other's way.
.NOTPARALLEL:

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{printf "make %-12s %s\n", $$1, $$2}'

demo: $(VENV)/.stamp-demo ## fit the quickstart example and print what it found
	$(BIN)/python examples/plot_quickstart.py

test: $(VENV)/.stamp-test ## run the whole test suite, docstring and page examples included
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

check: lint $(VENV)/.stamp-test ## check style and types, and run the tests nearest to what differs from BASE (main)
	@nearest=$$($(BIN)/python -m tests.nearest $(BASE)); echo "nearest tests: $${nearest:-none}"; test -z "$$nearest" || \
		$(ONE_THREAD) $(BIN)/python -m pytest -q -n $(WORKERS) $(PYTEST_ARGS) $$nearest

test-oldest: ## run it with the oldest versions of what skmtl needs, in an environment of its own
	$(MAKE) test VENV=.venv-oldest CONSTRAINTS=constraints-oldest.txt \
		PYTEST_ARGS="$(PYTEST_ARGS) $(addprefix --ignore=tests/,$(OF_NO_VERSION))"

test-newest: ## run it with the newest versions, in an environment of its own
	rm -f .venv-newest/.stamp-test
	PIP_UPGRADE=1 PIP_UPGRADE_STRATEGY=eager $(MAKE) test VENV=.venv-newest CONSTRAINTS=constraints-newest.txt

test-blas: $(VENV)/.stamp-test ## run it with the matrix kernels of several processors
	$(ONE_THREAD) $(BIN)/python -m tests.blas $(BLAS_KERNELS) -- -n $(WORKERS) $(PYTEST_ARGS)

fuzz: $(VENV)/.stamp-test ## fit thousands of small random problems and check what skmtl promises
	status=0; for half in $(FUZZ_HALVES); do $(BIN)/python -m tests.fuzz --half $$half --problems $(FUZZ_PROBLEMS) \
		--seed $(FUZZ_SEED) --jobs $(WORKERS) || status=1; done; exit $$status

# Compiled functions are traced where they run as Python: in what tests/test_uncompiled.py starts, and in
# the tests of COMPILED, those that call them one by one and take seconds so. numpy warns where numbers wrap.
COMPILED := tests/linear/solvers/compiled tests/model_selection/test_swaps.py \
	tests/neural/optimizers/test_optimizers.py tests/test_exponentials.py
coverage: $(VENV)/.stamp-test ## run the tests and say which branches of skmtl they have not taken
	$(BIN)/python -m coverage erase
	$(ONE_THREAD) $(BIN)/python -m coverage run -m pytest -q -n $(WORKERS) $(PYTEST_ARGS)
	$(ONE_THREAD) NUMBA_DISABLE_JIT=1 $(BIN)/python -m coverage run -m pytest -q -n $(WORKERS) -W ignore::RuntimeWarning $(COMPILED)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

mutation: $(VENV)/.stamp-test ## make small changes of MUTATED, one at a time, and say which no test has noticed
	$(ONE_THREAD) $(BIN)/python -m tests.mutation $(MUTATED) --size $(MUTANTS)

dist: $(VENV)/.stamp-dist ## build wheel and sdist, and try each where nothing else is installed
	rm -rf dist .venv-dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m twine check --strict dist/*
	$(PYTHON) -m venv .venv-dist
	.venv-dist/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt dist/*.whl
	cd dist && ../.venv-dist/bin/python ../tests/installed.py
	.venv-dist/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps dist/*.tar.gz
	cd dist && ../.venv-dist/bin/python ../tests/installed.py
	rm -rf .venv-dist

lint: $(VENV)/.stamp-lint ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.stamp-lint ## rewrite the code in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.stamp-docs ## build the documentation into docs/_build/html, warnings are errors
	$(BIN)/python -m sphinx -b html $(SPHINXOPTS) docs docs/_build/html

clean: ## remove the environment and everything generated
	rm -rf .venv .venv-* build dist examples/build docs/_build docs/api docs/auto_examples docs/sg_execution_times.rst
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

EXTRAS_demo := plot,datasets
EXTRAS_test := test
EXTRAS_lint := lint
EXTRAS_dist := dist
EXTRAS_docs := docs

$(VENV)/.stamp-venv:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "skmtl needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.stamp-%: pyproject.toml $(CONSTRAINTS) | $(VENV)/.stamp-venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e '.[$(EXTRAS_$*)]'
	@touch $@
