"""SES's whole state: what every account holds in every region."""

from __future__ import annotations

from typing import Any

from ses_integration.emulator.state.action_targets import ActionTargets
from ses_integration.emulator.state.identities import IdentitySettings, IdentityStore
from ses_integration.emulator.state.quotas import Quotas
from ses_integration.emulator.state.receipt_filters import ReceiptFilterStore
from ses_integration.emulator.state.receipt_rules import ReceiptRuleStore

# The account that moto gives to every access key that it did not hand out itself.
DEFAULT_ACCOUNT = "123456789012"


class SesRegion:
    """One account in one region. SES shares nothing between regions."""

    def __init__(self, account: str, region: str, settings: IdentitySettings, quotas: Quotas) -> None:
        self.account = account
        self.region = region
        self.identities = IdentityStore(settings, quotas)
        self.rules = ReceiptRuleStore(quotas, reach=ActionTargets(account, region, self.identities).reach)
        self.filters = ReceiptFilterStore(quotas)

    def as_dict(self) -> dict[str, Any]:
        """For a human to read."""
        return {
            "active_rule_set": self.rules.active,
            "rule_sets": {name: rule_set.rules for name, rule_set in self.rules.rule_sets.items()},
            "filters": self.filters.list_receipt_filters(),
            "identities": [identity.as_dict() for identity in self.identities.named()],
        }


class SesAccounts:
    """Every account and region that was called so far. Not locked: one call at a time is the caller's business."""

    def __init__(self, *, verify_new: bool) -> None:
        self.settings = IdentitySettings(verify_new)
        self.quotas = Quotas()
        self._configured = verify_new
        self._regions: dict[tuple[str, str], SesRegion] = {}

    def region(self, account: str, region: str) -> SesRegion:
        """The account's state there, empty at first."""
        key = (account, region)
        if key not in self._regions:
            self._regions[key] = SesRegion(account, region, self.settings, self.quotas)
        return self._regions[key]

    def set_status(self, identity: str, status: str) -> bool:
        """Wherever there is such an identity; whether there was one."""
        found = [state.identities.set_status(identity, status) for state in self._regions.values()]
        return any(found)

    def as_dict(self) -> dict[str, Any]:
        """All regions, keyed by region; another account's carry its number in front."""
        return {
            region if account == DEFAULT_ACCOUNT else f"{account}/{region}": state.as_dict()
            for (account, region), state in sorted(self._regions.items())
        }

    def reset(self) -> None:
        """Forget it all."""
        self._regions.clear()
        self.settings.verify_new = self._configured
        self.quotas.reset()
