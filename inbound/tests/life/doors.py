"""The doors to the rows: the API, the services behind the admin's lists, and the shell."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import precondition

from addresses.deletion import delete_addresses
from addresses.models import EmailAddress
from domains.models import Domain, DomainDeletion
from inbound.tests.factories import EndpointFactory
from inbound.tests.life.rows import Life
from inbound.tests.life.world import LOCALS, World, locals_, names, owners, picks, step

patience = st.sampled_from([True, True, False])
alive = precondition(lambda world: world.lives)
has_addresses = precondition(lambda world: any(life.addresses for life in world.lives.values()))


class Doors(World):
    """Each rule checks the answer's status against what the API was told before, and notes what it promises."""

    @step(owner=owners, name=names, patient=patience)
    def add_domain(self, owner: int, name: str, patient: bool) -> None:
        life = self.lives.get(name)
        others = [other for other, theirs in self.lives.items() if theirs.owner != owner and _related(other, name)]
        expected = 409 if life or others else 201
        if expected == 201:
            self.identity_gone.discard(name)
        answer = self.ask(owner, "post", "/domains", {"domain": name}, patient=patient)
        assert answer.status_code == expected, answer.json()
        if expected == 201:
            self.lives[name] = Life(owner, answer.json()["id"])

    @alive
    @step(pick=picks, patient=patience)
    def delete_domain(self, pick: int, patient: bool) -> None:
        name, life = self._life(pick)
        answer = self.ask(life.owner, "delete", f"/domains/{life.pk}", patient=patient)
        assert answer.status_code == 200
        del self.lives[name]
        assert answer.json()["deletedResources"]["emailAddresses"] == len(life.addresses)
        self._note_deletion(name, answer.json())

    @step(pick=picks, patient=patience)
    def delete_domain_a_second_time(self, pick: int, patient: bool) -> None:
        records = list(DomainDeletion.objects.owed().order_by("started_at", "name"))
        if not records:
            return
        record = records[pick % len(records)]
        owner = next(number for number, user in enumerate(self.users) if user.pk == record.owner_id)
        answer = self.ask(owner, "delete", f"/domains/{record.domain_id}", patient=patient)
        assert answer.status_code == 200
        self._note_deletion(record.name, answer.json())

    @alive
    @step(pick=picks)
    def deletion_dies_after_its_first_transaction(self, pick: int) -> None:
        name, life = self._life(pick)
        self.waiting(patient=False)
        with transaction.atomic():
            row = Domain.objects.get(pk=life.pk)
            DomainDeletion.objects.create(domain_id=row.pk, name=name, owner_id=row.owner_id)
            row.deleting_since = timezone.now()
            row.save(update_fields=["deleting_since"])
        del self.lives[name]

    @alive
    @step(pick=picks, local=locals_, active=st.sampled_from([True, True, True, False]), patient=patience)
    def add_address(self, pick: int, local: str, active: bool, patient: bool) -> None:
        name, life = self._life(pick)
        address = f"{local}@{name}"
        expected = 409 if address in life.addresses else 201
        if active and expected == 201:
            self.gone.discard(address)
        body = {"address": address, "domainId": life.pk, "isActive": active}
        answer = self.ask(life.owner, "post", "/email-addresses", body, patient=patient)
        assert answer.status_code == expected, answer.json()
        if expected == 201:
            life.addresses[address] = active

    @has_addresses
    @step(pick=picks, patient=patience)
    def delete_address(self, pick: int, patient: bool) -> None:
        address, life = self._address(pick)
        row = EmailAddress.objects.get(address=address)
        answer = self.ask(life.owner, "delete", f"/email-addresses/{row.pk}", patient=patient)
        assert answer.status_code == 200
        del life.addresses[address]
        cleanup = answer.json()["cleanup"]
        assert cleanup["sesRuleUpdated"] != ("warning" in cleanup)
        if cleanup["sesRuleUpdated"]:
            self._promise(address)

    @has_addresses
    @step(pick=picks, patient=patience)
    def flip_activity(self, pick: int, patient: bool) -> None:
        address, life = self._address(pick)
        active = not life.addresses[address]
        if active:
            self.gone.discard(address)
        row = EmailAddress.objects.get(address=address)
        answer = self.ask(life.owner, "put", f"/email-addresses/{row.pk}", {"isActive": active}, patient=patient)
        assert answer.status_code == 200
        life.addresses[address] = active
        if not active and "warning" not in answer.json():
            self._promise(address)

    @has_addresses
    @step(first=picks, second=picks, third=picks, patient=patience)
    def delete_addresses_of_several_domains(self, first: int, second: int, third: int, patient: bool) -> None:
        chosen = dict(map(self._address, (first, second, third)))
        rows = list(EmailAddress.objects.filter(address__in=chosen))
        self.waiting(patient=patient)
        outcomes = delete_addresses(rows)
        for address, life in chosen.items():
            del life.addresses[address]
        for row in rows:
            if outcomes[row.pk].removed_from_ses:
                self._promise(row.address)

    @alive
    @step(pick=picks, on=st.booleans(), patient=patience)
    def switch_catch_all(self, pick: int, on: bool, patient: bool) -> None:
        name, life = self._life(pick)
        verified = Domain.objects.get(pk=life.pk).status == Domain.Status.VERIFIED
        endpoint = self.endpoints[life.owner][0] if on and self.endpoints[life.owner] else None
        expected = 400 if on and not (verified and endpoint) else 200
        if on and expected == 200:
            self.gone.discard(name)
        body = {"isCatchAllEnabled": on, "catchAllEndpointId": endpoint}
        answer = self.ask(life.owner, "put", f"/domains/{life.pk}", body, patient=patient)
        assert answer.status_code == expected, answer.json()
        if expected == 200:
            life.catch_all = endpoint
            if not on and "awsConfigurationWarning" not in answer.json():
                self._promise(name)

    @step(owner=owners)
    def create_endpoint(self, owner: int) -> None:
        if len(self.endpoints[owner]) < 2:
            self.endpoints[owner].insert(0, EndpointFactory(owner=self.users[owner]).pk)

    @step(owner=owners, patient=patience)
    def delete_endpoint(self, owner: int, patient: bool) -> None:
        if not self.endpoints[owner]:
            return
        endpoint = self.endpoints[owner].pop()
        answer = self.ask(owner, "delete", f"/endpoints/{endpoint}", patient=patient)
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
            assert self.ask(stranger, "delete", path, patient=False).status_code == 404
        body = {"isCatchAllEnabled": False}
        assert self.ask(stranger, "put", paths[0], body, patient=False).status_code == 404
        address = {"address": f"stranger@{name}", "domainId": life.pk}
        assert self.ask(stranger, "post", "/email-addresses", address, patient=False).status_code == 404

    @alive
    @step(pick=picks, patient=patience)
    def delete_all_addresses_in_a_shell(self, pick: int, patient: bool) -> None:
        _, life = self._life(pick)
        self.waiting(patient=patient)
        EmailAddress.objects.filter(domain_id=life.pk).delete()
        life.addresses.clear()

    @alive
    @step(pick=picks, patient=patience)
    def delete_domain_in_a_shell(self, pick: int, patient: bool) -> None:
        name, life = self._life(pick)
        self.waiting(patient=patient)
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
