"""Every path that the application answers, except those of machines (`inbound.web.probes`)."""

from django.contrib import admin
from django.urls import include, path

import addresses.urls
import audit.urls
import desk.urls
import domains.urls
import endpoints.urls
import mail.urls
from inbound.api.description.pages import docs, openapi
from inbound.api.errors import bad_request, not_found, server_error
from inbound.web.icon import favicon
from mail.arrival.door import hooks_sns
from rest.router import Router

router = Router()
domains.urls.register(router)
addresses.urls.register(router)
endpoints.urls.register(router)
mail.urls.register(router)
audit.urls.register(router)
desk.urls.register(router)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v2/", include(router.urls)),
    path("api/v2/openapi.json", openapi, name="openapi"),
    path("api/v2/docs", docs, name="api-docs"),
    path("favicon.ico", favicon),
    path("hooks/sns", hooks_sns),
]

handler400 = bad_request
handler404 = not_found
handler500 = server_error
