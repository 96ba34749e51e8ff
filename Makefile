# Two commands matter: `make demo` and `make test`. Everything they need is installed into .venv from hash-locked files.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check --no-input -q

.PHONY: help demo test lint types unit cover bench live chaos lock wheel clean
.DEFAULT_GOAL := help

help: ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/run.stamp: requirements/run.lock pyproject.toml
	@echo "setting up $(VENV) (once, about a minute)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Nightjar needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv --without-pip $(VENV)
	@$(PIP) install --require-hashes -r requirements/run.lock
	@echo "$(CURDIR)" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/nightjar.pth"
	@printf '%s\n' '#!$(CURDIR)/$(BIN)/python' 'from bot.cli.app import main' 'main()' > $(BIN)/nightjar && chmod +x $(BIN)/nightjar
	@$(BIN)/python -m compileall -q $(VENV)/lib bot || true
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.lock
	@$(PIP) install --require-hashes -r requirements/dev.lock
	@touch $@

demo: $(VENV)/run.stamp ## an incident in a simulated shop, a Slack-like page, and the bot: no key, no account
	@$(BIN)/nightjar demo $(ARGS)

test: lint types unit ## lint, types, import rule, all tests

lint: $(VENV)/dev.stamp ## ruff: rules and format
	$(BIN)/ruff check bot tests migrations
	$(BIN)/ruff format --check bot tests migrations

types: $(VENV)/dev.stamp ## mypy, strict
	$(BIN)/mypy

unit: $(VENV)/dev.stamp ## pytest, two workers
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

cover: $(VENV)/dev.stamp ## the same with branch coverage, which must not fall below 95 %
	$(MAKE) unit ARGS="--cov=bot --cov-branch --cov-report=term:skip-covered --cov-fail-under=95 $(ARGS)"

bench: $(VENV)/dev.stamp ## measure overhead side by side with a bare Bolt app
	$(BIN)/python -m tests.benchmarks.overhead $(ARGS)

live: $(VENV)/dev.stamp ## ten cases by your Claude, your Llama and the playbook, into build/live.md; at most $$2
	$(BIN)/python -m tests.benchmarks.live $(ARGS)

chaos: $(VENV)/dev.stamp ## kill, freeze and stop the bot for ten minutes, on both databases; ARGS="--minutes 120" for longer
	$(BIN)/python -m tests.chaos --minutes 10 $(ARGS)

lock: ## resolve the dependencies again (needs uv)
	uv pip compile pyproject.toml --python-version 3.11 --universal --no-strip-extras --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade -q -o requirements/run.lock
	uv pip compile pyproject.toml --group dev -c requirements/run.lock --python-version 3.11 --universal --no-strip-extras --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade -q -o requirements/dev.lock

wheel: $(VENV)/dev.stamp ## build a wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation

clean: ## remove what was built
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .coverage* htmlcov
