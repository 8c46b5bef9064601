"""Rules of the state machine for changes from outside: the AWS console, SQL, stored mail and settings."""

from __future__ import annotations

from django.db import transaction
from hypothesis import strategies as st

from addresses.models import BlockedEmail, DeletedAddress, EmailAddress
from domains.models import DnsRecord, Domain, StatusChange
from domains.names import domain_of
from inbound.tests.life.machine import FOREIGN_RULE, NAMES, locals_, names, picks, step
from inbound.tests.life.observed import observe_ses
from inbound.tests.life.rows import identity_is_recorded
from inbound.tests.life.rules.operations import Operations
from inbound.tests.support.aws import create_foreign_identity, store_mail
from ses_integration.conf import ses_config
from ses_integration.models import LedgerEntry
from ses_integration.plan.resources import ResourceKind
from ses_integration.tests.emulator.clients import client

CONSOLE = ["remove_rule", "change_rule", "remove_identity", "make_identity", "remove_rule_set", "run_ses_setup"]
SQL = ["switch_address", "delete_address_row", "delete_domain_row"]


class ExternalChanges(Operations):
    """Each rule covers several changes, because Hypothesis chooses every rule equally often."""

    @step(what=st.sampled_from(CONSOLE), pick=picks)
    def change_in_console(self, what: str, pick: int) -> None:
        getattr(self, what)(pick)

    @step(what=st.sampled_from(SQL), name=names, local=locals_)
    def change_by_sql(self, what: str, name: str, local: str) -> None:
        getattr(self, what)(self._address(name, local))
        self.changed_by_sql.add(name)

    @step(most=st.sampled_from([1, 2, 3]))
    def change_recipient_setting(self, most: int) -> None:
        self.settings.SES_MAX_RECIPIENTS_PER_RULE = most
        self.changed_by_sql.update(NAMES)

    @step(most=st.sampled_from([1, 2, None]))
    def change_recipient_quota(self, most: int | None) -> None:
        """Set a quota of SES that is too small for the product to learn it as a limit."""
        self.ses.set_quotas(recipients=most)

    @step(pick=picks)
    def receive_mail(self, pick: int) -> None:
        """Store a mail under the key prefix of a rule."""
        rules = [rule for _, rule in sorted(observe_ses(self.ses).rules.items()) if rule.key_prefix]
        if rules:
            key = f"{rules[pick % len(rules)].key_prefix}stored-{len(self.mail)}"
            store_mail(key)
            self.mail.append(key)

    def remove_rule(self, pick: int) -> None:
        if name := self._rule(pick):
            self._console("delete_receipt_rule", RuleName=name)

    def change_rule(self, pick: int) -> None:
        if name := self._rule(pick):
            self._console("update_receipt_rule", Rule={"Name": name, "Recipients": ["intruder@theirs.org"]})

    def remove_identity(self, pick: int) -> None:
        name = NAMES[pick % len(NAMES)]
        if name in observe_ses(self.ses).identities:
            self._changed(name)
            self.foreign_identities.discard(name)
            self._console("delete_email_identity", service="sesv2", EmailIdentity=name)

    def make_identity(self, pick: int) -> None:
        name = NAMES[pick % len(NAMES)]
        there = name in observe_ses(self.ses).identities
        if not identity_is_recorded(name) and not there and name not in self.identity_reported_gone:
            self.without_faults(create_foreign_identity, name)
            self.foreign_identities.add(name)

    def remove_rule_set(self, pick: int) -> None:
        self._changed(*NAMES)
        self.foreign_rule = False
        self._console("set_active_receipt_rule_set", rule_set=False)
        self._console("delete_receipt_rule_set")

    def run_ses_setup(self, pick: int) -> None:
        self.without_faults(self.prepare_ses)

    def switch_address(self, row: EmailAddress) -> None:
        self.reported_gone.discard(row.address)
        self.tracked_domains[domain_of(row.address)].addresses[row.address] = not row.is_active
        EmailAddress.objects.filter(pk=row.pk).update(is_active=not row.is_active)

    def delete_address_row(self, row: EmailAddress) -> None:
        del self.tracked_domains[domain_of(row.address)].addresses[row.address]
        rows = EmailAddress.objects.filter(pk=row.pk)
        rows._raw_delete(rows.db)

    def delete_domain_row(self, row: EmailAddress) -> None:
        name = domain_of(row.address)
        del self.tracked_domains[name]
        with transaction.atomic():
            for model in (BlockedEmail, EmailAddress, DeletedAddress, DnsRecord, StatusChange):
                rows = model.objects.filter(domain_id=row.domain_id)
                rows._raw_delete(rows.db)
            domains = Domain.objects.filter(pk=row.domain_id)
            domains._raw_delete(domains.db)
        # Nobody asked the product to delete it, so nobody erases its mail.
        self.abandoned_prefixes.add(f"emails/{name}/{row.domain_id}/")

    def _rule(self, pick: int) -> str | None:
        rules = sorted(observe_ses(self.ses).rules.keys() - {FOREIGN_RULE})
        if not rules:
            return None
        name = rules[pick % len(rules)]
        self._changed(LedgerEntry.objects.get(kind=ResourceKind.RULE, name=name).domain)
        return name

    def _changed(self, *domains: str) -> None:
        self.note(f"{', '.join(domains)}")
        self.changed_in_ses.update(domains)

    def _console(self, operation: str, *, service: str = "ses", rule_set: bool = True, **parameters: object) -> None:
        aws = client(service, self.ses.url)
        if service == "ses" and rule_set:
            parameters["RuleSetName"] = ses_config().rule_set
        self.without_faults(getattr(aws, operation), **parameters)
