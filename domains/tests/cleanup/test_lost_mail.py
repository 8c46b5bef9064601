"""Mail in the database whose domain was deleted by hand."""

from __future__ import annotations

import json

from domains.models import Domain, DomainDeletion
from domains.tests.cleanup.leftovers import NOTHING, forget
from inbound.tests.support.factories import DomainFactory, MessageFactory, ReceivedEmailFactory
from mail.models import MailCount, Message, ReceivedEmail
from mail.tests.erasure.mails import write_mails
from ses_integration.tests.commands.run import apply, run


def test_it_is_listed_and_erased(ses, live):
    kept = ReceivedEmailFactory(message=MessageFactory(domain=live))
    domain = DomainFactory(name="lost.org")
    write_mails(domain, 501)
    Domain.objects.filter(pk=domain.pk)._raw_delete("default")
    code, text = run("ses_cleanup")
    assert code == 2
    assert f"Mail in the database without a domain:\n! lost.org ({domain.pk}): 501 mails\n" in text
    assert json.loads(run("ses_cleanup", "--json")[1])["lostMail"] == [
        {"domain": "lost.org", "domainId": domain.pk, "mails": 501}
    ]
    assert Message.objects.count() == 502
    text = apply("ses_cleanup")[1]
    assert f"lost.org ({domain.pk}): 501 received emails erased from the database\n" in text
    assert ReceivedEmail.objects.get() == kept
    assert set(MailCount.objects.values_list("domain", flat=True)) == {live.pk}
    assert "lost.org" not in run("ses_cleanup")[1]


def test_domain_limits_it_to_one_domain(ses):
    for name in ("lost.org", "other.org"):
        MessageFactory(domain=DomainFactory(name=name))
        forget(name)
    apply("ses_cleanup", "--domain", "lost.org")
    assert Message.objects.get().key.startswith("emails/other.org/")


def test_mail_that_a_deletion_erases_is_not_lost(ses):
    MessageFactory(domain=DomainFactory(name="gone.org"))
    Domain.objects.filter(name="gone.org").delete()
    code, text = run("ses_cleanup")
    assert (code, "Mail in the database" in text) == (2, False)
    assert "Unfinished deletions" in text
    code, text = apply("ses_cleanup")
    assert (code, text.endswith(NOTHING)) == (0, True)
    assert not Message.objects.exists()
    assert DomainDeletion.objects.get().finished_at
