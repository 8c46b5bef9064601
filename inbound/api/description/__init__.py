"""The description of the API in OpenAPI 3.1, and its pages: `/api/v2/openapi.json` and `/api/v2/docs`."""
