from __future__ import annotations

from io import StringIO

from django.core.management import call_command


def run(name: str, *args: str) -> tuple[int, str]:
    """A command's exit code and what it printed. Raises CommandError."""
    out = StringIO()
    try:
        call_command(name, *args, stdout=out, stderr=out)
    except SystemExit as end:
        return int(str(end.code or 0)), out.getvalue()
    return 0, out.getvalue()
