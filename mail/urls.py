"""The API resources of this app."""

from rest.router import Router


def register(router: Router) -> None:
    """Register the viewsets."""
