"""The API resources of this app."""

from mail.api.attachments import NamedAttachmentViewSet
from mail.api.emails import EmailViewSet
from rest.router import Router


def register(router: Router) -> None:
    router.register("mail", EmailViewSet, basename="mail")
    router.register("attachments", NamedAttachmentViewSet, basename="attachment")
