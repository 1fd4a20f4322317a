# Storyloom's commands. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/core.installed
TEST := $(VENV)/test.installed

.DEFAULT_GOAL := help
.PHONY: help run demo test quick bench lint api-fuzz faults load fuzz lock audit

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(CORE): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Storyloom needs Python 3.11 or newer; set PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Storyloom's core (once, about a minute)..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

# torch first and by itself, so that nothing after it chooses another build; moviepy last: requirements/moviepy.txt says why.
$(TEST): $(CORE) requirements/moviepy.txt
	@echo "Installing what the tests need (once, several minutes)..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,local-models]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/moviepy.txt
	@touch $@

run: $(CORE)  ## start web and worker, and print a sign-in link
	@exec $(BIN)/python manage.py up

demo: $(CORE)  ## the main job without a browser: article in, published story out
	@exec $(BIN)/python manage.py demo

lint: $(TEST)  ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/mypy

test: lint  ## everything: lint, unit, server, local-model and browser tests
	@$(BIN)/python -m pytest -q -n 3 --dist loadgroup -m "not browser and not servers"
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "browser or servers"

quick: $(TEST)  ## the part without browser, servers and local models, about a minute
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m "not browser and not servers and not local_models and not slow"

api-fuzz: $(TEST)  ## have schemathesis ask the API what its schema allows and forbids: EXAMPLES=80 a route
	@$(BIN)/python -m tests.api.fuzz --examples $(or $(EXAMPLES),80)

faults: $(TEST)  ## break real processes at random moments: jobs, lost, doubled, seconds to recover
	@$(BIN)/python -m tests.faults $(ARGS)

load: $(TEST)  ## editors, apps and jobs at once, 14 minutes on SQLite and 14 on PostgreSQL and Redis: latencies, errors, memory
	@$(BIN)/python -m tests.load $(ARGS)

fuzz: $(TEST)  ## 1,000 damaged media files and thousands of damaged texts: deaths, hangs, errors
	@$(BIN)/python -c 'import atheris' 2>/dev/null || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]' || true
	@$(BIN)/python -m tests.fuzz $(ARGS)

lock: $(TEST)  ## write the locks in requirements/ anew (needs an index)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python requirements/audit.py lock

audit: $(TEST)  ## locks, licences and sbom.json offline; then pip-audit (status 3 where it gets no answer)
	@$(BIN)/python requirements/audit.py

bench: $(TEST)  ## benchmarks: one JSON object a line; ONLY=area for one of them
	@$(BIN)/python -m tests.benchmarks $(ONLY)
