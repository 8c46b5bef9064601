"""Backup and restore, as docs/backups.md has them: a real dump of an older state, and SES made equal to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from subprocess import CalledProcessError

import psycopg
import pytest

from inbound.tests.docs.pages import page
from inbound.tests.processes.support.checks import wait_until_idle
from inbound.tests.processes.support.clients import Api
from inbound.tests.processes.support.stack import Stack, url_of_database, wait_for
from inbound.tests.support.postgresql import postgresql

pytestmark = [pytest.mark.processes, pytest.mark.postgresql]

NAME = f"inbound_restored_{os.getpid()}"
CLEANUP = ("ses_cleanup", "--apply", "--yes", "--domain", "later.org")


@pytest.fixture
def restored_url() -> Iterator[str]:
    """The URL of an empty database of the same server."""
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{NAME}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{NAME}"')
        yield url_of_database(url, NAME)
        server.execute(f'DROP DATABASE "{NAME}" WITH (FORCE)')


def documented(words: str, folder: Path, url: str) -> None:
    """Run a command of docs/backups.md."""
    assert words in page("docs/backups.md").text
    postgresql(words, folder, url)


def test_sweeps_make_ses_equal_to_a_restored_database(stack: Stack, api: Api, restored_url: str, tmp_path: Path):
    stack.start()
    kept = api.add_domain("kept.org")
    first, second = (api.add_address(kept, f"{name}@kept.org") for name in ("first", "second"))
    deleted_later = api.add_domain("deleted.org")
    api.add_address(deleted_later, "a@deleted.org")
    wait_until_idle(within=30)
    rules, identities = stack.aws.rules(), stack.aws.identities()
    documented('pg_dump --format custom --file inbound.dump "$DATABASE_URL"', tmp_path, stack.env["DATABASE_URL"])

    # What the backup does not know of.
    api.delete(f"email-addresses/{first}")
    api.delete(f"email-addresses/{second}")
    api.add_address(kept, "third@kept.org")
    api.delete(f"domains/{deleted_later}")
    api.add_address(api.add_domain("later.org"), "a@later.org")
    wait_until_idle(within=30)
    assert stack.aws.rules() != rules
    stack.web.stop()
    stack.worker.stop()

    documented(
        'pg_restore --single-transaction --no-owner --dbname "$DATABASE_URL" inbound.dump', tmp_path, restored_url
    )
    stack.command("migrate", DATABASE_URL=restored_url)
    worker = stack.another_worker(
        "worker-after-restore", DATABASE_URL=restored_url, SES_SWEEP_SECONDS="1", SES_DATABASE_SWEEP_SECONDS="1"
    )
    worker.start()
    later = {"inbound-later.org-rule"}

    def ours() -> dict[str, frozenset[str]]:
        return {name: recipients for name, recipients in stack.aws.rules().items() if name not in later}

    wait_for(lambda: ours() == rules, within=30, what="SES holds the rules of the backup")
    wait_for(lambda: stack.aws.identities() - {"later.org"} == identities, within=30, what="and its identities")
    # What was created since is in no ledger: only an operator may remove it.
    assert later <= stack.aws.rules().keys()
    with pytest.raises(CalledProcessError) as listed:
        stack.command("ses_cleanup", DATABASE_URL=restored_url)
    assert listed.value.returncode == 2
    assert "later.org" in listed.value.stdout
    stack.command(*CLEANUP, DATABASE_URL=restored_url)
    assert (stack.aws.rules(), stack.aws.identities()) == (rules, identities)
    stack.command("ses_reconcile", DATABASE_URL=restored_url)
    stack.command("ses_status", DATABASE_URL=restored_url)
    worker.stop()
