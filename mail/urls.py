"""The API resources of this app."""

from mail.api.attachments import NamedAttachmentViewSet
from mail.api.deliveries.of_endpoint import EndpointDeliveriesViewSet
from mail.api.deliveries.probes import EndpointTestViewSet
from mail.api.emails import EmailViewSet
from rest.router import Router


def register(router: Router) -> None:
    router.register("mail", EmailViewSet, basename="mail")
    router.register("endpoints", EndpointTestViewSet, basename="endpoint-test")
    router.register("attachments", NamedAttachmentViewSet, basename="attachment")
    # The app below has the other paths of endpoints.
    router.register("endpoints", EndpointDeliveriesViewSet, basename="endpoint-deliveries")
