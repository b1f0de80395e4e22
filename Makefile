# Needs python3 with venv and pip, and nothing else. `make` alone lists the targets.
PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
NUMPY2 := numpy==2.4.6
# Two test processes on two cores: one torch thread in each, two threads in our own kernels.
TESTING := OMP_NUM_THREADS=1 CALANDO_NUM_THREADS=2
# A file's tests share what is expensive in it, so each file stays with one process; small files come last.
PYTEST := -m pytest tests src/calando build/README.txt --doctest-modules --doctest-glob=README.txt -q -n 2 \
    --dist loadfile --no-loadscope-reorder

# What no other NumPy and no missing MindSpore can change, or what only runs beside MindSpore: scripts as text before
# and after, words, mistakes at the command line, programs of PyTorch's own in several processes. test-numpy2 leaves
# it out, and the tests that are marked slow.
SCRIPTS := calls chain command crews elsewhere files forward gathering guide labels large layers lint models page \
    places planted ports projects reaching real returns shapes short written zoo
ONCE := test_architecture.py cli/test_cli_help.py cli/test_cli_mistakes.py ecosystem guide/test_guide_distributed.py \
    lexicon $(patsubst %,migrate/test_migrate_%.py,$(SCRIPTS))

.PHONY: help env test test-numpy2 demo bench bench-peers clean
.DELETE_ON_ERROR:

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1\t/p' Makefile | expand -t 22

env: .venv/made ## make the development environment .venv

.venv/made: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[train,mindspore,dev,ecosystem]'
	$(BIN)/python -m pip install -q -c constraints.txt --no-deps timm
	@touch $@

.venv-numpy2/made: pyproject.toml constraints.txt Makefile
	$(PYTHON) -m venv .venv-numpy2
	.venv-numpy2/bin/python -m pip install -q -c constraints.txt '$(NUMPY2)' -e '.[train,dev,ecosystem]'
	.venv-numpy2/bin/python -m pip install -q -c constraints.txt --no-deps timm
	@touch $@

# Without its fences and closed comments the README is a doctest, line for line.
build/README.txt: README.md
	@mkdir -p build && sed -e 's/^```.*//' -e 's/^-->//' README.md > $@

test: env build/README.txt ## run all tests, doctests, the README, ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(TESTING) $(BIN)/python $(PYTEST)
	@echo 'make test: everything passed.'

test-numpy2: .venv-numpy2/made build/README.txt ## run what depends on it with NumPy 2 and without MindSpore
	$(TESTING) .venv-numpy2/bin/python $(PYTEST) -m 'not slow' $(addprefix --ignore=tests/,$(ONCE))
	@echo 'make test-numpy2: everything passed.'

demo: ## train a real model on handwritten digits, about two minutes (ARGS='--dialect both')
	@test -x $(BIN)/calando || { \
	    $(PYTHON) -m venv .venv && $(BIN)/python -m pip install -q -c constraints.txt -e '.[train]'; }
	$(BIN)/calando train $(ARGS)

bench: env ## measure against torch, MindSpore and the memory, about twelve minutes (ARGS=adamw)
	$(BIN)/python -m benchmarks.run $(ARGS)

bench-peers: env ## measure against optax, heavyball, torch-optimi, pytorch_optimizer, timm
	$(BIN)/python -m benchmarks.run peers

clean: ## remove what was made, runs/ excepted
	rm -rf .venv .venv-bench .venv-numpy2 build dist .mypy_cache .ruff_cache .hypothesis rank_0
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
