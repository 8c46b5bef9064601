"""The API resources of this app."""

from addresses.api.blocked_emails import BlockedEmailViewSet
from addresses.api.deleted_addresses import DeletedAddressViewSet
from addresses.api.email_addresses import EmailAddressViewSet
from rest.router import Router


def register(router: Router) -> None:
    router.register("email-addresses", EmailAddressViewSet, basename="email-address")
    router.register("deleted-addresses", DeletedAddressViewSet, basename="deleted-address")
    router.register("blocked-emails", BlockedEmailViewSet, basename="blocked-email")
