"""What operators do most, each in a test of its own.

1. See a mail arrive, and read it: `test_mail`
2. Release a mail from quarantine: `test_mail`
3. Make a delivery again that was given up: `test_mail`
4. Add a domain and copy its DNS records: `test_domains`
5. Delete a domain and see the proof: `test_deletion`
6. Try again what waits: `test_deletion`, and `test_desk` in the folder above
7. Add an address: `test_addresses`
8. Delete an address, and find who changed what: `test_addresses`, `test_changes`
9. Find what others changed in SES, put it right, and see how full the quotas are: `test_drift`
10. Add and change an endpoint: `test_endpoints`
11. Issue a key, and revoke it: `test_people`
12. Deactivate a user: `test_people`
"""
