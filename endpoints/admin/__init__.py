"""Admin pages for endpoints. Only Django's autodiscovery imports this package."""

from endpoints.admin import endpoints as endpoints
