"""Every resource of the API declares what DRF needs, and is limited to the caller's rows."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.test import APIRequestFactory

from inbound.api.pagination import LimitOffset
from inbound.api.permissions import HasRole, HasScope
from inbound.tests.api.description.test_answers import WITHOUT_BODY
from inbound.tests.api.routes import ROUTES
from inbound.urls import router
from rest.filters import QueryFilters
from rest.serializers import Body
from rest.viewsets import OwnedViewSet

RESOURCES = {basename: viewset for _, viewset, basename in router.registry}
ACTIONS = [
    (route, method, action)
    for route, view in ROUTES.items()
    for method, action in view.actions.items()
    if method != "head"
]
STRANGER = 987_654_321

resources = pytest.mark.parametrize("viewset", RESOURCES.values(), ids=RESOURCES.keys())


def test_every_route_comes_from_the_router():
    assert {view.cls for view in ROUTES.values()} == set(RESOURCES.values())


@resources
def test_a_resource_declares_rows_serializer_and_404_sentence(viewset):
    assert issubclass(viewset, OwnedViewSet)
    assert viewset.queryset is not None
    assert issubclass(viewset.serializer_class, BaseSerializer)
    assert " not found" in viewset.not_found


@resources
def test_a_resource_needs_a_scope_and_has_pages(viewset):
    assert viewset.permission_classes == [HasScope, HasRole]
    assert viewset.pagination_class is LimitOffset
    assert viewset.filter_backends == [QueryFilters]


@pytest.mark.parametrize(("route", "method", "action"), ACTIONS)
def test_every_query_of_an_action_is_limited_to_the_caller(route, method, action):
    view = ROUTES[route].cls(**ROUTES[route].initkwargs)
    view.action = action
    view.request = Request(APIRequestFactory().generic(method, f"/api/v2/{route}"))
    view.request.user = User(pk=STRANGER)
    # Exports are limited by both: their account, and what it sees.
    column = "account_id" if route.startswith("imports") else "owner_id"
    assert f'"{column}" = {STRANGER}' in str(view.get_queryset().query)


@pytest.mark.parametrize(("route", "method", "action"), ACTIONS)
def test_every_action_declares_its_serializers(route, method, action):
    view = ROUTES[route].cls(**ROUTES[route].initkwargs)
    view.action = action
    serializer = view.get_serializer_class()
    assert issubclass(serializer, BaseSerializer)
    if (method in ("post", "put") and action not in WITHOUT_BODY) or issubclass(serializer, Body):
        assert method in ("post", "put", "patch")
        assert issubclass(serializer.answer, BaseSerializer)
