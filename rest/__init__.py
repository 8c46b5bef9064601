"""What all REST endpoints share. Imports no app; every app may import it.

`viewsets`, `filters` and `router` are the base of the viewsets, `serializers` and `fields` of their requests and answers,
and `schema` describes them as OpenAPI. `ids` and `lookup` are about ids, and `errors` has answers that DRF lacks.
`deletion` adds plans and dry runs to `DELETE`. No models.
"""
