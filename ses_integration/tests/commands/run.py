from __future__ import annotations

from io import StringIO

from django.core.management import call_command


def run(name: str, *args: str) -> tuple[int, str]:
    """A command's exit code and what it printed."""
    out = StringIO()
    try:
        call_command(name, *args, stdout=out)
    except SystemExit as end:
        return int(str(end.code or 0)), out.getvalue()
    return 0, out.getvalue()


def apply(name: str, *args: str) -> tuple[int, str]:
    """The same with `--apply`, for somebody who agrees to everything."""
    return run(name, "--apply", "--yes", "--force", *args)
