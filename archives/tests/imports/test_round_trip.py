"""Export, delete, import: the domain works as before"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from archives.tests.imports.rows import delete, shown
from domains.models import Domain
from endpoints.models import Endpoint
from inbound.tests.support.aws import identities, recover_and_run_worker, stored_keys
from mail.models import Delivery, ReceivedEmail
from mail.tests.inbox import RAW, mail_with
from mail.tests.postbox import MAIL, Postbox, work
from ses_integration.aws import clients
from ses_integration.conf import ses_config

RAWS = [RAW, MAIL, mail_with(("big.bin", "application/octet-stream", bytes(range(256)) * 4000))]


@pytest.fixture(autouse=True)
def queue(ses, settings):
    """Its URL. The rules of the domain, which comes later, tell it of mail."""
    made = ses.prepare_mail("eu-west-1")
    settings.SES_TOPIC_ARN, settings.SES_QUEUE_URL = made.topic_arn, made.queue_url
    settings.MAIL_SOURCE, settings.MAIL_SWEEP_GRACE_SECONDS = "sqs", 0
    return made.queue_url


@pytest.fixture
def postbox(ses, queue, full):
    recover_and_run_worker(ses)
    return Postbox(ses, full, queue)


def rule_set(domain: Domain) -> Any:
    """Everything that SES has of its rules, without the domain's id."""
    client = clients.ses("eu-west-1")
    held = client.describe_receipt_rule_set(RuleSetName=ses_config().rule_set)["Rules"]
    return json.loads(json.dumps(held).replace(domain.pk, "ID"))


def hashes(domain: Domain) -> dict[str, str]:
    s3 = clients.s3("eu-west-1")
    return {
        key.removeprefix(domain.key_prefix): hashlib.sha256(
            s3.get_object(Bucket="inbound-mail", Key=key)["Body"].read()
        ).hexdigest()
        for key in stored_keys()
    }


def test_an_imported_domain_receives_and_routes_as_before(postbox, full, exported, importing):
    for raw, local in zip(RAWS, ("hello", "info", "hello"), strict=True):
        postbox.deliver(f"{local}@example.com", raw=raw)
    work()
    rules, mails, configuration = rule_set(full), hashes(full), shown(Domain.objects.get())
    routed = sorted(ReceivedEmail.objects.values_list("recipient", "disposition", "message__subject"))
    assert len(mails) == len(routed) == len(RAWS)
    file = exported("--with-secrets")
    delete(full)
    assert (stored_keys(), identities(postbox.aws)) == ([], set())

    code, answer = importing(file, full.owner, "--with-mail")
    assert (code, answer["mails"]) == (0, {"stored": len(RAWS), "existing": 0, "missing": 0})
    work(sweep=True)
    domain = Domain.objects.get()
    assert (rule_set(domain), shown(domain), identities(postbox.aws)) == (rules, configuration, {"example.com"})
    assert hashes(domain) == mails
    again = ReceivedEmail.objects.values_list("recipient", "disposition", "message__subject")
    assert sorted(again) == [(recipient, "stored", subject) for recipient, _, subject in routed]
    assert not Delivery.objects.exists()

    new = postbox.deliver("info@example.com")
    work()
    email = ReceivedEmail.objects.get(message__ses_id=new)
    assert (email.disposition, email.route["matched"]) == ("routed", "address")
    assert email.deliveries.get().endpoint == Endpoint.objects.get(name="Box")
    assert new in hashes(domain)
