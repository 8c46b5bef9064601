"""The published description has every route, and the real answers are as it says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from jsonschema_rs import Draft202012Validator

from addresses.services import create_address
from archives.tests.format.reading.making import archive_of
from archives.tests.uploads.uploading import numbered
from domains.lifecycle.register import add_domain
from domains.models import Domain
from inbound.tests.api.description.closed import closed
from inbound.tests.api.routes import ROUTES, path_of
from inbound.tests.support.factories import DeletedAddressFactory, DeliveryFactory, DomainFactory, EndpointFactory
from mail.models import DeliveryAttempt
from mail.tests.inbox import ATTACHMENTS, RAW, stored
from rest.schema.operations import FILE

OPERATIONS = [
    (route, method, action)
    for route, view in ROUTES.items()
    for method, action in view.actions.items()
    if method != "head"
]
# A POST that takes no body.
WITHOUT_BODY = {"restore"}
# Query parameters, besides those of lists, domains and deletions.
OTHER_PARAMETERS = {
    ("mail/<str:pk>", "retrieve"): ["peek"],
    ("domains/<str:pk>/shares", "shares"): ["limit", "offset"],
    ("mail/<str:pk>/raw", "raw"): ["unsafe"],
    ("mail/<str:pk>/attachments", "attachments"): ["limit", "offset"],
    ("mail/<str:pk>/attachments/<str:index>", "attachment"): ["unsafe"],
    ("mail/<str:pk>/deliveries", "deliveries"): ["limit", "offset"],
    ("mail/<str:pk>/thread", "thread"): ["limit", "offset"],
    ("endpoints/<str:pk>/deliveries", "deliveries"): ["limit", "offset", "status"],
    ("mail/stats", "stats"): ["days", "domainId"],
    ("email-addresses/bulk-delete", "bulk_delete"): ["permanent"],
    ("attachments/<str:pk>/<path:filename>", "named"): ["unsafe"],
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return dict(closed())


def path_in_schema(route: str) -> str:
    return "/api/v2/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route).replace("{pk}", "{id}")


def operation(schema: dict[str, Any], route: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = schema["paths"][path_in_schema(route)][method]
    return found


def status_of(route: str, action: str) -> int:
    view = ROUTES[route].cls
    return 201 if action in view.creating else 202 if action in view.accepting else 200


def answer_of(schema: dict[str, Any], route: str, method: str, status: int = 200) -> dict[str, Any]:
    answers = operation(schema, route, method)["responses"]
    view, action = ROUTES[route].cls, ROUTES[route].actions[method]
    expected = {str(status_of(route, action)), *view.more_answers.get(action, {})}
    assert {code for code in answers if code < "400"} == expected
    assert str(status) in expected
    ((media_type, content),) = answers[str(status)]["content"].items()
    assert media_type == view.files.get(action, "application/json")
    shape: dict[str, Any] = content["schema"]
    return shape


def resolved(schema: dict[str, Any], part: dict[str, Any]) -> list[dict[str, Any]]:
    """The alternatives of a part, without references."""
    return [
        schema["components"]["schemas"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
        for one in part.get("anyOf", [part])
    ]


def errors(schema: dict[str, Any], part: dict[str, Any], value: Any) -> list[str]:
    """Where a JSON value is not as its schema says, or has members that the schema does not know."""
    validator = Draft202012Validator({**part, "components": schema["components"]})
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]


def test_the_schema_has_exactly_the_routes_and_methods_of_the_api(schema):
    described = {(path, method) for path, methods in schema["paths"].items() for method in methods}
    assert described == {(path_in_schema(route), method) for route, method, _ in OPERATIONS}


def test_operation_ids_are_unique(schema):
    ids = [operation(schema, route, method)["operationId"] for route, method, _ in OPERATIONS]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("route", "method", "action"), OPERATIONS)
def test_every_operation_has_its_status_and_the_members_of_its_answer(schema, route, method, action):
    answer = answer_of(schema, route, method, status_of(route, action))
    if action in ROUTES[route].cls.files:
        assert answer == FILE
        return
    for alternative in resolved(schema, answer):
        assert alternative["type"] == "object"
        assert alternative["properties"]
    if action == "list":
        rows = ROUTES[route].cls.rows_name
        assert {rows, "pagination"} <= set(answer["properties"])
        (item,) = resolved(schema, answer["properties"][rows]["items"])
        assert item["properties"]


@pytest.mark.parametrize(("route", "method", "action"), OPERATIONS)
def test_only_writes_have_a_body_which_is_not_the_answer(schema, route, method, action):
    """Of those with PATCH, only one."""
    body = operation(schema, route, method).get("requestBody")
    takes_one = method in ("post", "put") and action not in WITHOUT_BODY
    assert (body is not None) == (takes_one or (route, method) == ("mail/<str:pk>", "patch"))
    if body:
        is_form = action in ROUTES[route].cls.uploading
        request = body["content"]["multipart/form-data" if is_form else "application/json"]["schema"]
        (members,) = resolved(schema, request)
        view = ROUTES[route].cls(action=action, **ROUTES[route].initkwargs)
        assert set(members["properties"]) == set(view.get_serializer_class()().fields)
        assert request != answer_of(schema, route, method, status_of(route, action))


@pytest.mark.parametrize(("route", "method", "action"), OPERATIONS)
def test_every_operation_has_its_parameters(schema, route, method, action):
    view = ROUTES[route].cls
    expected = [(name.replace("pk", "id"), "path") for name in re.findall(r"<\w+:(\w+)>", route)]
    if action == "list":
        expected += [(name, "query") for name in ("limit", "offset", *(each.parameter for each in view.filters))]
    if route.startswith("domains") and action in ("list", "retrieve"):
        expected.append(("check", "query"))
    if action == "destroy" and hasattr(view, "deletion_plan"):
        expected += [("dry_run", "query"), ("plan", "query"), ("permanent", "query")]
    if action == "deletion_plan":
        expected.append(("permanent", "query"))
    expected += [(name, "query") for name in OTHER_PARAMETERS.get((route, action), [])]
    parameters = [it for it in operation(schema, route, method)["parameters"] if "$ref" not in it]
    assert sorted((parameter["name"], parameter["in"]) for parameter in parameters) == sorted(expected)
    for parameter in parameters:
        assert parameter["schema"]["type"]
        assert parameter["description"]
        assert parameter["required"] == (parameter["in"] == "path")


@pytest.mark.sqlite
def test_answers_are_as_the_schema_says(schema, api, user, ses, settings):
    settings.ADDRESS_DELETE_GRACE_DAYS = 30
    endpoint = EndpointFactory(owner=user)
    domain = add_domain(owner=user, name="example.com").domain
    Domain.objects.filter(pk=domain.pk).update(status=Domain.Status.VERIFIED)
    address = create_address(domain=domain, address="a@example.com", endpoint_id=endpoint.pk).address
    other = create_address(domain=domain, address="b@example.com", endpoint_id=None).address
    DomainFactory(owner=user, name="bare.example.org")
    email = stored(domain, RAW, attachments=ATTACHMENTS)
    mail, delivery = email.pk, DeliveryFactory(received=email, endpoint=endpoint, state="dead")
    DeliveryAttempt.objects.create(delivery=delivery, number=1)

    def check(route: str, method: str, pk: str = "", body: Any = None, query: str = "", status: int = 200) -> Any:
        answer = getattr(api, method)(path_of(route, pk) + query, body, format="json")
        assert answer.status_code == status, answer
        if media_type := ROUTES[route].cls.files.get(ROUTES[route].actions[method]):
            assert media_type in (answer["Content-Type"], "application/octet-stream")
            answer.close()
            return None
        shape = answer_of(schema, route, method, status)
        assert not errors(schema, shape, answer.json()), answer.json()
        return answer.json()

    def imported(status: int, **flags: str) -> Any:
        answer = api.post(
            "/api/v2/imports", {"file": SimpleUploadedFile("a.zip", archive), **flags}, format="multipart"
        )
        assert answer.status_code == status, answer.content
        assert not errors(schema, answer_of(schema, "imports", "post", status), answer.json()), answer.json()
        return answer.json()["id"] if status > 200 else None

    archive = archive_of("imported.example", mail=numbered())
    imported(200, dryRun="true", withMail="true")
    catch_all = {"isCatchAllEnabled": True, "catchAllEndpointId": endpoint.pk}
    check("domains", "post", body={"domain": "example.net"}, status=201)
    check("domains/<str:pk>", "put", domain.pk, catch_all)
    check("domains/<str:pk>", "patch", domain.pk)
    check("domains/<str:pk>/auth", "post", domain.pk, {"mailFromDomain": "bounce"}, status=201)
    check("domains/<str:pk>/auth", "patch", domain.pk)
    check("email-addresses", "post", body={"address": "c@example.com", "domainId": domain.pk}, status=201)
    check("email-addresses/<str:pk>", "put", address.pk, {"isActive": False})
    check("endpoints/<str:pk>", "put", endpoint.pk, {"name": "New"})
    made = {"name": "Second", "type": "webhook", "config": {"url": "https://hooks.example.org/x"}}
    second = check("endpoints", "post", body=made, status=201)["id"]
    blocked = check("blocked-emails", "post", body={"emailAddress": "d@example.com"}, status=201)["id"]
    pks = {
        "exports": check("domains/<str:pk>/exports", "post", domain.pk, {}, status=202)["id"],
        "imports": imported(201),
        "domains": domain.pk,
        "email-addresses": address.pk,
        "endpoints": endpoint.pk,
        "blocked-emails": blocked,
        "deleted-addresses": DeletedAddressFactory(domain=domain).pk,
        "dns-records": domain.dns_records.all()[0].pk,
        "mail": mail,
        "attachments": mail,
    }
    imported(202, withMail="true")
    for route in ROUTES:
        if "get" in ROUTES[route].actions and not route.startswith("deletions"):
            check(route, "get", pks.get(route.partition("/")[0], ""))
    for route in ("domains", "domains/<str:pk>"):
        check(route, "get", domain.pk, query="?check=true")
    check("mail/<str:pk>", "patch", mail, {"isArchived": True})
    check("mail/bulk", "post", body={"emailIds": [mail], "updates": {"isRead": False}})
    check("mail/thread-counts", "post", body={"emailIds": [mail]})
    check("mail/<str:pk>/retry", "post", mail, {"delivery_id": delivery.pk})
    check("endpoints/<str:pk>/redeliver", "post", endpoint.pk, {"status": "failed"}, status=202)
    check("mail/<str:pk>", "delete", mail)
    check("blocked-emails/<str:pk>", "delete", blocked)
    check("endpoints/<str:pk>", "delete", second)
    check("email-addresses/<str:pk>", "delete", address.pk, query="?dry_run=true")
    check("email-addresses/<str:pk>", "delete", address.pk)
    check("deleted-addresses/<str:pk>/restore", "post", address.pk)
    check("deleted-addresses/<str:pk>", "delete", pks["deleted-addresses"])
    check("email-addresses/bulk-delete", "post", body={"ids": [other.pk, "unknown"]})
    check("domains/<str:pk>", "delete", domain.pk, query="?dry_run=true")
    deletion = check("domains/<str:pk>", "delete", domain.pk)["deletionId"]
    check("deletions", "get")
    check("deletions/<str:pk>", "get", deletion)
