"""Create and repair what inbound needs in AWS besides rules and identities."""

from __future__ import annotations

import logging
from collections.abc import Callable

from audit.actions import Action
from audit.record import record_names
from ses_integration.conf import SesConfig, ses_config
from ses_integration.models import DomainSync, RuleSetState
from ses_integration.setup.mail import MailPlace, is_configured, set_up_mail
from ses_integration.setup.rule_set import set_up_rule_set

logger = logging.getLogger(__name__)


def prepare(
    config: SesConfig,
    tell: Callable[[str], object] = logger.info,
    *,
    take_over: bool = False,
    new_account: bool = False,
    mail: bool = False,
    url: str = "",
) -> MailPlace | None:
    """Set up the rule set, and what reading and sending mail need if the settings name it. Tell a sentence for each change.

    `mail`: create topic, queue and configuration set even if the settings do not name them. `url`: where SNS posts instead of
    sending to a queue.
    `take_over`, `new_account`: see `set_up_rule_set`. Raises SesError; what has been done by then has been told.
    """
    changes: list[str] = []

    def change(sentence: str) -> None:
        changes.append(sentence)
        tell(sentence)

    try:
        set_up_rule_set(config, change, take_over=take_over, new_account=new_account)
        if not (mail or is_configured(config)):
            return None
        return set_up_mail(config, change, url=url, sending=mail or bool(config.configuration_set))
    finally:
        if changes:
            # Domains that were stalled because of what was missing are due now.
            DomainSync.objects.of(config).filter(stalled=True).update(retry_at=None)
            record_names(Action.SET_UP, RuleSetState._meta.label_lower, [config.rule_set], done=changes)


def auto_setup() -> list[str]:
    """Run `prepare` if SES_AUTO_SETUP is on, and return what it told. For the emulator, which loses everything when it stops."""
    config = ses_config()
    done: list[str] = []
    if config.auto_setup:
        prepare(config, done.append)
    return done
