from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from inbound.tests.support.factories import BlockedEmailFactory, EmailAddressFactory, EndpointFactory


@pytest.fixture
def full(domain):
    """`example.com` with addresses to a webhook and a mailbox, a block, and settings of its own."""
    hook = EndpointFactory(
        owner=domain.owner,
        name="Hook",
        config={"url": "https://hooks.example.org/?token=t", "headers": {"X-Key": "k"}, "verificationToken": "v"},
    )
    box = EndpointFactory(owner=domain.owner, name="Box", type="email", config={"forwardTo": "jo@example.org"})
    EmailAddressFactory(domain=domain, address="hello@example.com", endpoint=hook)
    EmailAddressFactory(domain=domain, address="info@example.com", endpoint=box)
    EmailAddressFactory(domain=domain, address="off@example.com", endpoint=None, is_active=False)
    BlockedEmailFactory(domain=domain, email_address="spam@example.com", reason="Spam")
    domain.receive_dmarc_emails, domain.mail_from_label, domain.mail_from_chosen = True, "bounce", True
    domain.save()
    return domain


@pytest.fixture
def exported(tmp_path):
    """Exports `example.com`; returns the file."""

    def exported(*options: str) -> str:
        file = tmp_path / "example.zip"
        call_command("export_domain", "example.com", "--to", str(file), *options)
        return str(file)

    return exported


@pytest.fixture
def given(tmp_path):
    """Writes a file of these bytes; returns its name."""

    def given(raw: bytes) -> str:
        file = tmp_path / "given.zip"
        file.write_bytes(raw)
        return str(file)

    return given


@pytest.fixture
def importing(capsys):
    """Imports for an account; returns the exit code and the JSON document."""

    def importing(file: str, owner, *options: str):
        capsys.readouterr()
        code: object = 0
        try:
            call_command("import_domain", file, "--owner", owner.username, "--json", *options)
        except SystemExit as end:
            code = end.code
        return code, json.loads(capsys.readouterr().out)

    return importing
