from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.test.utils import CaptureQueriesContext

from endpoints import services
from endpoints.models import Endpoint
from inbound.api.idempotency import claim, finish
from inbound.models import IdempotencyRecord, idempotency, prune_idempotency_records
from inbound.tests.api.idempotency.requests import (
    BODY,
    TABLE,
    age_records,
    assert_refused,
    assert_replayed,
    assert_running,
    leave_running,
    post,
    send,
)
from inbound.tests.support.factories import EmailAddressFactory
from inbound.worker import Worker

pytestmark = pytest.mark.sqlite


def test_a_server_error_leaves_the_key_free(api, monkeypatch):
    def fail(**_):
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(services, "create_endpoint", fail)
        assert post(api).status_code == 500
    assert not IdempotencyRecord.objects.exists()
    assert post(api).status_code == 201


def test_a_second_request_is_409_while_the_first_is_running(api, settings):
    leave_running(api)
    settings.SES_REQUEST_BUDGET = 4.2
    answer = post(api)
    assert_running(answer)
    assert answer["Retry-After"] == "5"
    assert_refused(post(api, {}))
    assert Endpoint.objects.count() == 1


def test_a_request_of_a_killed_process_runs_again_after_a_while(api, settings):
    leave_running(api)
    longest = settings.SES_REQUEST_BUDGET + 5 * 60
    age_records(longest - 60)
    assert_running(post(api))
    age_records(61)
    assert_refused(post(api, {}))
    first = post(api)
    assert first.status_code == 201
    assert Endpoint.objects.count() == 2
    assert_replayed(post(api), first)


def test_a_killed_deletion_can_run_again(ses, api, user):
    address = EmailAddressFactory.create(domain__owner=user)
    url = f"/api/v2/email-addresses/{address.pk}"
    assert send(api, "DELETE", url, {}).status_code == 200
    IdempotencyRecord.objects.update(status=None)
    age_records(3600)
    answer = send(api, "DELETE", url, {})
    assert (answer.status_code, answer.json()) == (404, {"error": "Email address not found"})


def test_an_abandoned_run_does_not_store_its_answer(user):
    slow = claim(user.pk, "key-1", "request")
    age_records(3600)
    claim(user.pk, "key-1", "request")
    finish(slow, JsonResponse({"from": "slow"}))
    assert IdempotencyRecord.objects.get().status is None
    finish(slow, JsonResponse({}, status=500))
    assert IdempotencyRecord.objects.exists()


def test_an_answer_that_cannot_be_stored_is_still_sent(api, caplog):
    def refuse(execute, sql, params, many, context):
        if sql.startswith(f'UPDATE "{TABLE}"'):
            raise OperationalError("disk full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        assert post(api).status_code == 201
    assert "The answer to POST /api/v2/endpoints could not be kept" in caplog.text
    assert_running(post(api))


def test_an_expired_key_can_be_used_again(api):
    post(api)
    age_records(24 * 3600 - 60)
    assert_refused(post(api, {**BODY, "name": "Other"}))
    age_records(61)
    first = post(api, {**BODY, "name": "Other"})
    assert first.status_code == 201
    assert_replayed(post(api, {**BODY, "name": "Other"}), first)


def test_the_worker_deletes_expired_records(ses, api):
    post(api)
    age_records(24 * 3600 + 1)
    post(api, key="key-2")
    Worker().tick()
    assert [record.key for record in IdempotencyRecord.objects.all()] == ["key-2"]


def test_the_record_of_a_running_request_is_kept(api, settings):
    settings.IDEMPOTENCY_RETENTION_SECONDS = 0
    leave_running(api)
    age_records(1)
    assert prune_idempotency_records(seconds=10) == 0
    age_records(3600)
    assert prune_idempotency_records(seconds=10) == 1


def test_expired_records_are_deleted_in_batches(api, monkeypatch):
    monkeypatch.setattr(idempotency, "PRUNE_BATCH", 2)
    for number in range(5):
        post(api, key=f"key-{number}")
    age_records(24 * 3600 + 1)
    assert prune_idempotency_records(lambda: True, seconds=10) == 0
    assert prune_idempotency_records(seconds=0) == 2
    with CaptureQueriesContext(connection) as statements:
        assert prune_idempotency_records(seconds=10) == 3
    assert sum(query["sql"].startswith("DELETE") for query in statements) == 2


def test_records_are_deleted_with_their_owner(api, user):
    post(api)
    user.endpoints.all().delete()
    user.delete()
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.parametrize("status", [200, 201, 204, 400, 404, 409, 422])
def test_a_final_answer_is_stored(user, status):
    finish(claim(user.pk, "key-1", "request"), HttpResponse(status=status))
    assert IdempotencyRecord.objects.get().status == status


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_temporary_answer_frees_the_key(user, status):
    finish(claim(user.pk, "key-1", "request"), HttpResponse(status=status))
    assert not IdempotencyRecord.objects.exists()


def test_a_streamed_answer_frees_the_key(user):
    finish(claim(user.pk, "key-1", "request"), StreamingHttpResponse([b"a", b"b"]))
    assert not IdempotencyRecord.objects.exists()
