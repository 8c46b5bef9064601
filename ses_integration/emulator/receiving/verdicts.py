"""The verdicts of SES: what a test has asked for, what the mail asks for, and known test patterns."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from ses_integration.emulator.control.endpoints import InvalidBody
from ses_integration.emulator.receiving.content.mail import Verdicts

_STATUSES = ("PASS", "FAIL", "GRAY", "PROCESSING_FAILED")
_POLICIES = ("none", "quarantine", "reject")
_NAMES = tuple(field.name for field in fields(Verdicts))
# Mail that every scanner must report: GTUBE as spam, the EICAR file as a virus. Split, so that no scanner reports this file.
_GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
_EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
# The start of the EICAR file at each of the three positions that it can have in base64.
_EICAR_BASE64 = (
    b"WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0ND",
    b"TyFQJUBBUFs0XFBaWDU0KFBeKTdDQyk3f",
    b"NU8hUCVAQVBbNFxQWlg1NChQXik3Q0MpN3",
)


@dataclass
class _Script:
    words: dict[str, str]
    times: int | None


class ScriptedVerdicts:
    """Verdicts for the next mails. Thread-safe."""

    def __init__(self) -> None:
        self._scripts: list[_Script] = []
        self._lock = threading.Lock()

    def of(self, raw: bytes, header: Iterable[tuple[str, str]]) -> Verdicts:
        """The verdicts for a mail. Uses a script up. A field `X-Emulate-Spam: FAIL` of the mail has the last word."""
        found = Verdicts(spam="FAIL" if _GTUBE in raw else "PASS", virus="FAIL" if _has_eicar(raw) else "PASS")
        with self._lock:
            if self._scripts:
                script = self._scripts[0]
                found = replace(found, **script.words)
                if script.times is not None:
                    script.times -= 1
                    if not script.times:
                        self._scripts.pop(0)
        asked = {
            name: _word(name, value)
            for field, value in header
            if (name := field.lower().removeprefix("x-emulate-").replace("-", "_")) in _NAMES
            and field.lower().startswith("x-emulate-")
        }
        return replace(found, **{name: word for name, word in asked.items() if word})

    def add(self, body: Any) -> object:
        """`POST /_verdicts`: `{"spam": "FAIL", "times": 2}`. Without `times` for one mail, with null for all that follow."""
        if not isinstance(body, dict) or not set(body) & set(_NAMES) or set(body) - {*_NAMES, "times"}:
            raise InvalidBody(f"The body has one or more of {', '.join(_NAMES)}, and may have 'times'.")
        words = {name: _word(name, str(value)) for name, value in body.items() if name != "times"}
        wrong = [name for name, word in words.items() if not word]
        if wrong:
            raise InvalidBody(
                f"'{wrong[0]}' is one of {', '.join(_POLICIES if wrong[0] == 'dmarc_policy' else _STATUSES)}."
            )
        times = body.get("times", 1)
        if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
            raise InvalidBody("'times' is a whole number from 1, or null.")
        with self._lock:
            self._scripts.append(_Script(words, times))
        return self.listed()

    def listed(self) -> object:
        """`GET /_verdicts`: what is not used up."""
        with self._lock:
            return [{**script.words, "times": script.times} for script in self._scripts]

    def clear(self) -> object:
        with self._lock:
            self._scripts.clear()
        return []


def _word(name: str, value: str) -> str:
    """The verdict as SES writes it, or an empty text for no verdict."""
    allowed = _POLICIES if name == "dmarc_policy" else _STATUSES
    return next((word for word in allowed if word.lower() == value.strip().lower()), "")


def _has_eicar(raw: bytes) -> bool:
    return _EICAR in raw or any(start in raw for start in _EICAR_BASE64)
