"""A child process that reads mail, one for all tests of this folder that do not hurt it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mail.parsing.pool import Parser


@pytest.fixture(scope="session")
def shared_parser() -> Iterator[Parser]:
    with Parser(seconds=10, megabytes=512) as parser:
        yield parser
