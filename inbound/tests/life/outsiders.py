"""Others: people in the AWS console, rows that are changed past every signal, mail, and a configuration that changes."""

from __future__ import annotations

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import precondition

from addresses.models import BlockedEmail, EmailAddress
from domains.models import DnsRecord, Domain
from inbound.tests.life.doors import Doors, alive, has_addresses
from inbound.tests.life.seen_ses import look
from inbound.tests.life.world import FOREIGN_RULE, NAMES, names, picks, step
from inbound.tests.seen import foreign_identity, store
from ses_integration.config import ses_config
from ses_integration.models import LedgerEntry
from ses_integration.planning import Kind
from ses_integration.tests.emulator.wire import client


class Outsiders(Doors):
    @step(pick=picks)
    def somebody_removes_a_rule(self, pick: int) -> None:
        names_ = sorted(look(self.ses).rules.keys() - {FOREIGN_RULE})
        if names_:
            name = names_[pick % len(names_)]
            self._disturb(LedgerEntry.objects.get(kind=Kind.RULE, name=name).domain)
            self._console("delete_receipt_rule", RuleName=name)

    @step(pick=picks)
    def somebody_changes_a_rule(self, pick: int) -> None:
        names_ = sorted(look(self.ses).rules.keys() - {FOREIGN_RULE})
        if names_:
            name = names_[pick % len(names_)]
            self._disturb(LedgerEntry.objects.get(kind=Kind.RULE, name=name).domain)
            self._console("update_receipt_rule", Rule={"Name": name, "Recipients": ["intruder@theirs.org"]})

    @step(name=names)
    def somebody_removes_an_identity(self, name: str) -> None:
        if name in look(self.ses).identities:
            self._disturb(name)
            self.foreign.discard(name)
            self._console("delete_email_identity", service="sesv2", EmailIdentity=name)

    @step(name=names)
    def somebody_makes_an_identity(self, name: str) -> None:
        known = LedgerEntry.objects.filter(kind=Kind.IDENTITY, name=name).exists()
        if not known and name not in look(self.ses).identities and name not in self.identity_gone:
            self.undisturbed(foreign_identity, name)
            self.foreign.add(name)

    @step()
    def somebody_removes_the_rule_set(self) -> None:
        self._disturb(*NAMES)
        self.foreign_rule = False
        self._console("set_active_receipt_rule_set", rule_set=False)
        self._console("delete_receipt_rule_set")

    @step()
    def ses_setup_is_run(self) -> None:
        self.undisturbed(self.prepare_ses)

    @step(pick=picks)
    def mail_arrives(self, pick: int) -> None:
        """Stored where the rule says that takes it."""
        rules = [rule for name, rule in sorted(look(self.ses).rules.items()) if rule.key_prefix]
        if rules:
            key = f"{rules[pick % len(rules)].key_prefix}{len(self.mail)}"
            store(key)
            self.mail.append(key)

    # Rows

    @has_addresses
    @step(pick=picks)
    def an_address_is_switched_by_sql(self, pick: int) -> None:
        address, life = self._address(pick)
        self.gone.discard(address)
        life.addresses[address] = not life.addresses[address]
        EmailAddress.objects.filter(address=address).update(is_active=life.addresses[address])
        self.bypassed.add(address.rpartition("@")[2])

    @has_addresses
    @step(pick=picks)
    def an_address_is_deleted_by_sql(self, pick: int) -> None:
        address, life = self._address(pick)
        del life.addresses[address]
        rows = EmailAddress.objects.filter(address=address)
        rows._raw_delete(rows.db)
        self.bypassed.add(address.rpartition("@")[2])

    @alive
    @step(pick=picks)
    def a_domain_is_deleted_by_sql(self, pick: int) -> None:
        name, life = self._life(pick)
        del self.lives[name]
        with transaction.atomic():
            for model in (BlockedEmail, EmailAddress, DnsRecord):
                rows = model.objects.filter(domain_id=life.pk)
                rows._raw_delete(rows.db)
            domains = Domain.objects.filter(pk=life.pk)
            domains._raw_delete(domains.db)
        # Nobody has asked for its deletion, so nobody erases its mail.
        self.abandoned.add(f"emails/{name}/{life.pk}/")
        self.bypassed.add(name)

    @precondition(lambda world: world.lives)
    @step(most=st.sampled_from([1, 2, 3]))
    def another_number_of_recipients_is_configured(self, most: int) -> None:
        self.note(f"from {self.settings.SES_MAX_RECIPIENTS_PER_RULE}")
        self.settings.SES_MAX_RECIPIENTS_PER_RULE = most
        self.bypassed.update(NAMES)

    @step(most=st.sampled_from([1, 2, None]))
    def ses_takes_another_number_of_recipients(self, most: int | None) -> None:
        self.ses.set_quotas(recipients=most)

    def _disturb(self, *domains: str) -> None:
        self.note(f"{', '.join(domains)}")
        self.disturbed.update(domains)

    def _console(self, operation: str, *, service: str = "ses", rule_set: bool = True, **parameters: object) -> None:
        aws = client(service, self.ses.url)
        if service == "ses" and rule_set:
            parameters["RuleSetName"] = ses_config().rule_set
        self.undisturbed(getattr(aws, operation), **parameters)
