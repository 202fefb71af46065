# The two commands of the README are `run` and `test`; `help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help run test style format train validate shell conversations bench pictures clean

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.installed-run ## install, fill the demo CRM, train the demo bot, serve it on http://localhost:8000
	@$(BIN)/frontdesk crm fill
	@$(BIN)/frontdesk train
	@$(BIN)/frontdesk run --port $(PORT)

test: $(VENV)/.installed-test chromium ## install what the tests need and run every test
	$(BIN)/python -m pytest

style: $(VENV)/.installed-test ## lint, format check, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-test ## format the code and fix what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

train: $(VENV)/.installed-run ## train the demo bot
	@$(BIN)/frontdesk train

validate: $(VENV)/.installed-run ## look for mistakes in the bot's files
	@$(BIN)/frontdesk validate

shell: $(VENV)/.installed-run train ## talk to the bot in the terminal
	@$(BIN)/frontdesk shell

conversations: $(VENV)/.installed-run train ## run the test conversations
	@$(BIN)/frontdesk test

bench: $(VENV)/.installed-test train ## measure the server: start, latency, throughput, memory
	@$(BIN)/python -m benchmarks.serve

pictures: $(VENV)/.installed-test ## take the pictures of the README from a running demo
	$(BIN)/python -m tests.browser.screenshots docs/images http://localhost:$(PORT)

clean: ## remove the environment, the models and the demo CRM
	rm -rf $(VENV) models results attachments .frontdesk crm.db crm.db-wal crm.db-shm

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Frontdesk needs Python 3.11 or newer, found $$($(PYTHON) --version). Try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-run: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --progress-bar off -c constraints.txt -e ".[train]"
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --progress-bar off -c constraints.txt -e ".[train,postgresql,test]"
	$(BIN)/python -m pip check
	@touch $@ $(VENV)/.installed-run

.PHONY: chromium
chromium:
	@command -v chromium chromium-browser google-chrome >/dev/null 2>&1 && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium for the browser tests"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; \
	else \
		echo "The browser tests need Chromium and will be skipped: install the package 'chromium' of your system."; \
	fi
