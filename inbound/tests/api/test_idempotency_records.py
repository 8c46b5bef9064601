from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.test.utils import CaptureQueriesContext

from endpoints import services
from endpoints.models import Endpoint
from inbound import models
from inbound.api.idempotency import claim, settle
from inbound.models import IdempotencyRecord, prune_idempotency_records
from inbound.tests.api.idempotency_requests import (
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
from inbound.tests.factories import EmailAddressFactory
from inbound.worker import Worker

pytestmark = pytest.mark.sqlite


def test_a_failure_of_ours_leaves_the_key_free(api, monkeypatch):
    def fail(**_):
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(services, "create_endpoint", fail)
        assert post(api).status_code == 500
    assert not IdempotencyRecord.objects.exists()
    assert post(api).status_code == 201


def test_while_the_first_is_running_the_second_is_told_to_wait(api, settings):
    leave_running(api)
    settings.SES_REQUEST_BUDGET = 4.2
    answer = post(api)
    assert_running(answer)
    assert answer["Retry-After"] == "5"
    assert_refused(post(api, {}))
    assert Endpoint.objects.count() == 1


def test_a_request_whose_process_was_killed_is_run_anew_when_it_can_no_longer_be_running(api, settings):
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


def test_a_deletion_that_was_killed_is_safe_to_run_anew(ses, api, user):
    address = EmailAddressFactory.create(domain__owner=user)
    url = f"/api/v2/email-addresses/{address.pk}"
    assert send(api, "DELETE", url, {}).status_code == 200
    IdempotencyRecord.objects.update(status=None)
    age_records(3600)
    answer = send(api, "DELETE", url, {})
    assert (answer.status_code, answer.json()) == (404, {"error": "Email address not found"})


def test_a_run_that_was_given_up_does_not_answer_for_the_one_after_it(user):
    slow = claim(user.pk, "key-1", "request")
    age_records(3600)
    claim(user.pk, "key-1", "request")
    settle(slow, JsonResponse({"from": "slow"}))
    assert IdempotencyRecord.objects.get().status is None
    settle(slow, JsonResponse({}, status=500))
    assert IdempotencyRecord.objects.exists()


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(api, caplog):
    def refuse(execute, sql, params, many, context):
        if sql.startswith(f'UPDATE "{TABLE}"'):
            raise OperationalError("disk full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        assert post(api).status_code == 201
    assert "The answer to POST /api/v2/endpoints could not be kept" in caplog.text
    assert_running(post(api))


def test_after_its_time_the_key_is_as_good_as_new(api):
    post(api)
    age_records(24 * 3600 - 60)
    assert_refused(post(api, {**BODY, "name": "Other"}))
    age_records(61)
    first = post(api, {**BODY, "name": "Other"})
    assert first.status_code == 201
    assert_replayed(post(api, {**BODY, "name": "Other"}), first)


def test_the_worker_forgets_what_is_past_its_time(ses, api):
    post(api)
    age_records(24 * 3600 + 1)
    post(api, key="key-2")
    Worker().tick()
    assert [record.key for record in IdempotencyRecord.objects.all()] == ["key-2"]


def test_what_is_running_is_not_forgotten_however_short_the_time(api, settings):
    settings.IDEMPOTENCY_RETENTION_SECONDS = 0
    leave_running(api)
    age_records(1)
    assert prune_idempotency_records(seconds=10) == 0
    age_records(3600)
    assert prune_idempotency_records(seconds=10) == 1


def test_it_forgets_some_at_a_time_until_its_turn_is_over(api, monkeypatch):
    monkeypatch.setattr(models, "PRUNE_BATCH", 2)
    for number in range(5):
        post(api, key=f"key-{number}")
    age_records(24 * 3600 + 1)
    assert prune_idempotency_records(lambda: True, seconds=10) == 0
    assert prune_idempotency_records(seconds=0) == 2
    with CaptureQueriesContext(connection) as statements:
        assert prune_idempotency_records(seconds=10) == 3
    assert sum(query["sql"].startswith("DELETE") for query in statements) == 2


def test_an_owners_records_go_with_the_owner(api, user):
    post(api)
    user.endpoints.all().delete()
    user.delete()
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.parametrize("status", [200, 201, 204, 400, 404, 409, 422])
def test_an_answer_to_what_was_asked_is_kept(user, status):
    settle(claim(user.pk, "key-1", "request"), HttpResponse(status=status))
    assert IdempotencyRecord.objects.get().status == status


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_an_answer_that_may_be_another_one_next_time_frees_the_key(user, status):
    settle(claim(user.pk, "key-1", "request"), HttpResponse(status=status))
    assert not IdempotencyRecord.objects.exists()


def test_a_stream_frees_the_key(user):
    settle(claim(user.pk, "key-1", "request"), StreamingHttpResponse([b"a", b"b"]))
    assert not IdempotencyRecord.objects.exists()
