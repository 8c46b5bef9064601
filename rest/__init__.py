"""What all REST endpoints share, without models. Imports no app. Every app may import it.

- `viewsets`, `filters`, `router`: bases of the viewsets; `deletion`: `DELETE` with plan and dry run
- `serializers`, `fields`: bases of requests and answers; `schema`: their description in OpenAPI
- `ids`, `lookup`: make ids, find rows by them; `errors`: answers that DRF lacks
"""
