"""Admin pages of endpoints. Only Django imports it."""

from endpoints.admin import endpoints as endpoints
