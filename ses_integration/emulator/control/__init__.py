"""Control of the emulator for tests and demos: faults to inject, the journal of calls, and the `/_…` endpoints.

Imported by the application and the server only; SES itself does not know that faults exist.
"""
