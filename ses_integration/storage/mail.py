"""Where SES stores the mail of one domain, as one value for the apps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ses_integration.storage.erase import ErasedBatch, EraseProgress, erase_batches, is_empty, mail_location
from ses_integration.storage.inventory import MailSize, measure_mail


@dataclass(frozen=True, slots=True)
class MailFolder:
    """The mail under `prefix` in `bucket`, by default the configured one. `str()` is `s3://bucket/prefix`."""

    prefix: str
    bucket: str = ""

    def __str__(self) -> str:
        return mail_location(self.prefix, bucket=self.bucket)

    def measure(self) -> MailSize:
        """Count versions and bytes, within ten calls and ten seconds. Never raises."""
        return measure_mail(self.prefix, bucket=self.bucket)

    def is_empty(self) -> bool:
        """Whether S3 holds nothing here, not even a delete marker. One call. Raises SesError."""
        return is_empty(self.prefix, bucket=self.bucket)

    def erase(self, progress: Mapping[str, Any], *, seconds: float) -> Iterator[ErasedBatch]:
        """Erase page by page for about `seconds`; see `erase_batches`. Raises SesError.

        `progress`: that of the last batch as a dictionary, empty at the start of a pass.
        """
        return erase_batches(self.prefix, EraseProgress(**progress), seconds=seconds, bucket=self.bucket)
