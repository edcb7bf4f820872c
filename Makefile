# Everything starts from here, with nothing but python3 (3.11 or newer) and make. `make help` explains.
.DEFAULT_GOAL := help
.PHONY: help demo test unit mesh test-mesh check format lock bench pictures clean

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PORT   ?= 8000

help: ## say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(VENV)/demo.done ## a mesh with a real Envoy on this machine, and the dashboard on top (PORT=8000)
	@$(BIN)/crossfade demo --port $(PORT) $(DEMO_OPTIONS)

test: $(VENV)/test.done browser ## all tests: rules, adapters on real servers, pages in real Chromium
	@$(BIN)/python -m pytest $(PYTEST_OPTIONS)
	@$(BIN)/lint-imports --no-cache

unit: $(VENV)/test.done ## the tests that need no browser
	@$(BIN)/python -m pytest -m 'not browser' $(PYTEST_OPTIONS)

mesh: $(VENV)/test.done ## build kube-apiserver, etcd and istiod for test-mesh (Go; minutes once, seconds later)
	@$(BIN)/python -m tests.mesh.build

test-mesh: mesh ## the cluster half, judged by a real API server, istiod and Envoy (Linux, root)
	@$(BIN)/python -m tests.mesh $(PYTEST_OPTIONS)

check: $(VENV)/test.done ## types, lint, formatting, direction of imports
	@$(BIN)/mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache

format: $(VENV)/test.done ## put the code into its form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/test.done browser ## measure what the notes and the README promise
	@$(BIN)/python -m scripts.bench $(BENCH_OPTIONS)

pictures: $(VENV)/test.done browser ## take the README's pictures from the running demo
	@$(BIN)/python -m scripts.pictures

lock: $(VENV)/lock.done ## resolve the lock files anew (they carry hashes and name no index)
	@$(BIN)/uv pip compile -q pyproject.toml --extra demo --group build $(LOCK_OPTIONS) -o requirements.lock
	@$(BIN)/uv pip compile -q pyproject.toml --extra demo --group build --group test $(LOCK_OPTIONS) \
		-c requirements.lock -o requirements-test.lock
	@$(BIN)/uv pip compile -q pyproject.toml $(LOCK_OPTIONS) -c requirements.lock -o requirements-serve.lock
	@$(BIN)/uv pip compile -q --group pyproject.toml:build $(LOCK_OPTIONS) \
		-c requirements.lock -o requirements-build.lock

clean: ## remove the virtual environment and every cache
	@rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

LOCK_OPTIONS := --universal --generate-hashes --no-emit-index-url --no-header -p 3.11

# The environment is made anew when a lock file changes. pip checks every hash.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1) && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . && \
	touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "crossfade needs Python 3.11 or newer; this is %d.%d. Name another: make PYTHON=python3.12 ..." % sys.version_info[:2])'
	@$(PYTHON) -m venv $(VENV) || { echo "python3 has no venv module here; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/demo.done: requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing what the demo needs into $(VENV), once"
	@$(call INSTALL,requirements.lock)

$(VENV)/test.done: requirements-test.lock pyproject.toml | $(BIN)/python
	@echo "installing what the tests need into $(VENV), once"
	@$(call INSTALL,requirements-test.lock)

$(VENV)/lock.done: | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv==0.13.9' && touch $@

# Chromium from the system where there is one, else Playwright's own; where neither can be had the browser tests say so.
.PHONY: browser
browser: $(VENV)/test.done
	@$(BIN)/python -m scripts.browser
