"""The API resources of this app."""

from desk.api.ses_status import SesStatusViewSet
from rest.router import Router


def register(router: Router) -> None:
    router.register("ses/status", SesStatusViewSet, basename="ses-status")
