"""Recognising the receipt rules of the reference service, whose account we may be taking over. Pure.

See docs/api/compatibility.md, "Rules of the reference service".
"""

from __future__ import annotations

from collections.abc import Iterable

from ses_integration.aws.observed import ObservedRule, covers
from ses_integration.plan.compile import DesiredState

_ACTIONS = (("S3Action",), ("S3Action", "LambdaAction"))


def is_reference_rule(rule: ObservedRule) -> bool:
    """`<domain>-rule` with addresses of the domain, or `<domain>-catchall-rule` with the domain, storing where it does."""
    domain = rule.domain
    if not domain or rule.actions not in _ACTIONS or rule.may_end:
        return False
    if rule.name == f"{domain}-catchall-rule":
        prefix, fits = f"emails/{domain}/catchall/", rule.recipients == {domain}
    else:
        fits = rule.name == f"{domain}-rule" and domain not in rule.recipients
        prefix = f"emails/{domain}/"
    return fits and all(key.partition("/")[2] == prefix for key in rule.key_prefixes)


def not_received(recipients: Iterable[str], desired: DesiredState) -> list[str]:
    """Of the recipients of a rule, those whose mail nobody would take if it went, as our rows are now."""
    ours = frozenset(recipient for own in desired.rules for recipient in own.recipients)
    return sorted(recipient for recipient in recipients if not covers(ours, recipient))
