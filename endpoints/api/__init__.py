"""REST API of endpoints: the viewset and its serializers. Only `endpoints/urls.py` imports it."""
