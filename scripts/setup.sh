#!/bin/sh
# Finds a suitable Python and runs setup.py with it: scripts/setup.sh requirements.txt
set -eu
cd "$(dirname "$0")/.."

fits='import sys; sys.exit(sys.version_info < (3, 11))'
complete='import ensurepip, venv'

if [ -n "${PYTHON:-}" ]; then
    if ! "$PYTHON" -c "$fits" 2>/dev/null; then
        echo "PYTHON=$PYTHON is not a Python 3.11 or newer." >&2
        exit 1
    fi
    candidates=$PYTHON
else
    candidates="python3 python3.14 python3.13 python3.12 python3.11 python"
fi

incomplete=
IFS=' '
[ -z "${PYTHON:-}" ] || IFS=
for python in $candidates; do
    if "$python" -c "$fits" >/dev/null 2>&1; then
        if "$python" -c "$complete" >/dev/null 2>&1; then
            exec "$python" scripts/setup.py "$@"
        fi
        incomplete=${incomplete:-$python}
    fi
done

if [ -n "$incomplete" ]; then
    echo "$incomplete has no venv module: install it (Debian and Ubuntu: apt-get install python3-venv) and run make again." >&2
else
    echo "Python 3.11 or newer is missing: install it, or name it with make PYTHON=/path/to/python3." >&2
fi
exit 1
