"""The verification rule, claims to names, and the calls that verify a domain."""
