"""REST API of email addresses and blocked emails: viewsets, serializers and totals.

Only `addresses/urls.py` imports it, and `plan_delete`, which prints what the API answers.
"""
