"""The description of the API in OpenAPI, from what viewsets and serializers declare.

`operations` needs a finished setup of DRF, which reads `parts` itself.
"""
