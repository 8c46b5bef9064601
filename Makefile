# Two commands on a fresh machine: `make run` and `make test`. Paths are relative, so the folder's name does not matter.
.DEFAULT_GOAL := help
.PHONY: help run test nightly lint bench clean runtime dev

export PYTHON
BIN = .venv/bin

help:
	@echo "make run    try it: emulated AWS, server, worker and a demo account (PORT=8000, AWS_EMULATOR_PORT=5599)"
	@echo "make test   the test suite, on SQLite and on PostgreSQL (ARGS= goes to pytest)"
	@echo "make nightly  the generated tests only, with many new examples (about half an hour)"
	@echo "make lint   style, types, import contracts, migrations"
	@echo "make bench  the benchmark, on PostgreSQL (ARGS= goes to it)"
	@echo "make clean  remove what these made: .venv, .run with the demo's data, caches"
	@echo
	@echo "Python 3.11 or newer is looked for; PYTHON=/path/to/python3 names one. Nothing is installed outside this folder."

run: runtime
	@exec $(BIN)/python manage.py demo

test: dev
	@status=0; \
	echo "== Tests on SQLite =="; \
	env -u DATABASE_URL $(BIN)/python -m pytest $(ARGS) || status=1; \
	echo "== Tests on PostgreSQL =="; \
	$(BIN)/python scripts/with_postgres.py -- $(BIN)/python -m pytest $(ARGS) || status=1; \
	exit $$status

nightly: dev
	@exec env -u DATABASE_URL HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest -m hypothesis $(ARGS)

lint: dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy inbound endpoints addresses domains ses_integration rest backoffice bench scripts
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python manage.py makemigrations --check --dry-run --settings inbound.test_settings
	@$(BIN)/python manage.py check --settings inbound.test_settings

bench: dev
	@exec $(BIN)/python scripts/with_postgres.py -- $(BIN)/python -m bench $(ARGS)

clean:
	rm -rf .venv .run .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

runtime:
	@sh scripts/setup.sh requirements.txt

dev:
	@sh scripts/setup.sh requirements-dev.txt
