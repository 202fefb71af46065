# The two commands of the README are `run` and `test`; `help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RASA_VENV := .venv-rasa
RASA_PYTHON ?=
RASA := $(or $(RASA_PYTHON),$(abspath $(RASA_VENV)/bin/python))
PORT ?= 8000
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help run test test-rasa style format train validate shell conversations bench pictures clean

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.installed-run ## install, fill the demo CRM, train the demo bot, serve it on http://localhost:8000
	@$(BIN)/frontdesk crm fill
	@$(BIN)/frontdesk train
	@$(BIN)/frontdesk run --port $(PORT)

test: $(VENV)/.installed-test chromium ## install what the tests need and run every test
	$(BIN)/python -m pytest

test-rasa: $(VENV)/.installed-test ## try our component in a real Rasa 3.6 (RASA_PYTHON=… names a Python that has it)
	@if [ -z "$(RASA_PYTHON)" ]; then $(MAKE) --no-print-directory $(RASA_VENV)/.installed; fi
	@$(RASA) -c 'import rasa, onnxruntime, tokenizers, dateparser, phonenumbers' || { \
		echo "$(RASA) lacks one of: rasa onnxruntime tokenizers dateparser phonenumbers"; exit 1; }
	@# The same ONNX Runtime on both sides gives the same numbers, to the last digit.
	$(BIN)/python -m pip install -q --upgrade --no-deps --target $(RASA_VENV)/runtime \
		onnxruntime==$$($(RASA) -c 'import onnxruntime; print(onnxruntime.__version__)')
	PYTHONPATH=$(abspath $(RASA_VENV)/runtime) FRONTDESK_RASA_PYTHON=$(RASA) \
		$(BIN)/python -m pytest tests/integration/test_rasa_component.py

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

pictures: $(VENV)/.installed-test ## take the pictures of the documents, from a running demo
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

$(RASA_VENV)/.installed:
	@command -v python3.10 >/dev/null || { echo "Rasa 3.6 needs Python 3.10 (python3.10), which is not here."; \
		echo "Install it, or name a Python that has Rasa: make test-rasa RASA_PYTHON=/path/to/python"; exit 1; }
	python3.10 -m venv $(RASA_VENV)
	$(RASA_VENV)/bin/python -m pip install --progress-bar off rasa==3.6.21 onnxruntime tokenizers dateparser phonenumbers
	@touch $@

.PHONY: chromium
chromium:
	@command -v chromium chromium-browser google-chrome >/dev/null 2>&1 && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium for the browser tests"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; \
	else \
		echo "The browser tests need Chromium and will be skipped: install the package 'chromium' of your system."; \
	fi
