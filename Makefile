# Every target is one line of what people and CI run; `make` alone lists them.
SHELL := /usr/bin/env bash
.DEFAULT_GOAL := help
BIN := .venv/bin
SECONDS ?=

# A company may have certificates of its own. uv and pip read SSL_CERT_FILE; the download of Kafka's jars reads this name.
ifdef SSL_CERT_FILE
export REQUESTS_CA_BUNDLE ?= $(SSL_CERT_FILE)
endif

.PHONY: help env demo test format lint types imports lock bench dashboards clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

env: .venv/.made  ## make .venv from the locked, hashed requirements

.venv/.made: pyproject.toml requirements/dev.txt requirements/data.txt requirements/uv.txt scripts/env
	@scripts/env

demo: env  ## the whole system on this machine, live; SECONDS=60 stops by itself
	@exec $(BIN)/headrace demo $(if $(SECONDS),--seconds $(SECONDS))

test: env  ## everything that CI runs
	@scripts/test

format: env  ## format the code and sort its imports
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lint: env  ## ruff, formatting and the rules of who may import whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: env  ## strict mypy over packages, tests and benchmarks
	$(BIN)/mypy

lock: env  ## pin the requirements anew (UPGRADE=1 takes newer versions)
	scripts/lock

bench: env  ## freshness by offered load on the local stack
	$(BIN)/headrace bench freshness

dashboards: env  ## make ops/grafana/dashboards anew: after a metric has come, changed or gone
	@$(BIN)/python -m ops.dashboards

clean:  ## remove the environment, caches and what runs left in var/
	rm -rf .venv var build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
