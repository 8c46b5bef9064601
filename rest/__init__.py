"""What all REST endpoints share. Imports no app; every app may import it.

`viewsets`, `planned_deletion`, `filters` and `router` are the base of the viewsets, `serializers` and `fields` of their
requests and answers, and `schema` describes them as OpenAPI. `ids` and `lookup` are about ids, `confirmation` and
`plan_token` about confirmed deletion plans, and `errors` has answers that DRF lacks. No models.
"""
