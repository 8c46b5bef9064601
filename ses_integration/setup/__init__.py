"""What inbound needs in AWS besides rules and identities, created by `ses_setup` and, on the emulator, by the worker.

- `prepare`: everything in its order
- `rule_set`: the active rule set and the emulator's bucket
- `mail`: topic, queues, subscription and configuration set, each in its module, from the values of `names` and `policies`
- `calls`: refusals that name the missing permission

Imports `aws` and below.
"""
