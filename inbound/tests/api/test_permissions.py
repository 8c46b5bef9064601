from __future__ import annotations

import pytest

from inbound.models import Scope
from inbound.tests.support.factories import EndpointFactory

METHODS = [
    ("get", Scope.READ),
    ("head", Scope.READ),
    ("post", Scope.WRITE),
    ("put", Scope.WRITE),
    ("patch", Scope.WRITE),
    ("delete", Scope.DELETE),
]


@pytest.mark.parametrize(("method", "scope"), METHODS)
def test_a_method_needs_its_scope(client_for, user, method, scope):
    others = [other for other in Scope if other != scope]
    url = f"/api/v2/endpoints/{EndpointFactory.create(owner=user).pk}"
    answer = getattr(client_for(user, *others), method)(url)
    assert answer.status_code == 403
    if method != "head":
        assert answer.json() == {"error": f"This API key lacks the '{scope}' scope."}
    assert user.endpoints.count() == 1


@pytest.mark.parametrize(("method", "scope"), METHODS)
def test_the_scope_of_the_method_is_enough(client_for, user, method, scope):
    url = f"/api/v2/endpoints/{EndpointFactory.create(owner=user).pk}"
    assert getattr(client_for(user, scope), method)(url).status_code in (200, 405)


def test_the_scope_is_checked_before_the_row(client_for, user):
    answer = client_for(user, Scope.READ).delete("/api/v2/endpoints/nothing")
    assert (answer.status_code, answer.json()) == (403, {"error": "This API key lacks the 'delete' scope."})
