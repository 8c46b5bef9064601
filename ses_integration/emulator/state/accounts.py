"""The complete state of SES: one `SesRegion` for each account and region."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ses_integration.emulator.dns.zone import Zone
from ses_integration.emulator.state.action_targets import ActionTargets
from ses_integration.emulator.state.dns_proof import DnsProof
from ses_integration.emulator.state.identities import IdentitySettings, IdentityStore
from ses_integration.emulator.state.quotas import Quotas
from ses_integration.emulator.state.receipt_filters import ReceiptFilterStore
from ses_integration.emulator.state.receipt_rules import ReceiptRuleStore
from ses_integration.emulator.state.sending.configuration_sets import ConfigurationSetStore
from ses_integration.emulator.state.sending.limits import SendingLimits, SendingUse
from ses_integration.emulator.state.validation import Rule

# moto assigns this account to every access key that it did not create.
DEFAULT_ACCOUNT = "123456789012"


class SesRegion:
    """One account in one region. SES shares nothing between regions."""

    def __init__(
        self,
        account: str,
        region: str,
        settings: IdentitySettings,
        quotas: Quotas,
        zone: Zone,
        tested: Callable[[SesRegion, Rule], None],
        topic_tested: Callable[[str], None],
        sending: SendingUse,
    ) -> None:
        self.account = account
        self.region = region
        self.identities = IdentityStore(settings, quotas, DnsProof(zone, region))
        self._targets = ActionTargets(account, region, self.identities)
        self._tested = tested
        self.rules = ReceiptRuleStore(quotas, check_targets=self._test_targets)
        self.filters = ReceiptFilterStore(quotas)
        self.configuration_sets = ConfigurationSetStore()
        # Called when the topic of an event destination has been set.
        self.topic_tested = topic_tested
        self.sending = sending

    def _test_targets(self, rule: Rule) -> None:
        self._targets.check(rule)
        self._tested(self, rule)

    def as_dict(self) -> dict[str, Any]:
        """The state in the format of `GET /_ses`."""
        return {
            "active_rule_set": self.rules.active,
            "rule_sets": {name: rule_set.rules for name, rule_set in self.rules.rule_sets.items()},
            "filters": self.filters.list_receipt_filters(),
            "identities": [identity.as_dict() for identity in self.identities.named()],
        }


class SesAccounts:
    """All accounts and regions that have been called. Not thread-safe: the caller must hold `Ses.lock`."""

    def __init__(self, *, verify_new: bool, now: Callable[[], float] = time.monotonic) -> None:
        self.settings = IdentitySettings(verify_new)
        self.quotas = Quotas()
        self.limits = SendingLimits()
        self._now = now
        # Stays when the accounts are reset, because DNS is not a part of AWS.
        self.zone = Zone()
        self._configured = verify_new
        # Called when a rule's targets are reachable, before it is created or changed.
        self.targets_tested: Callable[[SesRegion, Rule], None] = lambda region, rule: None
        self.topic_tested: Callable[[str], None] = lambda arn: None
        self._regions: dict[tuple[str, str], SesRegion] = {}

    def region(self, account: str, region: str) -> SesRegion:
        """The state of an account in a region, created on first use."""
        key = (account, region)
        if key not in self._regions:
            self._regions[key] = SesRegion(
                account,
                region,
                self.settings,
                self.quotas,
                self.zone,
                lambda state, rule: self.targets_tested(state, rule),
                lambda arn: self.topic_tested(arn),
                SendingUse(self.limits, self._now),
            )
        return self._regions[key]

    def regions(self) -> list[SesRegion]:
        """The regions of all accounts that have been called."""
        return list(self._regions.values())

    def set_status(self, identity: str, status: str) -> bool:
        """Set the verification status of an identity in every region that has it. Returns whether any has."""
        found = [state.identities.set_status(identity, status) for state in self._regions.values()]
        return any(found)

    def as_dict(self) -> dict[str, Any]:
        """All regions by name. Regions of other accounts are prefixed with the account number."""
        return {
            region if account == DEFAULT_ACCOUNT else f"{account}/{region}": state.as_dict()
            for (account, region), state in sorted(self._regions.items())
        }

    def reset(self) -> None:
        """Clear everything but DNS, and restore the settings and quotas of the start."""
        self._regions.clear()
        self.settings.verify_new = self._configured
        self.quotas.reset()
        self.limits.reset()
