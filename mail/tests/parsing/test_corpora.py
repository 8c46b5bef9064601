"""The mail that broke other readers is read."""

from __future__ import annotations

from io import BytesIO

import pytest

from mail.parsing.pool import Parser
from mail.tests.corpora import cpython_mails, mail_parser_mails
from mail.tests.parsing.test_hostile import check

pytestmark = pytest.mark.sqlite_only


@pytest.mark.skipif(not cpython_mails(), reason="this Python was installed without its own tests")
def test_the_mails_of_cpython_are_read(shared_parser: Parser):
    mails = {path.name: path.read_bytes() for path in cpython_mails()}
    assert len(mails) > 40
    for name, content in mails.items():
        mail = shared_parser.parse(BytesIO(content))

        check(mail)
        assert mail.error is None, name
        assert mail.truncated == [], name
        assert mail.text or mail.html or mail.attachments or len(content) < 500, name


@pytest.mark.slow
def test_the_mails_of_mail_parser_are_read(shared_parser: Parser):
    mails = mail_parser_mails()
    assert len(mails) > 20
    for name, content in mails.items():
        mail = shared_parser.parse(BytesIO(content))

        check(mail)
        assert mail.error is None, name
        # One of them is a file of Outlook, which is no mail.
        assert mail.subject or name == "mail_outlook_1", name
        for attachment in mail.attachments:
            into = BytesIO()
            assert shared_parser.extract(BytesIO(content), attachment.index, into) == attachment
            assert len(into.getvalue()) == attachment.size
