"""The API resources of this app."""

from django.urls import path

from archives.api.download import DownloadView
from archives.api.exports import DomainExportsViewSet, ExportViewSet
from archives.api.imports import ImportViewSet
from rest.router import Router

# Without a key, so no resource of the router.
DOWNLOAD = path("api/v2/exports/<str:pk>/download", DownloadView.as_view(), name="export-download")


def register(router: Router) -> None:
    # The app below has the other paths of domains.
    router.register("domains", DomainExportsViewSet, basename="domain-exports")
    router.register("exports", ExportViewSet, basename="export")
    router.register("imports", ImportViewSet, basename="import")
