# Every target does its own set-up; `make` alone says what there is.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo lab test check format docs bench lock deb clean

PYTHON := .venv/bin/python

ifdef SUDO_UID  # What root compiles, its owner could not remove.
export PYTHONDONTWRITEBYTECODE := 1
else  # What one process has compiled, the next one need not.
unexport PYTHONDONTWRITEBYTECODE
endif

help:  ## Show this list.
	@sed -n 's/^\([a-z]*\):.*  ## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo:  ## Two networks with equal addresses on real Open vSwitch, and who reaches whom.
	@tools/set-up run
	@exec $(PYTHON) -m openvnet.cli.openvnet demo

lab:  ## The same, left running to play with; Ctrl-C ends it. HOSTS=3 builds three hosts.
	@tools/set-up run
	@exec $(PYTHON) -m openvnet.cli.openvnet lab up $(if $(HOSTS),--hosts $(HOSTS)) $(if $(GUESTS),--guests $(GUESTS))

test:  ## All tests, several at once (WORKERS=4). TESTS="tests/unit -k lab" runs some, one by one.
	@tools/set-up test
ifdef TESTS
	@exec $(PYTHON) -m pytest $(if $(WORKERS),-n $(WORKERS)) $(TESTS)
else
	@$(PYTHON) -m pytest -n $(or $(WORKERS),auto) -m "not alone"; beside=$$?; \
	$(PYTHON) -m pytest -m alone tests/e2e && exit $$beside
endif

check:  ## Format, lint, types, and who may import whom.
	@tools/set-up check
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(PYTHON) -m pytest -q tests/test_architecture.py

format:  ## Format the code, and mend what lint can mend.
	@tools/set-up check
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

docs:  ## Make the pages that are generated: the pipeline, configuration, REST and vnctl.
	@tools/set-up test
	$(PYTHON) -m openvnet.pipeline.page > docs/pipeline.md
	$(PYTHON) docs/reference/generate.py

bench:  ## Measure. ROWS="change restart" measures some rows.
	@tools/set-up test
	@exec $(PYTHON) -m bench $(ROWS)

lock:  ## Renew requirements*.lock from pyproject.toml.
	@tools/lock

deb:  ## Build a Debian package of it in build/deb, for this Debian and its Python.
	@packaging/build-deb

clean:  ## Remove what the other targets made, .venv too.
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage build dist *.egg-info bench/results.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
