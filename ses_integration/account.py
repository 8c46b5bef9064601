"""Whose SES the ledger speaks of: to the credentials of another account, what it holds is not there, which is not "gone"."""

from __future__ import annotations

import time

from ses_integration import capacity, clients
from ses_integration.config import SesConfig
from ses_integration.errors import SesError, WrongAccount
from ses_integration.models import Capacity
from ses_integration.translation import aws_errors

PATIENCE_SECONDS = 2
# STS may be out of reach where SES is not; to wait for it with every call would help nobody.
ASK_AGAIN_SECONDS = 300.0

_known: dict[str, str] = {}
_silent_until: dict[str, float] = {}


def check(config: SesConfig) -> None:
    """Raises WrongAccount where the credentials are not those of the account that the ledger is of.

    The first account that is seen is recorded. Without an answer of STS nothing is proved, and nothing is held up.
    """
    present = of_credentials(config)
    if present and (recorded(config) or _record_first(config, present)) != present:
        raise WrongAccount


def recorded(config: SesConfig) -> str:
    """The account that the ledger is of; empty where none has been seen yet."""
    return Capacity.objects.of(config).values_list("account", flat=True).first() or ""


def record(config: SesConfig, account: str) -> None:
    """From now on the ledger is of `account`; the next sweep un-confirms what is not there."""
    capacity.of_scope(config)
    Capacity.objects.of(config).update(account=account)


def of_credentials(config: SesConfig) -> str:
    """From GetCallerIdentity, which needs no permission; asked once for each access key. Empty where STS does not tell."""
    key = clients.access_key()
    if not key or key in _known or time.monotonic() < _silent_until.get(key, 0.0):
        return _known.get(key, "")
    try:
        with aws_errors("GetCallerIdentity"):
            _known[key] = clients.sts(config.region, PATIENCE_SECONDS).get_caller_identity()["Account"]
    except SesError:
        _silent_until[key] = time.monotonic() + ASK_AGAIN_SECONDS
    return _known.get(key, "")


def forget() -> None:
    """Ask STS anew; for tests that change what it answers."""
    _known.clear()
    _silent_until.clear()


def _record_first(config: SesConfig, present: str) -> str:
    capacity.of_scope(config)
    # Of two that come at once, with different credentials, one is first.
    Capacity.objects.of(config).filter(account="").update(account=present)
    return recorded(config)
