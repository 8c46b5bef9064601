"""A place for a download is free again however the download ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.utils import quote

from domains.models import Domain
from inbound.tests.support.factories import DomainFactory
from mail.downloads import room
from mail.tests.inbox import ATTACHMENTS, RAW, URL, received, stored

pytestmark = pytest.mark.sqlite


@pytest.fixture
def domain(ses, user) -> Domain:
    return DomainFactory(owner=user)


@pytest.fixture(autouse=True)
def one_place(settings: Any) -> Iterator[None]:
    settings.WEB_THREADS = 3
    room._places.cache_clear()
    yield
    room._places.cache_clear()


def test_of_two_downloads_at_once_the_second_is_refused(api, domain):
    path = f"{URL}/{stored(domain, RAW).pk}"
    for first, second in (("raw", "attachments/0"), ("attachments/0", "raw")):
        download = api.get(f"{path}/{first}")
        refused = api.get(f"{path}/{second}")
        assert (refused.status_code, refused["Retry-After"]) == (503, "5")
        assert refused.json() == {"error": "Too many downloads at the moment. Try again in a few seconds."}
        download.close()
        after = api.get(f"{path}/{second}")
        assert after.status_code == 200
        after.close()


def test_a_download_that_fails_or_is_only_asked_for_its_headers_keeps_no_place(api, domain, subtests):
    here, gone = stored(domain, RAW), received(domain, attachments=ATTACHMENTS)
    more = stored(domain, RAW, attachments=[*ATTACHMENTS, {**ATTACHMENTS[0], "index": 1}])
    for path, status in (
        (f"{gone.pk}/raw", 410),
        (f"{gone.pk}/attachments/0", 410),
        (f"{more.pk}/attachments/1", 404),
        (f"{here.pk}/raw", 200),
        (f"{here.pk}/attachments/0", 200),
    ):
        with subtests.test(path=path):
            assert api.head(f"{URL}/{path}").status_code == status
            download = api.get(f"{URL}/{here.pk}/raw")
            assert download.status_code == 200
            download.close()


def test_an_operator_is_told_to_wait(admin_client, api, domain):
    email = stored(domain, RAW)
    download = api.get(f"{URL}/{email.pk}/raw")
    for path in ("raw", "attachments/0"):
        page = admin_client.get(f"/admin/mail/receivedemail/{quote(email.pk)}/{path}/", follow=True)
        assert "Too many downloads at the moment." in page.content.decode()
    download.close()
