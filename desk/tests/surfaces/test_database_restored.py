"""An older state of the database is restored: SES holds what the rows do not know, and lacks what they want."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from desk.state.values import Kind, Level
from domains.models import Domain
from inbound.tests.processes.support.stack import url_of_database
from inbound.tests.support.aws import recover_and_run_worker, rules
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory
from inbound.tests.support.postgresql import postgresql
from ses_integration.watch.sweeper import SesSweeper

pytestmark = [pytest.mark.processes, pytest.mark.postgresql]

RESTORE = 'pg_restore --clean --if-exists --single-transaction --no-owner --dbname "$DATABASE_URL" inbound.dump'
LEFT_OVER = [
    "later.example",
    "a rule that no domain wants",
    "an identity that no domain wants",
    "ses_cleanup --apply --domain later.example removes it, with --force if that is more than a third of what is ours.",
]


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], None]:
    """`run("pg_dump …")`: on the database of this test, to which nothing else is connected meanwhile."""

    def program(words: str) -> None:
        connection.close()
        name = str(connection.settings_dict["NAME"])
        postgresql(words, tmp_path, url_of_database(os.environ["DATABASE_URL"], name))

    return program


def receiving(user: User, name: str) -> Domain:
    domain: Domain = DomainFactory(owner=user, name=name)
    EmailAddressFactory(domain=domain, address=f"hello@{name}")
    return domain


def test_it_shows_at_the_start_of_a_worker_until_it_is_mended(ses, user, alive, surfaces, run):
    deleted = receiving(user, "deleted.example")
    SesSweeper(3600.0).sweep()
    surfaces().assert_settled()
    run('pg_dump --format custom --file inbound.dump "$DATABASE_URL"')
    deleted.delete()
    receiving(user, "later.example")
    recover_and_run_worker(ses)
    assert set(rules(ses)) == {"inbound-later.example-rule"}

    run(RESTORE)
    # As a worker does when it starts.
    SesSweeper(3600.0).sweep()
    said = surfaces()
    said.assert_shows(Kind.SES_CHANGE, "deleted.example", level=Level.PENDING)
    said.assert_shows_operators(Kind.DRIFT, *LEFT_OVER, number=2)

    # The worker repairs what is recorded, and a person what is not.
    recover_and_run_worker(ses)
    said = surfaces()
    assert said.number(Kind.SES_CHANGE) == 0
    said.assert_shows_operators(Kind.DRIFT, *LEFT_OVER, number=2)
    call_command("ses_cleanup", "--apply", "--domain", "later.example", "--force", "--yes")
    SesSweeper(3600.0).sweep()
    surfaces().assert_settled(*LEFT_OVER)
    assert set(rules(ses)) == {"inbound-deleted.example-rule"}
