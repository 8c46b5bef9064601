"""Every address that the application answers."""

from django.contrib import admin
from django.urls import include, path

from inbound.api.errors import bad_request, not_found, server_error

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v2/", include("domains.urls")),
    path("api/v2/", include("addresses.urls")),
    path("api/v2/", include("endpoints.urls")),
]

handler400 = bad_request
handler404 = not_found
handler500 = server_error
