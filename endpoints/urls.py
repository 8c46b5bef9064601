"""The API resources of this app."""

from endpoints.api.endpoints import EndpointViewSet
from rest.router import Router


def register(router: Router) -> None:
    router.register("endpoints", EndpointViewSet, basename="endpoint")
