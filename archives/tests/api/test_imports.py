"""`POST /imports`: what it answers, and what it refuses"""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from archives.imports.refusals import EXISTS
from archives.models import Import
from archives.tests.format.reading.making import Making
from archives.tests.imports.rows import everything
from archives.tests.uploads.uploading import numbered, with_mails
from archives.uploads import room
from archives.uploads.task import run_imports
from audit.models import Change
from domains.deletion.service import delete_domain
from domains.models import Domain
from inbound.models import Scope
from inbound.tests.support.aws import stored_keys
from inbound.tests.support.factories import DomainFactory, UserFactory

pytestmark = pytest.mark.usefixtures("ses")

PATH = "/api/v2/imports"
ARCHIVE = with_mails(2, 1)


def post(api, raw: bytes = ARCHIVE, **fields: object):
    texts = {name: str(value).lower() if isinstance(value, bool) else value for name, value in fields.items()}
    file = SimpleUploadedFile("example.zip", raw, "application/zip")
    return api.post(PATH, {"file": file, **texts}, format="multipart")


def test_the_configuration_is_imported(api, user):
    answer = post(api)
    assert answer.status_code == 201
    done = answer.json()
    domain = Domain.objects.get(owner=user)
    (endpoint,) = user.endpoints.all()
    assert done == {
        "id": done["id"],
        "domainId": domain.pk,
        "domain": "example.com",
        "status": "done",
        "existed": False,
        "created": {"addresses": 2, "blockedEmails": 1, "endpoints": 1},
        "mail": None,
        "toFillIn": [f"Endpoint CRM is inactive. {endpoint.inactive_reason}"],
        "warning": None,
        "problem": None,
        "createdAt": done["createdAt"],
        "finishedAt": done["finishedAt"],
        "ids": {
            "domain": {"indm_1": domain.pk},
            "endpoints": {"e1": endpoint.pk},
            "addresses": {f"a{row.address.partition('@')[0]}": row.pk for row in domain.email_addresses.all()},
            "blockedEmails": {"b1": domain.blocked_emails.get().pk},
        },
    }
    assert done["id"].startswith("imp_")
    assert done["finishedAt"] >= done["createdAt"]
    assert api.get(f"{PATH}/{done['id']}").json() == done
    (listed,) = api.get(PATH, {"domainId": domain.pk}).json()["data"]
    assert {**listed, "ids": done["ids"]} == done
    assert stored_keys() == []
    (entry,) = Change.objects.filter(action="imported")
    assert (entry.object_id, entry.who, entry.after["archiveId"]) == (domain.pk, user.username, "indm_1")


def test_mail_comes_later(api):
    answer = post(api, withMail=True)
    assert answer.status_code == 202
    begun = answer.json()
    assert (begun["status"], begun["finishedAt"]) == ("pending", None)
    assert begun["mail"] == {"total": 3, "stored": 0, "existing": 0, "missing": 0}
    run_imports()
    done = api.get(f"{PATH}/{begun['id']}").json()
    assert (done["status"], done["problem"]) == ("done", None)
    assert done["mail"] == {"total": 3, "stored": 3, "existing": 0, "missing": 0}
    assert done["finishedAt"] > done["createdAt"]


def test_mail_is_added_to_a_domain_that_the_caller_has(api):
    post(api)
    answer = post(api, withMail=True)
    assert (answer.status_code, answer.json()["existed"], answer.json()["ids"]) == (202, True, None)
    again = post(api, withMail=True)
    assert again.status_code == 409
    assert again.json() == {
        "error": "Mail of this domain is being imported already. Wait until that is done.",
        "code": "IMPORT_RUNNING",
        "importId": answer.json()["id"],
    }


