#!/usr/bin/env python
"""Run the management commands of Django and inbound."""

import os
import sys

INTERRUPTED = 130  # 128 + SIGINT, as in a shell


def main() -> None:
    try:
        run()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(INTERRUPTED)


def run() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "inbound.settings")
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError

    try:
        execute_from_command_line(sys.argv)
    except DatabaseError as error:
        reason = str(error).strip().partition("\n")[0]
        sys.exit(f"The database cannot be used: {reason}. Is DATABASE_URL right, and has `migrate` been run?")


if __name__ == "__main__":
    main()
