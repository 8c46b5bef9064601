"""What came back of one call, as a plain value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ses_integration.errors import NotConfigured, Refused, SesError, Unanswered, Unsent

# HeadBucket's refusals have no body, so botocore takes their status for the code.
DENIED = frozenset({"AccessDenied", "UnauthorizedOperation", "403"})


@dataclass(frozen=True, slots=True)
class Reply:
    """`code` is AWS's own without the suffix `Exception`, empty where the call was carried out or nothing came back.

    `error` is what translation makes of a refusal or a silence. A refusal that was looked for has a code and no error.
    """

    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    message: str = ""
    error: SesError | None = None

    @property
    def done(self) -> bool:
        return not self.code and self.error is None

    @property
    def denied(self) -> bool:
        return self.code in DENIED

    @property
    def busy(self) -> bool:
        """AWS takes fewer calls than all of us make; it never looked at this one."""
        return isinstance(self.error, Refused) and not self.error.attention

    @property
    def silent(self) -> bool:
        """Nothing came back that says what AWS would have done."""
        return isinstance(self.error, Unsent | Unanswered)

    @property
    def may_add(self) -> bool:
        """It may have been carried out, or may still be."""
        return isinstance(self.error, Unanswered)

    @property
    def without_credentials(self) -> bool:
        return isinstance(self.error, NotConfigured)
