"""Verification of absence: whether SES and S3 still hold anything of domains that were deleted.

What is found and is ours goes back into the ledger, so that the ordinary loop removes it. What is not ours is only reported.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from ses_integration.aws.observe import observe_with_active_set
from ses_integration.aws.observed import ObservedRule, share_mail
from ses_integration.conf import ses_config
from ses_integration.drift import adopt, sweep
from ses_integration.drift.foreign import named_like_ours
from ses_integration.errors import SesError
from ses_integration.models import LedgerEntry
from ses_integration.plan.resources import ResourceKind
from ses_integration.status.sync_state import SyncState
from ses_integration.storage.mail import MailFolder


@dataclass(frozen=True, slots=True)
class Remains:
    """What is still there of one deleted domain.

    `rules`, `identity` and `stored_mail` are ours and should be gone. `foreign_rules` are rules of others that take mail
    for the name. `problem` is a sentence if S3 could not be asked.
    """

    rules: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    stored_mail: tuple[str, ...] = ()
    foreign_rules: tuple[str, ...] = ()
    problem: str = ""


class AbsenceCheck:
    """One observation of SES, shared by all deletions that are verified with it.

    `observed_at` is when SES was asked. `changing` are names that had changes on their way to SES then, for a later domain of
    the same name: the observation proves nothing about them.
    """

    def __init__(self, names: Collection[str]) -> None:
        """Observe SES: one DescribeActiveReceiptRuleSet and the identity list, and the rules of our set if another one is
        active. Raises SesError. About five statements."""
        self._config = config = ses_config()
        self._seen = observe_with_active_set(config)
        self.changing = set(SyncState.pending_names(names))
        if LedgerEntry.objects.of(config).filter(domain__in=names).exists():
            sweep.invalidate(config, self._seen, names)
        # Of other domains, or of one that was added again.
        held = [rule.name for rule in self._seen.rules]
        recorded = LedgerEntry.objects.of(config).filter(kind=ResourceKind.RULE, name__in=held)
        self._recorded = set(recorded.values_list("name", flat=True))

    @property
    def observed_at(self) -> datetime:
        return self._seen.asked_at

    def remains_of(
        self,
        name: str,
        mail: MailFolder,
        *,
        rule_names: Collection[str],
        identity_deleted: bool,
        mail_erased: bool,
        added_again: bool,
    ) -> Remains:
        """Look for what is left of one deleted domain, and put what is ours back into the ledger. One call to S3; its error
        becomes `problem`.

        `rule_names` are the rules that the ledger had when the deletion began. `identity_deleted` and `mail_erased` say what
        should be gone besides the rules. With `added_again`, the name has a new domain, which owns the identity and all rules
        that store elsewhere.
        """
        rules = [
            rule
            for rule in self._seen.rules
            if (rule.name in rule_names or named_like_ours(rule, self._config.rule_prefix))
            and _made_for(rule, name, mail)
        ]
        for rule in rules:
            self._adopt(ResourceKind.RULE, rule.name, name, rule.recipients)
        found = tuple(rule.name for rule in rules)
        known = self._recorded.union(found)
        identity: tuple[str, ...] = ()
        foreign: tuple[str, ...] = ()
        if not added_again:
            if identity_deleted and name in self._seen.identities:
                identity = (name,)
                # It is deleted only if its tag, which the loop reads again, says that it is ours.
                self._adopt(ResourceKind.IDENTITY, name, name)
            others = [rule for rule in self._seen.all_rules if rule.enabled and rule.name not in known]
            foreign = tuple(rule.name for rule in others if share_mail(rule.recipients, frozenset({name})))
        stored, problem = _stored_mail(mail) if mail_erased else ((), "")
        return Remains(found, identity, stored, foreign, problem)

    def _adopt(self, kind: ResourceKind, name: str, domain: str, recipients: Collection[str] = ()) -> None:
        # The ledger has forgotten it, so no sweep would find it.
        adopt.adopt(self._config, kind, name, domain=domain, recipients=recipients)


def _made_for(rule: ObservedRule, domain: str, mail: MailFolder) -> bool:
    """Whether the rule was made for this domain, and not for another domain of the same name.

    The name alone does not tell: another installation may give its rule for the same domain the same name. So the rule has
    to store where this domain's mail goes. The ledger may never have known it: a create may have got no answer.
    """
    return rule.domain == domain and rule.stores_only_in(mail.place)


def _stored_mail(mail: MailFolder) -> tuple[tuple[str, ...], str]:
    """Where mail is left that should be erased, and why S3 could not be asked."""
    try:
        empty = mail.is_empty()
    except SesError as error:
        return (), error.sentence
    return (() if empty else (str(mail),)), ""
