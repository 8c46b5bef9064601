"""REST API of email addresses and blocked emails: viewsets and serializers.

Only `addresses/urls.py` imports it, and `plan_delete`, which prints what the API answers.
"""