@pytest.mark.parametrize("with_mail", [False, True])
def test_a_dry_run_shows_what_would_be_created_and_changes_nothing(api, ses, settings, with_mail):
    raw = Making(mail=numbered()).bytes()
    settings.MAIL_RETENTION_DAYS, settings.MAIL_SOURCE = 90, "none"
    rows = everything()
    ses.clear_journal()
    answer = post(api, raw, dryRun=True, withMail=with_mail)
    assert answer.status_code == 200
    plan = answer.json()
    assert (everything(), ses.journal()) == (rows, [])
    notes = [
        "Mail that has arrived more than 90 days ago is erased again (MAIL_RETENTION_DAYS).",
        "It is stored, but no worker reads it: MAIL_SOURCE is none.",
    ]
    assert plan["mail"] == ({"total": 4, "bytes": plan["mail"]["bytes"], "notes": notes} if with_mail else None)
    assert (plan["dryRun"], plan["domain"], plan["existed"]) == (True, "example.com", False)
    assert plan["conflict"] is None
    assert plan["plan"]["endpoints"] == [{"id": "e1", "name": "CRM", "type": "webhook", "isReused": False}]
    done = post(api, raw).json()
    assert plan["toFillIn"] == done["toFillIn"]
    assert plan["plan"]["addresses"] == done["created"]["addresses"]
    assert post(api, raw, dryRun=True, withMail=True).json()["existed"] is True


def both(api, *, mail: bool = False):
    """A conflict, as a dry run shows it beside the plan, and as the import is refused with it."""
    rows = everything()
    tried = post(api, dryRun=True, withMail=mail)
    refused = post(api, withMail=mail)
    assert everything() == rows
    assert (tried.status_code, refused.status_code) == (200, 409)
    assert tried.json()["plan"]["addresses"] == 2
    assert tried.json()["conflict"] == refused.json()
    return refused.json()


def test_a_dry_run_shows_what_is_in_the_way_and_the_import_is_409(api, user, settings):
    domain = DomainFactory(owner=UserFactory(), name="example.com", proven_at="2026-01-01T00:00Z")
    assert both(api)["code"] == "DOMAIN_ALREADY_REGISTERED"
    domain.delete()
    own = DomainFactory(owner=user, name="example.com")
    assert both(api) == {
        "error": f"{user} has example.com already. {EXISTS}",
        "code": "DOMAIN_EXISTS",
    }
    settings.DOMAIN_DELETE_GRACE_DAYS = 7
    deletion = delete_domain(domain=own, requested_by="jo")
    conflict = both(api)
    assert (conflict["code"], conflict["deletionId"]) == ("DOMAIN_RESTORABLE", deletion.pk)
    assert conflict["restorableUntil"] is not None
    assert f"POST /deletions/{deletion.pk}/restore" in conflict["error"]
    assert f"DELETE /domains/{own.pk}?permanent=true" in conflict["error"]
    assert not Import.objects.exists()


def test_a_dry_run_shows_that_mail_is_being_imported(api):
    running = post(api, withMail=True).json()
    conflict = both(api, mail=True)
    assert (conflict["code"], conflict["importId"]) == ("IMPORT_RUNNING", running["id"])
    run_imports()
    assert post(api, dryRun=True, withMail=True).json()["conflict"] is None


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"garbage", "This is no archive of a domain, or its end is missing."),
        (ARCHIVE[:-40], "This is no archive of a domain"),
        (ARCHIVE[:60] + b"\xff" + ARCHIVE[61:], "changed"),
        (Making(domain=Making().domain | {"name": "../x"}).bytes(), "changed or damaged"),
    ],
    ids=["garbage", "cut off", "changed", "a path"],
)
def test_a_bad_file_is_400_and_changes_nothing(api, raw, sentence):
    rows = everything()
    answer = post(api, raw, withMail=True)
    assert (answer.status_code, answer.json()["code"]) == (400, "ARCHIVE_REFUSED")
    assert sentence in answer.json()["error"]
    assert everything() == rows


def test_an_archive_that_unpacks_to_far_more_is_refused(api, settings):
    settings.IMPORT_MAX_MB = 1
    making = Making(folders=[[b"\0" * 6 * 1024 * 1024, b"\0" * 6 * 1024 * 1024]], mail=numbered())
    answer = post(api, making.bytes())
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("The archive is too large: all of it would take")


def test_a_large_file_is_413_before_it_is_read(api, settings):
    settings.IMPORT_MAX_MB = 1
    answer = post(api, b"x" * 2 * 1024 * 1024)
    assert answer.status_code == 413
    assert "import_domain" in answer.json()["error"]
    assert "IMPORT_MAX_MB" in answer.json()["error"]


