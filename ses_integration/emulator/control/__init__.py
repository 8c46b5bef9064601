"""Control of the emulator for tests and demos: faults to inject, the journal of calls, and the `/_…` endpoints.

SES itself (`ses`, `state`) knows nothing of faults.
"""
