"""The AWS account that the ledger describes (ADR 8).

Seen with credentials of another account, everything in the ledger would look deleted. So no call may be made with them.
"""

from __future__ import annotations

import time

from ses_integration.aws import clients
from ses_integration.aws.clients import ClientSet
from ses_integration.aws.translate import aws_errors
from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination import quotas
from ses_integration.errors import BadCredentials, NoCredentials, SesError, Unanswered, Unsent, WrongAccount
from ses_integration.models import LedgerEntry, RuleSetState

STS_TIMEOUT_SECONDS = 2
# STS can be out of reach while SES is not. Do not wait for it before every call.
FAILURE_CACHE_SECONDS = 10.0

_account_of_key: dict[str, str] = {}
# By access key, and by the clients, because a new secret can belong to the same key.
_last_failure: dict[tuple[ClientSet, str], tuple[float, SesError]] = {}


def verify(config: SesConfig, recorded: str | None = None) -> ClientSet | None:
    """Raise WrongAccount if the credentials belong to another account than the ledger.

    Returns the clients whose credentials these are, for the `Gateway`: another thread may renew the credentials meanwhile. None
    without a region. Raises NoCredentials.

    `recorded`: the result of `read_recorded`, if the caller has just read it. Then this takes no SQL statement once there is
    an account. Records the first account it sees. Until then, errors of STS are ignored. Afterwards they are raised. If STS
    gave no answer, the error is Unsent, because the SES call was never sent.
    """
    if not config.region:
        return None
    clients.require_credentials(config.region)
    used = clients.current()
    if recorded is None:
        recorded = read_recorded(config)
    try:
        account = of_credentials(config, used)
    except SesError as error:
        if recorded:
            raise (Unsent(error.sentence) if isinstance(error, Unanswered) else error) from error
        return used
    if (recorded or _record_first(config, account)) != account:
        clients.renew(used)
        raise WrongAccount
    return used


def read_recorded(config: SesConfig) -> str:
    """The account that the ledger describes, or an empty string before the first one was recorded."""
    return RuleSetState.objects.of(config).values_list("account", flat=True).first() or ""


def record(config: SesConfig, account: str) -> None:
    """Record that the ledger describes `account` from now on. The next SES sweep invalidates what does not exist there."""
    quotas.rule_set_state(config)
    RuleSetState.objects.of(config).update(account=account)


def of_credentials(config: SesConfig, used: ClientSet | None = None) -> str:
    """Account of the credentials, from GetCallerIdentity, which needs no permission. Raises SesError.

    Answers are cached by access key, errors for ten seconds.
    """
    used = used or clients.current()
    key = (used.credentials() or ("",))[0]
    if key in _account_of_key:
        return _account_of_key[key]
    until, error = _last_failure.get((used, key), (0.0, None))
    if error is not None and time.monotonic() < until:
        raise error
    sts = clients.sts(config.region, STS_TIMEOUT_SECONDS, used)
    try:
        with aws_errors("GetCallerIdentity"):
            account: str = sts.get_caller_identity()["Account"]
    except (BadCredentials, NoCredentials):
        raise  # there may be others soon
    except SesError as error:
        _last_failure[used, key] = time.monotonic() + FAILURE_CACHE_SECONDS, error
        raise
    if key:
        _account_of_key[key] = account
    return account


def forget() -> None:
    """Forget the answers of STS. For tests that change them."""
    _account_of_key.clear()
    _last_failure.clear()


def _record_first(config: SesConfig, account: str) -> str:
    """Record `account` unless one is recorded. Return the recorded one.

    Returns an empty string for a previous scope that has a ledger: nobody knows which account it describes.
    """
    current = ses_config()
    is_previous_scope = (config.region, config.rule_set) != (current.region, current.rule_set)
    if is_previous_scope and LedgerEntry.objects.of(config).exists():
        return ""
    quotas.rule_set_state(config)
    # Conditional: two processes with different credentials may get here at once.
    RuleSetState.objects.of(config).filter(account="").update(account=account)
    return read_recorded(config)