def test_a_file_that_is_larger_than_the_rest_of_the_form_allows_is_413_too(api, settings):
    settings.IMPORT_MAX_MB = 1
    assert post(api, b"x" * (1024 * 1024 + 1)).status_code == 413
    assert post(api, b"x" * 1024 * 1024).status_code == 400


def test_another_content_type_is_415(api):
    for kind, body in (("application/json", b"{}"), ("application/zip", ARCHIVE), ("text/plain", b"file")):
        answer = api.generic("POST", PATH, body, content_type=kind)
        assert answer.status_code == 415
        assert answer.json()["error"].startswith("Send the archive as `file` of a form")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "Missing required fields"),
        ({"file": "text"}, "file must be a file"),
        ({"dryRun": "true"}, "Missing required fields"),
    ],
)
def test_a_form_without_a_file_is_400(api, body, error):
    answer = api.post(PATH, body, format="multipart")
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize("name", ["dryRun", "withMail"])
def test_a_flag_is_true_or_false(api, name):
    answer = post(api, **{name: "yes"})
    assert (answer.status_code, answer.json()["error"]) == (400, f"{name} must be true or false")


@pytest.mark.parametrize("name", ["dryrun", "dry_run", "withmail"])
def test_an_unknown_field_is_400_and_imports_nothing(api, name):
    rows = everything()
    answer = post(api, **{name: True})
    assert answer.status_code == 400
    assert answer.json() == {"error": f"{name} is not a field of this form. Its fields are file, dryRun, withMail."}
    assert everything() == rows


@pytest.mark.parametrize("body", [b"", b"--x\r\n", b"--x--", b"\xff\x00"])
def test_a_form_that_cannot_be_read_is_400(api, body):
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x", "multipart/form-data; boundary=\xe9"):
        assert api.generic("POST", PATH, body, content_type=kind).status_code == 400


def test_mail_needs_a_bucket(api, settings):
    settings.S3_BUCKET_NAME = ""
    rows = everything()
    answer = post(api, withMail=True)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Mail can only be imported into a bucket")
    assert everything() == rows


def test_a_key_that_only_reads_imports_nothing(client_for, user):
    assert post(client_for(user, Scope.READ)).status_code == 403
    assert not Domain.objects.exists()


def test_others_see_no_import(api, client_for):
    pk = post(api).json()["id"]
    stranger = client_for(UserFactory())
    assert stranger.get(f"{PATH}/{pk}").status_code == 404
    assert stranger.get(PATH).json()["data"] == []


def test_only_a_few_at_once_take_a_thread(api, monkeypatch):
    rows = everything()
    for _ in range(room.AT_ONCE):
        assert room._places.acquire(blocking=False)
    try:
        answer = post(api)
    finally:
        for _ in range(room.AT_ONCE):
            room._places.release()
    assert (answer.status_code, answer.json()["error"]) == (503, room.BUSY)
    assert everything() == rows
    assert post(api).status_code == 201


def test_the_answer_is_repeated_for_the_same_idempotency_key(api):
    file = SimpleUploadedFile("a.zip", ARCHIVE)
    first = api.post(PATH, {"file": file}, format="multipart", headers={"Idempotency-Key": "once"})
    file.seek(0)
    again = api.post(PATH, {"file": file}, format="multipart", headers={"Idempotency-Key": "once"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.json(), again["Idempotency-Replayed"]) == (first.json(), "true")
    assert Domain.objects.count() == 1


def test_a_large_form_with_an_idempotency_key_is_not_read_into_memory(api):
    """Django would refuse that."""
    file = SimpleUploadedFile("a.zip", b"x" * 3 * 1024 * 1024)
    answer = api.post(PATH, {"file": file}, format="multipart", headers={"Idempotency-Key": "once"})
    assert (answer.status_code, answer.json()["code"]) == (400, "ARCHIVE_REFUSED")


def test_an_archive_that_s3_does_not_take_leaves_the_domain(api, ses):
    ses.add_faults({"service": "s3", "action": "PutObject", "fault": "access_denied", "times": None})
    answer = post(api, withMail=True)
    assert (answer.status_code, answer.json()["status"]) == (201, "failed")
    assert answer.json()["problem"] == (
        "AWS does not allow s3:PutObject on inbound-mail; the credentials lack a permission. Import the same file again with its "
        "mail: what is there stays, and the rest is added."
    )
