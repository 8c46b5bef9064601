"""Whose SES the ledger speaks of: to the credentials of another account, what it holds is not there, which is not "gone"."""

from __future__ import annotations

import time

from ses_integration.aws import clients
from ses_integration.aws.translate import aws_errors
from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination import quotas
from ses_integration.errors import SesError, Unanswered, Unsent, WrongAccount
from ses_integration.models import LedgerEntry, RuleSetState

PATIENCE_SECONDS = 2
# STS may be out of reach where SES is not; to wait for it with every call would help nobody.
ASK_AGAIN_SECONDS = 10.0

_known: dict[str, str] = {}
_silent: dict[str, tuple[float, SesError]] = {}


def verify(config: SesConfig) -> None:
    """Raises WrongAccount where the credentials are not those of the account that the ledger is of.

    The first account that is seen is recorded. Until then an STS that does not tell holds nothing up; from then on, what
    it gave as its reason is raised: nothing has been sent.
    """
    if not config.region:
        return
    try:
        present = of_credentials(config)
    except SesError as error:
        if recorded(config):
            raise (Unsent(error.sentence) if isinstance(error, Unanswered) else error) from error
        return
    if (recorded(config) or _record_first(config, present)) != present:
        raise WrongAccount


def recorded(config: SesConfig) -> str:
    """The account that the ledger is of; empty where none has been seen yet."""
    return RuleSetState.objects.of(config).values_list("account", flat=True).first() or ""


def record(config: SesConfig, account: str) -> None:
    """From now on the ledger is of `account`; the next sweep un-confirms what is not there."""
    quotas.rule_set_state(config)
    RuleSetState.objects.of(config).update(account=account)


def of_credentials(config: SesConfig) -> str:
    """From GetCallerIdentity, which needs no permission; asked once for each access key. Raises SesError."""
    key = clients.access_key()
    if key in _known:
        return _known[key]
    until, error = _silent.get(key, (0.0, None))
    if error is not None and time.monotonic() < until:
        raise error
    try:
        with aws_errors("GetCallerIdentity"):
            account: str = clients.sts(config.region, PATIENCE_SECONDS).get_caller_identity()["Account"]
    except SesError as error:
        _silent[key] = time.monotonic() + ASK_AGAIN_SECONDS, error
        raise
    if key:
        _known[key] = account
    return account


def forget() -> None:
    """Ask STS anew; for tests that change what it answers."""
    _known.clear()
    _silent.clear()


def _record_first(config: SesConfig, present: str) -> str:
    """What is recorded by now. Of a former region or rule set nobody knows any more whose it was, if it has a ledger."""
    today = ses_config()
    former = (config.region, config.rule_set) != (today.region, today.rule_set)
    if former and LedgerEntry.objects.of(config).exists():
        return ""
    quotas.rule_set_state(config)
    # Of two that come at once, with different credentials, one is first.
    RuleSetState.objects.of(config).filter(account="").update(account=present)
    return recorded(config)
