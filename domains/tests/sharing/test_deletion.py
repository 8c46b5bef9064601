"""A shared domain is deleted: the plan, the report, and the event."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from domains.deletion.proved import announce_proved, deletion_proved
from domains.deletion.service import delete_domain
from domains.deletion_plan.build import plan_of
from domains.deletion_plan.parts import as_text
from domains.models import Domain, DomainAccess, DomainDeletion
from domains.sharing.service import change_role, share, unshare
from endpoints.config_schema import DELETION_PROVED
from inbound.tests.support.factories import EndpointFactory, UserFactory
from mail.models import EventNotice
from rest.deletion.plan_token import PlanOutdated


def test_the_plan_lists_who_loses_access(api, domain, jo, al):
    plan = api.get(f"/api/v2/domains/{domain.pk}/deletion-plan").json()
    assert plan["losesAccess"] == [{"user": "al", "role": "viewer"}, {"user": "jo", "role": "manager"}]
    domain.refresh_from_db()
    said = as_text("example.com", plan_of(domain))
    assert "al (viewer) and jo (manager) can no longer see the domain" in said.replace(", jo", " and jo")


def test_without_shares_the_plan_says_nothing_of_it(api, domain):
    assert "losesAccess" not in api.get(f"/api/v2/domains/{domain.pk}/deletion-plan").json()
    assert "Shared with" not in as_text("example.com", plan_of(domain))


@pytest.mark.parametrize("change", ["share", "role", "unshare"])
def test_a_plan_is_outdated_when_access_changes(domain, al, change):
    domain.refresh_from_db()
    token = str(plan_of(domain).token)
    if change == "share":
        share(domain=domain, user=UserFactory(), role="viewer")
    elif change == "role":
        change_role(DomainAccess.objects.get(), "manager")
    else:
        unshare(DomainAccess.objects.all())
    with pytest.raises(PlanOutdated):
        delete_domain(domain=Domain.objects.get(), requested_by="us", plan_token=token)
    assert Domain.objects.live().exists()


def test_everyone_who_had_access_reads_the_report_and_nothing_of_the_owners_plan(client_for, user, domain, jo, al):
    former = UserFactory()
    unshare([share(domain=domain, user=former, role="viewer")])
    domain.refresh_from_db()
    report = delete_domain(domain=domain, requested_by=user.username, plan_token=str(plan_of(domain).token))
    assert not DomainAccess.objects.exists()
    path = f"/api/v2/deletions/{report.pk}"
    own = client_for(user).get(path).json()
    assert own["planToken"]
    for member in (jo, al):
        assert client_for(member).get(path).json() == own | {"planToken": None, "dns": own["dns"] | {"note": None}}
        listed = client_for(member).get("/api/v2/deletions").json()
        assert [(row["id"], row["planToken"]) for row in listed["data"]] == [(report.pk, None)]
        assert client_for(member).get(f"/api/v2/domains/{domain.pk}").status_code == 404
    for nobody in (former, UserFactory()):
        assert client_for(nobody).get(path).status_code == 404
        assert client_for(nobody).get("/api/v2/deletions").json()["data"] == []


def test_members_read_who_deleted_it_and_not_with_which_key(api, client_for, user, domain, jo, al, settings):
    settings.DOMAIN_DELETE_GRACE_DAYS = 7
    report = api.delete(f"/api/v2/domains/{domain.pk}").json()["deletionId"]
    path = f"/api/v2/deletions/{report}"
    api.post(f"{path}/restore")
    own = api.get(path).json()
    assert "(key inb_" in own["requestedBy"]
    assert "(key inb_" in own["restoredBy"]
    config = {"url": "https://hooks.example.org/mail", "events": [DELETION_PROVED]}
    EndpointFactory(owner=al, config=config)
    deletion_proved.send(DomainDeletion, deletion=DomainDeletion.objects.get())
    told = json.loads(EventNotice.objects.get().body)["deletion"]
    for shown in (client_for(jo).get(path).json(), client_for(al).get("/api/v2/deletions").json()["data"][0], told):
        assert (shown["requestedBy"], shown["restoredBy"]) == (user.username, user.username)


def test_members_do_not_read_that_the_owner_has_added_the_domain_again(api, client_for, domain, al):
    path = f"/api/v2/deletions/{api.delete(f'/api/v2/domains/{domain.pk}').json()['deletionId']}"
    before = client_for(al).get(path).json()["dns"]
    api.post("/api/v2/domains", {"domain": "example.com"})
    assert "was added again" in api.get(path).json()["dns"]["note"]
    assert client_for(al).get(path).json()["dns"]["note"] is before["note"] is None


def test_whoever_loses_access_to_a_restored_domain_does_not_read_of_its_deletion(
    api, client_for, domain, jo, al, settings
):
    settings.DOMAIN_DELETE_GRACE_DAYS = 7
    path = f"/api/v2/deletions/{api.delete(f'/api/v2/domains/{domain.pk}').json()['deletionId']}"
    assert api.post(f"{path}/restore").status_code == 200
    unshare(DomainAccess.objects.filter(user=al))
    assert client_for(jo).get(path).status_code == 200
    assert client_for(al).get(path).status_code == 404
    assert client_for(al).post(f"{path}/restore").status_code == 404
    assert client_for(al).get("/api/v2/deletions").json()["data"] == []


def test_where_kept_mail_is_stays_with_the_owner(client_for, user, domain, al, settings):
    settings.KEEP_MAIL_ON_DOMAIN_DELETE = True
    report = delete_domain(domain=domain, requested_by="us")
    path = f"/api/v2/deletions/{report.pk}"
    assert "s3://" in client_for(user).get(path).content.decode()
    assert "s3://" not in client_for(al).get(path).content.decode()


def test_everyone_who_had_access_gets_the_event_at_their_own_webhooks(domain, user, jo, al):
    config = {"url": "https://hooks.example.org/mail", "events": [DELETION_PROVED]}
    hooks = {owner: EndpointFactory(owner=owner, config=config) for owner in (user, jo, al, UserFactory())}
    al.is_active = False
    al.save()
    domain.refresh_from_db()
    report = delete_domain(domain=domain, requested_by="us", plan_token=str(plan_of(domain).token))
    DomainDeletion.objects.update(proved_at=timezone.now())
    announce_proved()
    told = {
        notice.endpoint: json.loads(notice.body)["deletion"]
        for notice in EventNotice.objects.select_related("endpoint")
    }
    assert set(told) == {hooks[user], hooks[jo]}
    assert told[hooks[user]]["planToken"] == DomainDeletion.objects.get(pk=report.pk).plan_token
    assert told[hooks[jo]]["planToken"] is None


def test_a_domain_that_is_deleted_without_the_service_has_readers_too(domain, al):
    Domain.objects.filter(pk=domain.pk).delete()
    assert list(DomainDeletion.objects.get().readers.all()) == [al]


def test_access_rests_in_the_grace_period_and_is_restored_with_the_domain(client_for, user, domain, jo, al, settings):
    settings.DOMAIN_DELETE_GRACE_DAYS = 7
    report = delete_domain(domain=domain, requested_by="us")
    path, restore = f"/api/v2/domains/{domain.pk}", f"/api/v2/deletions/{report.pk}/restore"
    for member in (jo, al):
        assert client_for(member).get(path).status_code == 404
        assert client_for(member).get(f"/api/v2/deletions/{report.pk}").status_code == 200
        assert client_for(member).post(restore).status_code == 403
    assert client_for(UserFactory()).post(restore).status_code == 404
    assert client_for(user).post(restore).status_code == 200
    assert [client_for(member).get(path).json()["role"] for member in (jo, al)] == ["manager", "viewer"]
