"""Pages of long lists, with a token for the next page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from ses_integration.emulator.state.identities import Identity
from ses_integration.emulator.wire.errors import AwsError


def page(identities: Sequence[Identity], token: str | None, size: int) -> tuple[list[Identity], str | None]:
    """One page of `identities`, sorted by name, and the token for the next page, or None.

    The token holds the last name of the page, so no page repeats or skips an identity even if others are created or
    deleted in between. Raises AwsError for an invalid token.
    """
    start = _decode(token) if token else ""
    rest = [identity for identity in identities if identity.name > start]
    shown = list(rest[:size])
    more = len(rest) > size
    return shown, base64.urlsafe_b64encode(shown[-1].name.encode()).decode() if more else None


def _decode(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeError) as error:
        raise AwsError("InvalidParameterValue", "Invalid NextToken") from error
