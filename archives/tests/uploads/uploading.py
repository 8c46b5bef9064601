"""Archives to import, and what becomes of them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from archives.imports.service import prepare
from archives.models import Import
from archives.tests.format.reading.making import Making
from archives.uploads.start import import_archive
from domains.models import Domain
from inbound.tests.support.aws import stored_keys
from ses_integration.api import StoredMail


def numbered() -> Any:
    """Gives each mail an id of its own: ses1, ses2 and so on."""
    numbers = count(1)
    return lambda values: values | {"sesMessageId": f"ses{next(numbers)}"}


def with_mails(*folders: int) -> bytes:
    """An archive with folders of so many mails."""
    number = count(1)
    raws: list[list[bytes | None]] = [
        [f"Subject: {next(number)}\r\n\r\nHello".encode() for _ in range(n)] for n in folders
    ]
    return Making(folders=raws, mail=numbered()).bytes()


def start(owner: User, raw: bytes, *, with_mail: bool = True) -> Import:
    file = io.BytesIO(raw)
    return import_archive(prepare(file, owner), file, with_mail=with_mail)


def make_due() -> None:
    """Claims and pauses are over, and a month is not."""
    Import.objects.exclude(state__in=["done", "failed"]).update(retry_at=timezone.now() - timedelta(seconds=1))


def contents(domain: Domain) -> dict[str, bytes]:
    """What is stored below the domain's prefix, by the rest of the key."""
    return dict(_contents(domain.key_prefix))


def _contents(prefix: str) -> Iterator[tuple[str, bytes]]:
    for key in stored_keys():
        if key.startswith(prefix):
            _, pieces = StoredMail(key).stream()
            yield key.removeprefix(prefix), b"".join(pieces)
