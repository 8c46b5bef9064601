#!/usr/bin/env python
"""Run the management commands of Django and inbound."""

import os
import sys

from inbound.terminal import prepare_streams

INTERRUPTED = 130  # 128 + SIGINT, as in a shell
# These draw on the terminal.
RAW = (["shell"], ["dbshell"])


def main() -> None:
    try:
        prepare_streams(raw=sys.argv[1:2] in RAW)
        refuse_undecodable(sys.argv[1:])
        run()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(INTERRUPTED)
    finally:
        # Here and not when the interpreter ends, where a failure would be reported with a traceback.
        sys.stdout.flush()


def refuse_undecodable(arguments: list[str]) -> None:
    """End with a sentence if an argument has bytes that are no text in the terminal's encoding: no column could hold it."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            sys.exit(f"This argument is not text in the encoding of the terminal: {argument!r}.")


def run() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = os.environ.get("DJANGO_SETTINGS_MODULE") or "inbound.settings"
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError

    from audit.origin import acting, of_command

    try:
        with acting(of_command(" ".join(sys.argv[1:2]))):
            execute_from_command_line(sys.argv)
    except ModuleNotFoundError as error:
        name = os.environ["DJANGO_SETTINGS_MODULE"]
        if not f"{name}.".startswith(f"{error.name}."):
            raise
        sys.exit(f"DJANGO_SETTINGS_MODULE is {name!r}, which is not a module; remove it.")
    except DatabaseError as error:
        reason = str(error).strip().partition("\n")[0]
        sys.exit(f"The database cannot be used: {reason}. Is DATABASE_URL right, and has `migrate` been run?")


if __name__ == "__main__":
    main()
