"""Control endpoints for received mail."""

from __future__ import annotations

from ses_integration.emulator.control.endpoints import Endpoints
from ses_integration.emulator.receiving.mailroom import Mailroom


def endpoints(mailroom: Mailroom) -> Endpoints:
    """`/_mail`, `/_verdicts` and `/_notifications`."""
    return {
        ("GET", "/_mail"): lambda body: mailroom.listed(),
        ("GET", "/_verdicts"): lambda body: mailroom.verdicts.listed(),
        ("POST", "/_verdicts"): mailroom.verdicts.add,
        ("DELETE", "/_verdicts"): lambda body: mailroom.verdicts.clear(),
        ("GET", "/_notifications"): lambda body: mailroom.notices.shown(),
        ("POST", "/_notifications"): mailroom.notices.change,
        ("DELETE", "/_notifications"): lambda body: mailroom.notices.end(),
    }
