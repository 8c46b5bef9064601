"""What all REST endpoints share, without models. Imports no app. Every app may import it.

- `viewsets`, `filters`, `router`: bases of the viewsets; `deletion`: `DELETE` with plan and dry run
- `serializers`, `fields`: bases of requests and answers; `schema`: their description in OpenAPI
- `row_counts`: counts of rows that the database keeps
- `keyed_digests`: digests that depend on SECRET_KEY and survive its rotation
- `names`: the canonical form of domain names and addresses, also as arguments of commands
- `ids`: make ids, find rows by them; `prebuilt`: queries that are built once; `errors`: answers that DRF lacks
"""
