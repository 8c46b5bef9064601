# Two commands on a fresh machine: `make run` and `make test`. Paths are relative, so the folder's name does not matter.
.DEFAULT_GOAL := help
.PHONY: help run test nightly statemachine fuzz coverage lint bench clean runtime dev

export PYTHON
# The tests start many Python processes, which must not compile everything anew.
unexport PYTHONDONTWRITEBYTECODE
BIN = .venv/bin
ON_SQLITE = env -u DATABASE_URL $(BIN)/python -m pytest
ON_POSTGRESQL = $(BIN)/python scripts/with_postgres.py -- $(BIN)/python -m pytest
MEASURED = $(BIN)/python -m coverage run -m pytest
# Slow tests come first (conftest.py), and each worker takes one test at a time.
PARALLEL = --numprocesses auto --dist load --maxschedchunk 1

help:
	@echo "make run       run the demo: emulated AWS, server, workers and a demo account (PORT, AWS_EMULATOR_PORT, DEMO_DNS_PORT and DEMO_SMTP_PORT choose other ports)"
	@echo "make test      run the test suite, each test on the databases that it is marked for"
	@echo "               ARGS=path: one file or test, on both databases; ARGS='--full path': with all its generated cases"
	@echo "make nightly   run every test on both databases, with all generated cases and many new examples (about an hour)"
	@echo "make statemachine STEPS=100000"
	@echo "               run the state machine for so many random steps on PostgreSQL"
	@echo "make fuzz REQUESTS=100000"
	@echo "               send so many random requests to the server on PostgreSQL, and hold the answers against the API's description"
	@echo "make coverage  run the test suite with branch coverage, processes included"
	@echo "make lint      check style, types, import contracts and migrations"
	@echo "make bench     run the benchmark on PostgreSQL (ARGS='--only reads': one part)"
	@echo "               ARGS='--against REVISION': compare HEAD with a revision; '--only growth': a small with a large installation"
	@echo "make clean     remove what these commands create: .venv, .run with the demo's data, caches"
	@echo
	@echo "Needs Python 3.11 or newer. PYTHON=/path/to/python3 chooses one. Nothing is installed outside this folder."

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

statemachine: dev
	@HYPOTHESIS_PROFILE=nightly STATE_MACHINE_STEPS=$(or $(STEPS),100000) $(ON_POSTGRESQL) $(PARALLEL) $(ARGS) inbound/tests/life

fuzz: dev
	@FUZZ_REQUESTS=$(or $(REQUESTS),100000) $(ON_POSTGRESQL) $(PARALLEL) $(ARGS) inbound/tests/processes/fuzz

coverage: dev
	@rm -f .coverage .coverage.*; \
	env -u DATABASE_URL $(MEASURED) $(PARALLEL) -m "(sqlite or sqlite_only) and not postgresql"; \
	$(BIN)/python scripts/with_postgres.py -- $(MEASURED) $(PARALLEL) -m "not sqlite_only"; \
	$(BIN)/coverage combine --quiet && $(BIN)/coverage report

lint: dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy inbound desk archives mail endpoints addresses domains ses_integration workers audit rest backoffice bench scripts
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python manage.py makemigrations --check --dry-run --settings inbound.test_settings
	@$(BIN)/python manage.py check --settings inbound.test_settings

bench: dev
	@exec $(BIN)/python scripts/with_postgres.py -- $(BIN)/python -m bench $(ARGS)

clean:
	rm -rf .venv .run .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .screenshots staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

runtime:
	@sh scripts/setup.sh requirements.txt

dev:
	@sh scripts/setup.sh requirements-dev.txt
