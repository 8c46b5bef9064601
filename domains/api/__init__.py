"""REST API of domains, DNS records, domain deletions and the SES status: viewsets and serializers.

Only `domains/urls.py` imports it.
"""
