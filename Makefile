# Everything a developer does here.  Nothing is installed outside .venv, and only what the locks name by hash;
# but for Debian's Chromium, which the tests install where there is no browser and no question would be asked.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
UV_COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate

.PHONY: help install run test check bench soak screenshots lock

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

install: .venv/installed  ## Make .venv with vibekeys in it; start nothing

run: install  ## Serve on http://127.0.0.1:8000 with demo data, everything from nothing
	@exec $(BIN)/vibekeys run --demo

test: .venv/installed-dev  ## Run the whole test suite
	@$(BIN)/python -m tests.deploy.nginx_binary
	@$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m pytest

check: .venv/installed-dev  ## Lint, types, import rules, unused code, security, docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/deptry .
	$(BIN)/vulture
	$(BIN)/bandit --quiet --recursive app gateway wsgi.py --configfile pyproject.toml
	$(BIN)/python -m pytest --quiet tests/test_architecture.py $(wildcard tests/test_docs.py)

bench: .venv/installed-dev  ## Measure, as tables beside the yardsticks
	$(BIN)/python -m bench

soak: .venv/installed-dev  ## The long reliability runs: hours, not minutes
	$(BIN)/python -m pytest tests/faults --soak

screenshots: .venv/installed-dev  ## Take the pictures in docs/screenshots anew
	@$(BIN)/python -m tests.browser.chromium
	@$(BIN)/python -m tests.browser.screenshots

# A pin that still fits is kept: delete a lock first to take the newest of everything.
lock: .venv/installed-dev  ## Rewrite requirements*.txt after a change of the dependencies
	$(UV_COMPILE) --group build --output-file requirements.txt
	$(UV_COMPILE) --group build --group dev --constraints requirements.txt --output-file requirements-dev.txt

.venv/bin/python:
	@for python in python3.11 python3.12 python3.13 python3.14 python3; do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			"$$python" -m venv .venv && exit 0; \
			rm -rf .venv; \
			echo "vibekeys: $$python cannot make a virtual environment (Debian, Ubuntu: apt install python3-venv)" >&2; \
			exit 1; \
		fi; \
	done; \
	echo "vibekeys: needs Python 3.11 or newer, and found none as python3.11 ... python3.14 or python3" >&2; \
	exit 1

.venv/installed: .venv/bin/python requirements.txt pyproject.toml
	@echo "installing vibekeys into .venv" >&2
	@$(PIP) install --require-hashes --requirement requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	@echo "installing the development tools into .venv" >&2
	@$(PIP) install --require-hashes --requirement requirements-dev.txt
	@touch $@
