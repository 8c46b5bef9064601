"""Secrets of an installation that has data: the migration that seals them, and `reseal_secrets`."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from endpoints.models import Endpoint
from endpoints.webhooks.sealing import seal
from endpoints.webhooks.signing import key_of
from inbound.tests.support.factories import SECRET, EndpointFactory, UserFactory

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]

URL = "https://hooks.example.org/mail"


@pytest.fixture
def executor() -> Iterator[MigrationExecutor]:
    yield MigrationExecutor(connection)
    latest = MigrationExecutor(connection)
    latest.migrate(latest.loader.graph.leaf_nodes())


def at(name: str):
    """Migrate, and return the model of that state."""
    executor = MigrationExecutor(connection)
    return executor.migrate([("endpoints", name)]).apps.get_model("endpoints", "Endpoint")


def test_secrets_of_existing_webhooks_are_sealed_and_come_back(executor):
    owner = UserFactory()
    old = at("0003_filter_indexes")
    for pk, kind, config in (
        ("given", "webhook", {"url": URL, "secret": "s3cret"}),
        ("token", "webhook", {"url": URL, "secret": None, "verificationToken": "mine"}),
        ("forward", "email", {"forwardTo": "jo@example.net", "secret": "kept"}),
    ):
        old.objects.create(pk=pk, owner_id=owner.pk, name=pk, type=kind, config=config)
    updated = dict(old.objects.values_list("pk", "updated_at"))
    at("0004_sealed_secrets")
    given, token, forward = (Endpoint.objects.get(pk=pk) for pk in ("given", "token", "forward"))
    assert (given.secret, set(given.config)) == ("s3cret", {"url", "verificationToken"})
    assert (len(token.signing_keys()[0]), token.config) == (32, {"url": URL, "verificationToken": "mine"})
    assert (forward.secret, forward.config) == (None, {"forwardTo": "jo@example.net", "secret": "kept"})
    assert dict(Endpoint.objects.values_list("pk", "updated_at")) == updated
    back = dict(at("0003_filter_indexes").objects.values_list("pk", "config"))
    assert back["given"]["secret"] == "s3cret"
    assert back["token"] == {"url": URL, "verificationToken": "mine", "secret": token.secret}


def test_after_resealing_the_earlier_secret_key_is_not_needed(settings):
    settings.SECRET_KEY = "old"
    endpoint = EndpointFactory.create(sealed_previous_secret=seal("previous"))
    EndpointFactory.create(type="email", config={"forwardTo": "jo@example.net"})
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]
    out = StringIO()
    call_command("reseal_secrets", stdout=out)
    assert out.getvalue() == "Sealed: 1 webhook.\n"
    settings.SECRET_KEY_FALLBACKS = []
    endpoint.refresh_from_db()
    assert endpoint.signing_keys() == [key_of(SECRET)]
    endpoint.sealed_secret = endpoint.sealed_previous_secret
    assert endpoint.secret == "previous"


def test_resealing_names_what_it_cannot_read_and_seals_the_rest(settings):
    EndpointFactory.create(pk="lost", sealed_secret="unreadable")
    EndpointFactory.create()
    out = StringIO()
    with pytest.raises(CommandError, match=r"SECRET_KEY_FALLBACKS: lost\. "):
        call_command("reseal_secrets", stdout=out)
    assert out.getvalue() == "Sealed: 1 webhook.\n"
