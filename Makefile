# Two commands on a fresh machine: `make run` and `make test`. Paths are relative, so the folder's name does not matter.
.DEFAULT_GOAL := help
.PHONY: help run test nightly coverage lint bench clean runtime dev

export PYTHON
# The tests start many Python processes, and compiling everything anew takes each of them longer than its work.
unexport PYTHONDONTWRITEBYTECODE
BIN = .venv/bin
ON_SQLITE = env -u DATABASE_URL $(BIN)/python -m pytest
ON_POSTGRESQL = $(BIN)/python scripts/with_postgres.py -- $(BIN)/python -m pytest
MEASURED = $(BIN)/python -m coverage run -m pytest
# Slow tests come first (conftest.py), and a worker takes the next test when it is done with one.
PARALLEL = --numprocesses auto --dist load --maxschedchunk 1

help:
	@echo "make run    try it: emulated AWS, server, worker and a demo account (PORT=8000, AWS_EMULATOR_PORT=5599)"
	@echo "make test   the test suite, each test on the databases that can prove it (ARGS=path: that one, on both; ARGS='--full path': all of its generated cases)"
	@echo "make nightly  every test on both databases, with all generated cases and many new examples (about an hour)"
	@echo "make coverage  the test suite with branch coverage, processes included"
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
	$(ON_SQLITE) $(or $(ARGS),$(PARALLEL) -m "(sqlite or sqlite_only) and not postgresql") || status=1; \
	echo "== Tests on PostgreSQL =="; \
	$(ON_POSTGRESQL) $(or $(ARGS),$(PARALLEL) -m "not sqlite_only") || status=1; \
	exit $$status

nightly: dev
	@status=0; \
	echo "== All tests on SQLite, with many generated examples =="; \
	HYPOTHESIS_PROFILE=nightly $(ON_SQLITE) $(PARALLEL) --full $(ARGS) || status=1; \
	echo "== All tests on PostgreSQL =="; \
	$(ON_POSTGRESQL) $(PARALLEL) --full $(ARGS) || status=1; \
	exit $$status

coverage: dev
	@rm -f .coverage .coverage.*; \
	env -u DATABASE_URL $(MEASURED) $(PARALLEL) -m "(sqlite or sqlite_only) and not postgresql"; \
	$(BIN)/python scripts/with_postgres.py -- $(MEASURED) $(PARALLEL) -m "not sqlite_only"; \
	$(BIN)/coverage combine --quiet && $(BIN)/coverage report

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
