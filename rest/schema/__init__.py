"""The description of the API in OpenAPI, from what viewsets and serializers declare."""

from rest.schema.operations import Schema, parameter

__all__ = ["Schema", "parameter"]
