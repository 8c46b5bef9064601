"""REST API of domains, DNS records, domain deletions and the SES status: viewsets and serializers.

Only `domains/urls.py` imports it, and `plan_delete`, which prints what the API answers.
"""
