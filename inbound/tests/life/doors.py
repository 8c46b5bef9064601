"""The doors to the rows: the API, the services behind the admin's lists, and the shell."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import precondition

from addresses.deletion import delete_addresses
from addresses.models import EmailAddress
from domains.models import Domain, DomainDeletion
from inbound.tests.factories import EndpointFactory
from inbound.tests.life.rows import Life
from inbound.tests.life.truths import Truths
from inbound.tests.life.world import LOCALS, NAMES, Manner, locals_, manners, names, owners, picks, step

IN_A_HURRY = Manner(patient=False)
alive = precondition(lambda world: world.lives)
has_addresses = precondition(lambda world: any(life.addresses for life in world.lives.values()))


class Doors(Truths):
    """Each rule checks the answer's status against what the API was told before, and notes what it promises."""

    def __init__(self, *surroundings: Any) -> None:
        super().__init__(*surroundings)
        pk = self.ask(0, "post", "/domains", {"domain": NAMES[0]}).json()["id"]
        addresses = [f"{local}@{NAMES[0]}" for local in LOCALS[:2]]
        for address in addresses:
            assert self.ask(0, "post", "/email-addresses", {"address": address, "domainId": pk}).status_code == 201
        self.lives[NAMES[0]] = Life(0, pk, dict.fromkeys(addresses, True))
        self.read_journal()

    @step(owner=owners, name=names, manner=manners)
    def add_domain(self, owner: int, name: str, manner: Manner) -> None:
        life = self.lives.get(name)
        others = [other for other, theirs in self.lives.items() if theirs.owner != owner and _related(other, name)]
        expected = 409 if life or others else 201
        if expected == 201:
            self.identity_gone.discard(name)
        answer = self.ask(owner, "post", "/domains", {"domain": name}, manner=manner)
        assert answer.status_code == expected, answer.json()
        if expected == 201:
            self.lives[name] = Life(owner, answer.json()["id"])

    @alive
    @step(pick=picks, manner=manners)
    def delete_domain(self, pick: int, manner: Manner) -> None:
        name, life = self._life(pick)
        answer = self.ask(life.owner, "delete", f"/domains/{life.pk}", manner=manner)
        assert answer.status_code == 200
        del self.lives[name]
        assert answer.json()["deletedResources"]["emailAddresses"] == len(life.addresses)
        self._note_deletion(name, answer.json())

    @step(pick=picks, manner=manners)
    def delete_domain_a_second_time(self, pick: int, manner: Manner) -> None:
        records = list(DomainDeletion.objects.owed().order_by("started_at", "name"))
        if not records:
            return
        record = records[pick % len(records)]
        owner = next(number for number, user in enumerate(self.users) if user.pk == record.owner_id)
        answer = self.ask(owner, "delete", f"/domains/{record.domain_id}", manner=manner)
        assert answer.status_code == 200
        self._note_deletion(record.name, answer.json())

    @alive
    @step(pick=picks)
    def deletion_dies_after_its_first_transaction(self, pick: int) -> None:
        name, life = self._life(pick)
        self.work(IN_A_HURRY)
        with transaction.atomic():
            row = Domain.objects.get(pk=life.pk)
            DomainDeletion.objects.create(domain_id=row.pk, name=name, owner_id=row.owner_id)
            row.deleting_since = timezone.now()
            row.save(update_fields=["deleting_since"])
        del self.lives[name]

    @alive
    @step(pick=picks, local=locals_, active=st.sampled_from([True, True, True, False]), manner=manners)
    def add_address(self, pick: int, local: str, active: bool, manner: Manner) -> None:
        name, life = self._life(pick)
        address = f"{local}@{name}"
        expected = 409 if address in life.addresses else 201
        if active and expected == 201:
            self.gone.discard(address)
        body = {"address": address, "domainId": life.pk, "isActive": active}
        answer = self.ask(life.owner, "post", "/email-addresses", body, manner=manner)
        assert answer.status_code == expected, answer.json()
        if expected == 201:
            life.addresses[address] = active

    @has_addresses
    @step(pick=picks, manner=manners)
    def delete_address(self, pick: int, manner: Manner) -> None:
        address, life = self._address(pick)
        row = EmailAddress.objects.get(address=address)
        answer = self.ask(life.owner, "delete", f"/email-addresses/{row.pk}", manner=manner)
        assert answer.status_code == 200
        del life.addresses[address]
        cleanup = answer.json()["cleanup"]
        assert cleanup["sesRuleUpdated"] != ("warning" in cleanup)
        if cleanup["sesRuleUpdated"]:
            self._promise(address)

    @has_addresses
    @step(pick=picks, manner=manners)
    def flip_activity(self, pick: int, manner: Manner) -> None:
        address, life = self._address(pick)
        active = not life.addresses[address]
        if active:
            self.gone.discard(address)
        row = EmailAddress.objects.get(address=address)
        answer = self.ask(life.owner, "put", f"/email-addresses/{row.pk}", {"isActive": active}, manner=manner)
        assert answer.status_code == 200
        life.addresses[address] = active
        if not active and "warning" not in answer.json():
            self._promise(address)

    @has_addresses
    @step(first=picks, second=picks, third=picks, manner=manners)
    def delete_addresses_of_several_domains(self, first: int, second: int, third: int, manner: Manner) -> None:
        chosen = dict(map(self._address, (first, second, third)))
        rows = list(EmailAddress.objects.filter(address__in=chosen))
        self.work(manner)
        outcomes = delete_addresses(rows)
        for address, life in chosen.items():
            del life.addresses[address]
        for row in rows:
            if outcomes[row.pk].removed_from_ses:
                self._promise(row.address)

    @alive
    @step(pick=picks, on=st.booleans(), manner=manners)
    def switch_catch_all(self, pick: int, on: bool, manner: Manner) -> None:
        name, life = self._life(pick)
        verified = Domain.objects.get(pk=life.pk).status == Domain.Status.VERIFIED
        endpoint = self.endpoints[life.owner][0] if on and self.endpoints[life.owner] else None
        expected = 400 if on and not (verified and endpoint) else 200
        if on and expected == 200:
            self.gone.discard(name)
        body = {"isCatchAllEnabled": on, "catchAllEndpointId": endpoint}
        answer = self.ask(life.owner, "put", f"/domains/{life.pk}", body, manner=manner)
        assert answer.status_code == expected, answer.json()
        if expected == 200:
            life.catch_all = endpoint
            if not on and "awsConfigurationWarning" not in answer.json():
                self._promise(name)

    @step(owner=owners)
    def create_endpoint(self, owner: int) -> None:
        if len(self.endpoints[owner]) < 2:
            self.endpoints[owner].insert(0, EndpointFactory(owner=self.users[owner]).pk)

    @step(owner=owners, manner=manners)
    def delete_endpoint(self, owner: int, manner: Manner) -> None:
        if not self.endpoints[owner]:
            return
        endpoint = self.endpoints[owner].pop()
        answer = self.ask(owner, "delete", f"/endpoints/{endpoint}", manner=manner)
        assert answer.status_code == 200
        for name, life in self.lives.items():
            if life.catch_all == endpoint:
                life.catch_all = None
                if "warning" not in answer.json():
                    self._promise(name)

    @alive
    @step(pick=picks)
    def a_stranger_tries_every_door(self, pick: int) -> None:
        name, life = self._life(pick)
        rows = EmailAddress.objects.filter(address__in=life.addresses).order_by("address")[:1]
        paths = [f"/domains/{life.pk}", *(f"/email-addresses/{row.pk}" for row in rows)]
        stranger = 1 - life.owner
        for path in paths:
            assert self.ask(stranger, "delete", path, manner=IN_A_HURRY).status_code == 404
        body = {"isCatchAllEnabled": False}
        assert self.ask(stranger, "put", paths[0], body, manner=IN_A_HURRY).status_code == 404
        address = {"address": f"stranger@{name}", "domainId": life.pk}
        assert self.ask(stranger, "post", "/email-addresses", address, manner=IN_A_HURRY).status_code == 404

    @alive
    @step(pick=picks, manner=manners)
    def delete_all_addresses_in_a_shell(self, pick: int, manner: Manner) -> None:
        _, life = self._life(pick)
        self.work(manner)
        EmailAddress.objects.filter(domain_id=life.pk).delete()
        life.addresses.clear()

    @alive
    @step(pick=picks, manner=manners)
    def delete_domain_in_a_shell(self, pick: int, manner: Manner) -> None:
        name, life = self._life(pick)
        self.work(manner)
        Domain.objects.filter(pk=life.pk).delete()
        del self.lives[name]

    def _life(self, pick: int) -> tuple[str, Life]:
        name = sorted(self.lives)[pick % len(self.lives)]
        self.note(f"of {name}")
        return name, self.lives[name]

    def _address(self, pick: int) -> tuple[str, Life]:
        found = sorted((address, name) for name, life in self.lives.items() for address in life.addresses)
        address, name = found[pick % len(found)]
        self.note(f"{address}")
        return address, self.lives[name]

    def _promise(self, recipient: str) -> None:
        self.note(f"SES is said to hold no {recipient}")
        self.gone.add(recipient)

    def _note_deletion(self, name: str, body: dict) -> None:
        resources = body["deletedResources"]
        if resources["sesReceiptRules"] and name not in self.lives:
            self._promise(name)
            for local in LOCALS:
                self._promise(f"{local}@{name}")
        if resources["sesIdentity"] and name not in self.lives:
            self.note(f"SES is said to hold no identity {name}")
            self.identity_gone.add(name)


def _related(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")
