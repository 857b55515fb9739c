# The commands people use; `make help` lists them.
SHELL := /bin/bash
PY := .venv/bin/python
PORT ?= 8000
export PORT
export PYTHONDONTWRITEBYTECODE = 1
DEV := SHILIU_ENV=development SHILIU_DEMO=true

.PHONY: help run test lint bench proof pictures lock clean test-tools

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

.venv/.stamp: requirements.lock tools/venv.sh
	@bash tools/venv.sh
	@touch $@

run: .venv/.stamp ## environment, browser files, database, plan, demo data, server
	@$(DEV) bash tools/run.sh

lint: .venv/.stamp ## ruff, types, import contracts, templates
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/djlint --lint --quiet templates

test-tools: .venv/.stamp
	@bash tools/test_tools.sh
	@SHILIU_ENV=development SHILIU_HOME=$${TMPDIR:-/tmp}/shiliu-assets .venv/bin/flask --app wsgi assets sync

test: test-tools ## all tests, on SQLite and PostgreSQL and in Chromium
	.venv/bin/pytest -n 2 -m "not serial and not proof"
	.venv/bin/pytest -n 0 -m "serial and not proof"

bench: .venv/.stamp ## ratios measured side by side: make bench BENCH=photo
	$(PY) -m bench.run $(BENCH)

proof: test-tools ## the published figures in full length, into docs/proof.json
	SHILIU_PROOF=full .venv/bin/pytest -n 0 -m "serial or proof"

pictures: test-tools ## the README's pictures
	$(DEV) $(PY) tools/pictures.py

lock: ## requirements.lock anew, by name, version and hash
	$(PY) -m pip install --quiet uv
	.venv/bin/uv pip compile --group dev pyproject.toml --generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements.lock

clean: ## caches and vendored files; data stays
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache static/vendor
