"""The result of one AWS call, as a plain value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ses_integration.errors import NotConfigured, Refused, SesError, Unanswered, Unsent

# HeadBucket's errors have no body, so botocore reports the HTTP status as the code.
# AuthorizationError is SNS's.
ACCESS_DENIED = frozenset({"AccessDenied", "AuthorizationError", "UnauthorizedOperation", "403"})
# Only an emulator answers this.
NOT_IMPLEMENTED = "NotImplemented"


@dataclass(frozen=True, slots=True)
class Response:
    """`code`: AWS's error code without the suffix `Exception`, empty after success or without an answer.

    `error`: the failure as translated by `aws.translate`. An error that the caller expected has a code but no `error`.
    """

    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    error: SesError | None = None

    @property
    def succeeded(self) -> bool:
        return not self.code and self.error is None

    @property
    def denied(self) -> bool:
        return self.code in ACCESS_DENIED

    @property
    def throttled(self) -> bool:
        """AWS's rate limit or our own refused the call."""
        return isinstance(self.error, Refused) and not self.error.needs_attention

    @property
    def unanswered(self) -> bool:
        """AWS was not reached, or its answer is missing or unreadable."""
        return isinstance(self.error, Unsent | Unanswered)

    @property
    def outcome_unknown(self) -> bool:
        """AWS may have carried out the call, or may still do so."""
        return isinstance(self.error, Unanswered)

    @property
    def no_credentials(self) -> bool:
        return isinstance(self.error, NotConfigured)
