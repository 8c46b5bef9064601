"""Whatever arrives is listed, shown, and can be downloaded: mail that broke other readers, and hostile mail."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from inbound.tests.support.admin_site import url
from mail.models import Message, ReceivedEmail
from mail.tests.corpora import cpython_mails, mail_parser_mails
from mail.tests.inbox import URL
from mail.tests.parsing.hostile import HOSTILE
from mail.tests.postbox import Postbox, work

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def admin(user: User, client: Client) -> Client:
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    client.force_login(user)
    return client


def assert_all_can_be_read(postbox: Postbox, api: APIClient, admin: Client, mails: dict[str, bytes]) -> None:
    names = {postbox.deliver(raw=raw): name for name, raw in mails.items()}
    work()
    for email in ReceivedEmail.objects.select_related("message"):
        name = names.pop(email.message.ses_id)
        assert email.message.state == Message.State.INGESTED, name
        assert (email.message.parse_seconds or 0) < 10, name
        shown = api.get(f"{URL}/{email.pk}").json()
        assert shown["metadata"]["attachmentCount"] == len(shown["attachments"]), name
        raw = b"".join(api.get(f"{URL}/{email.pk}/raw"))
        assert raw.endswith(mails[name]), name
        assert admin.get(url("mail.receivedemail", "change", email.pk)).status_code == 200, name
    assert not names
    listed = api.get(URL, {"limit": "100"}).json()
    assert (listed["pagination"]["total"], len(listed["emails"])) == (len(mails), min(100, len(mails)))


def test_mail_that_broke_other_readers_can_be_read(postbox: Postbox, api: APIClient, admin: Client) -> None:
    mails = {path.name: path.read_bytes() for path in cpython_mails()}
    assert_all_can_be_read(postbox, api, admin, mails | mail_parser_mails())


def test_hostile_mail_can_be_read(postbox: Postbox, api: APIClient, admin: Client) -> None:
    assert_all_can_be_read(postbox, api, admin, {name: make() for name, make in HOSTILE.items()})
