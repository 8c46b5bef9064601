"""Admin pages for endpoints. Django's autodiscovery imports this package; nothing else does."""

from endpoints.admin import endpoints as endpoints
