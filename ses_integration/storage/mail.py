"""Where SES stores the mail of one domain, as one value for the apps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ses_integration.conf import ses_config
from ses_integration.errors import SesError
from ses_integration.storage.erase import ErasedBatch, EraseProgress, erase, erase_batches, is_empty
from ses_integration.storage.inventory import MailSize, Stored, StoredPage, count, list_keys, measure_mail

SECONDS_PER_ROUND = 10.0


@dataclass(frozen=True, slots=True)
class MailFolder:
    """The mail under `prefix` in `bucket`, by default the configured one. `str()` is `s3://bucket/prefix`."""

    prefix: str
    bucket: str = ""

    @property
    def place(self) -> str:
        """`bucket/prefix`, as in `ObservedRule.key_prefixes`."""
        return f"{self.bucket or ses_config().bucket}/{self.prefix}"

    def __str__(self) -> str:
        return f"s3://{self.place}"

    def measure(self) -> MailSize:
        """Count versions and bytes, within ten calls and ten seconds. Never raises."""
        return measure_mail(self.prefix, bucket=self.bucket)

    def count(self) -> Stored:
        """Count everything, with one call for each 1,000 versions. Raises SesError."""
        return count(self.prefix, bucket=self.bucket)

    def keys(self, after: str = "") -> StoredPage:
        """One page of the objects here, after the key `after`. One call. Raises SesError."""
        return list_keys(self.prefix, after=after, bucket=self.bucket)

    def is_empty(self) -> bool:
        """Whether S3 holds nothing here, not even a delete marker. One call. Raises SesError."""
        return is_empty(self.prefix, bucket=self.bucket)

    def erase(self, progress: Mapping[str, Any], *, seconds: float) -> Iterator[ErasedBatch]:
        """Erase page by page for about `seconds` (see `erase_batches`). Raises SesError.

        `progress`: from the last batch, by `EraseProgress.as_json`. Empty at the start of a pass.
        """
        return erase_batches(self.prefix, EraseProgress.from_json(progress), seconds=seconds, bucket=self.bucket)

    def erase_while(self, allowed: Callable[[], bool]) -> Iterator[int]:
        """Erase everything, and yield how many versions are gone, about every ten seconds.

        Ends when `allowed`, called before each round, returns False. Records nothing: what a crash leaves has to be found
        again. Raises SesError, even if S3 only refuses to delete something.
        """
        erased = 0
        while allowed():
            done = erase(self.prefix, seconds=SECONDS_PER_ROUND, bucket=self.bucket)
            erased += done.versions
            yield erased
            if done.problem:
                raise SesError(done.problem)
            if done.finished:
                return
