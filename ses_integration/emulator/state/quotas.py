"""SES's quotas of the control plane: as published, and others where a test or a benchmark needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields


class InvalidQuotas(ValueError):
    """The order cannot be understood; the sentence says why."""


@dataclass
class Quotas:
    """How many of each an account may have in one region; the same for all of them.

    Amazon SES Developer Guide, "Service quotas": rule sets, rules in a set, actions and recipients in a rule, IP address
    filters, verified identities. 500 recipients is what the service enforces; older text says 100. The quota of calls a
    second is kept by `CallRate`.
    """

    rule_sets: int = 40
    rules: int = 200
    actions: int = 10
    recipients: int = 500
    filters: int = 100
    identities: int = 10_000

    def change(self, order: object) -> None:
        """Quotas by name; `None` puts the published one back. All of it is valid, or nothing is taken.

        A quota below what is held already takes nothing away: it refuses what is sent from now on. Raises BadQuota.
        """
        published = {quota.name: quota.default for quota in fields(self)}
        if not isinstance(order, Mapping) or not order:
            raise InvalidQuotas("The body has a number, or null for the published one, for each quota to change.")
        unknown = set(order) - set(published)
        if unknown:
            raise InvalidQuotas(
                f"Unknown quotas: {', '.join(sorted(map(str, unknown)))}. Known: {', '.join(published)}."
            )
        wrong = [name for name, value in order.items() if value is not None and not _is_count(value)]
        if wrong:
            raise InvalidQuotas(f"'{wrong[0]}' is a whole number from 0, or null.")
        for name, value in order.items():
            setattr(self, name, published[name] if value is None else value)

    def reset(self) -> None:
        """The published ones."""
        self.change(dict.fromkeys(self.as_dict()))

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
