from __future__ import annotations

from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, UpdateModelMixin
from rest_framework.viewsets import GenericViewSet

from rest.router import Router


class Things(ListModelMixin, UpdateModelMixin, GenericViewSet):
    http_method_names = ["get", "put"]

    @action(detail=True, url_path="parts")
    def parts(self, request, pk): ...


def test_paths_have_no_trailing_slash_and_methods_are_those_of_the_viewset():
    router = Router()
    router.register("things", Things, basename="thing")
    assert {str(it.pattern): it.callback.actions for it in router.urls} == {
        "things": {"get": "list"},
        "things/<str:pk>": {"put": "update"},
        "things/<str:pk>/parts": {"get": "parts"},
    }
