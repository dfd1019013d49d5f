# Short names for the everyday commands. `./run` makes the environment (.venv) on first use; nothing else is touched.
.DEFAULT_GOAL := help
.PHONY: help run check test test-slow torture bench weights lint docs clean
ARGS ?=
SPREAD = ./run python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder # file by file

help:  ## this list
	@echo "Usage: make TARGET [ARGS='…']"
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run:  ## the command, e.g. make run ARGS='task=doctor'
	./run python -m core $(ARGS)

check:  ## the tests that compile no graph and start no process: two minutes on two cores
	$(SPREAD) -m check tests $(ARGS)

test:  ## the tests, file by file on all cores, e.g. make test ARGS='tests/app -x'
	$(SPREAD) --durations=40 --durations-min=5 $(ARGS)

test-slow:  ## the tests that take minutes or download; needs the launchers of sweeps
	./run --extra sweep --extra cluster python -m pytest -m slow $(ARGS)

torture:  ## damage, kill and starve the product, and report: make torture ARGS='--minutes 60 --seed 1'
	./run python -m tests.torture $(ARGS)

bench:  ## speed and memory of the networks beside their peers, on a quiet machine (benchmarks/README.md)
	./run python benchmarks/bench.py $(ARGS)

weights:  ## the weights that are shipped, from data to checkpoint and card: hours (weights/README.md)
	./run python weights/make.py compact $(ARGS)
	./run python weights/make.py cycmunet-small-x2 $(ARGS)

lint:  ## style, types and who may import whom
	./run ruff check .
	./run ruff format --check .
	./run mypy
	./run lint-imports

docs:  ## the site, into site/
	./run --extra docs mkdocs build --strict

clean:  ## remove what building and testing left (not .venv, not runs/)
	rm -rf build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
