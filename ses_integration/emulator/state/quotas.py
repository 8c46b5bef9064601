"""SES's quotas for resources: the published values, which tests and benchmarks can change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields


class InvalidQuotas(ValueError):
    """The quotas are not valid. The message says why."""


@dataclass
class Quotas:
    """Quotas per account and region.

    Amazon SES Developer Guide, "Service quotas". SES enforces 500 recipients per rule, although older documents say 100.
    The quota for calls per second is `CallRate`.
    """

    rule_sets: int = 40
    rules: int = 200
    actions: int = 10
    recipients: int = 500
    filters: int = 100
    identities: int = 10_000

    def change(self, values: object) -> None:
        """Change quotas by name. None restores the published value. Raises InvalidQuotas and changes nothing.

        A quota below current use only refuses new resources.
        """
        published = {quota.name: quota.default for quota in fields(self)}
        if not isinstance(values, Mapping) or not values:
            raise InvalidQuotas("The body has a number, or null for the published one, for each quota to change.")
        unknown = set(values) - set(published)
        if unknown:
            raise InvalidQuotas(
                f"Unknown quotas: {', '.join(sorted(map(str, unknown)))}. Known: {', '.join(published)}."
            )
        wrong = [name for name, value in values.items() if value is not None and not _is_count(value)]
        if wrong:
            raise InvalidQuotas(f"'{wrong[0]}' is a whole number from 0, or null.")
        for name, value in values.items():
            setattr(self, name, published[name] if value is None else value)

    def reset(self) -> None:
        self.change(dict.fromkeys(self.as_dict()))

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
