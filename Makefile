# The commands people use; `make` alone lists them.
SHELL := /bin/bash
PY := .venv/bin/python
PORT ?= 8000
export PORT

.DEFAULT_GOAL := help
.PHONY: help run test lint bench proof pictures lock format clean test-tools

help: ## this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

# Plain pip, so that the machine's own mirror settings count; again only when the lock changes.
.venv/.stamp: requirements.lock tools/venv.sh
	@bash tools/venv.sh
	@touch $@

run: .venv/.stamp ## all set-up, demo data, server and worker; LAN=1 for a phone, PORT=8000, SHILIU_HOME=instance
	@LAN=$(LAN) bash tools/run.sh

# Bytecode is kept whatever the caller says: without it each process rewrites every assert anew, 18 s of a core, not 8.
test: test-tools ## every test: SQLite, PostgreSQL, Chromium; races on their own
	@failed=0; unset PYTHONDONTWRITEBYTECODE; \
	.venv/bin/pytest -n 3 --dist worksteal -m "not serial and not proof" || failed=1; \
	.venv/bin/pytest -n 0 -m "serial and not proof" || failed=1; \
	exit $$failed

lint: .venv/.stamp ## style, types, order of imports, templates, architecture
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/djlint --lint --quiet templates
	.venv/bin/pytest -n 0 tests/architecture -k "not postgresql"

bench: .venv/.stamp ## ratios measured side by side into bench/latest.json; BENCH=photo for one group
	$(PY) -m bench.run $(BENCH)

proof: test-tools ## the published proofs in full length, into docs/proof.json
	$(PY) -m tools.proof

pictures: test-tools ## the README's pictures, into docs/pictures/
	$(PY) -m tools.pictures

lock: .venv/.stamp ## requirements.lock anew: names, versions and hashes, no addresses
	$(PY) -m pip install --quiet --disable-pip-version-check uv
	.venv/bin/uv pip compile --group dev pyproject.toml --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements.lock

format: .venv/.stamp ## bring the code into its usual shape
	.venv/bin/ruff check --fix-only --quiet .
	.venv/bin/ruff format .

clean: ## caches and fetched browser files; data and .venv stay
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .cache static/vendor

test-tools: .venv/.stamp
	@bash tools/test_tools.sh
	@SHILIU_ENV=test SHILIU_HOME=$(CURDIR)/.cache/assets .venv/bin/flask --app wsgi assets sync
