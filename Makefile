# make run    a mail server for trying, on this computer alone
# make test   everything the tests need, and all tests
# make help   the other targets

PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=
# Of tests: two more than cores, since many wait for somebody else; six at most.
PROCESSES ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -ge 4 ] && echo 6 || echo $$((n + 2)))

# What is compiled is kept, even where somebody's image says otherwise: thousands of starts read it.
unexport PYTHONDONTWRITEBYTECODE

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

# What is installed is known by the content of the lock files, not by their dates.
hash = $(shell cat $(1) 2>/dev/null | sha256sum | cut -c1-16)
RUN_LOCKS  := requirements/run.txt requirements/build.txt
RUN_STAMP  := $(VENV)/.run-$(call hash,$(RUN_LOCKS) pyproject.toml)
TEST_STAMP := $(VENV)/.test-$(call hash,requirements/test.txt pyproject.toml)

.DEFAULT_GOAL := help
.PHONY: help run localserve test test-web debian check types ready format compiled bench bench-web crash collect fuzz long soak frontend pictures docs lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14
	@echo 'Variables: PYTHON=python3.12, PORT_BASE=4000, ARGS="-k imap -x"'

run: $(RUN_STAMP) ## start a mail server here, with two accounts; Ctrl-C stops it
	@exec $(BIN)/pillarbox run $(ARGS)

localserve: $(RUN_STAMP) ## start a server that takes any mail and sends none
	@exec $(BIN)/pillarbox localserve $(ARGS)

test: $(TEST_STAMP) debian ## install what the tests need and run all of them
	$(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile $(ARGS)
	@if command -v cc gcc >/dev/null && [ -z "$(ARGS)" ]; then \
	  $(BIN)/python tools/compiled.py -q -n auto --maxprocesses 6 --dist loadfile; \
	  else echo "Not tried: the compiled modules (make compiled)."; fi

test-web: $(TEST_STAMP) debian ## all browser tests, with 100,000 messages
	PILLARBOX_BROWSER=long $(BIN)/python -m pytest tests/browser -n 2 --dist loadfile $(ARGS)

debian: # programs that the tests speak with; without root they are skipped, with a word
	@sh requirements/install-debian.sh requirements/debian-test.txt
	@sh requirements/unpack-debian.sh requirements/debian-unpacked.txt

check: types $(TEST_STAMP) ## lint, format, types, layers, sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python tools/house.py
	$(BIN)/python tools/rfcxref.py --check
	$(BIN)/python tools/frontend.py --check

types: $(TEST_STAMP)
	$(BIN)/mypy --strict

# What `make test` needs and can be made while `make check` runs.
ready: debian $(TEST_STAMP)
	@! command -v cc gcc >/dev/null || $(BIN)/python tools/compiled.py --build

format: $(TEST_STAMP) ## format and mend what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

compiled: $(TEST_STAMP) ## compile the leaf modules and run their tests against that
	$(BIN)/python tools/compiled.py $(ARGS)

bench: $(TEST_STAMP) debian ## side by side with Postfix and Dovecot
	$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(PROFILE),--profile var/profiles) $(ARGS)

bench-web: $(TEST_STAMP) debian ## the webmail in a browser: its targets, its load, beside Roundcube
	@sh requirements/install-debian.sh requirements/debian-bench.txt
	$(BIN)/python -m benchmarks.web $(if $(ONLY),--only $(ONLY)) $(ARGS)

crash: $(TEST_STAMP) ## SIGKILL under load, 200 rounds, and while sending; the power cut at every point
	PILLARBOX_CRASH_ROUNDS=200 PILLARBOX_POWER_CUT=all $(BIN)/python -m pytest tests/crash --timeout 0 $(ARGS)

collect: $(TEST_STAMP) debian ## bring 20,000 messages over from each of four servers, cut and killed
	PILLARBOX_COLLECT_MESSAGES=20000 $(BIN)/python -m pytest tests/interop -k collect --timeout 0 $(ARGS)

fuzz: $(TEST_STAMP) ## the fuzz targets, a minute each
	PILLARBOX_FUZZ=long $(BIN)/python -m pytest tests/fuzz --timeout 0 $(ARGS)

long: $(TEST_STAMP) ## 5,000 and 10,000 connections, a mailbox of a million messages
	PILLARBOX_LONG=1 $(BIN)/python -m pytest tests/hostile tests/scenarios/test_million.py --timeout 0 $(ARGS)

soak: $(TEST_STAMP) ## the model and concurrency tests, an hour
	$(BIN)/python -m pytest tests/scenarios --soak-seconds 3600 --model-steps 200000 --timeout 0 $(ARGS)

pictures: $(TEST_STAMP) debian ## make the pictures of the guide anew, with demo mail in a browser
	PYTHONPATH=tests $(BIN)/python tools/pictures.py $(ARGS)

frontend: ## build the web pages with Node into the package; others need no Node
	$(PYTHON) tools/frontend.py

docs: $(RUN_STAMP) ## write the pages that come from the code anew: configuration, RFC references
	$(BIN)/pillarbox config reference > docs/guide/configuration.md
	$(BIN)/python tools/rfcxref.py

lock: $(TEST_STAMP) ## choose the versions in requirements/ anew
	sh requirements/lock.sh $(BIN)/pip-compile

clean: ## remove what was built; the data of `make run` stay in var/
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "There is no $(PYTHON). Pillarbox needs Python 3.11 or later: make PYTHON=python3.11 run"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is too old; Pillarbox needs 3.11 or later: make PYTHON=python3.11 run"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) comes without venv. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Making an environment in $(VENV) (once)."
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)

$(RUN_STAMP): | $(BIN)/python
	@echo "Installing what is pinned in requirements/run.txt (once)."
	@$(PIP) install -qq --require-hashes -r requirements/run.txt -r requirements/build.txt
	@$(PIP) install -qq --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.run-* && touch $@

$(TEST_STAMP): $(RUN_STAMP)
	@echo "Installing what is pinned in requirements/test.txt (once)."
	@$(PIP) install -qq --require-hashes -r requirements/test.txt
	@rm -f $(VENV)/.test-* && touch $@
