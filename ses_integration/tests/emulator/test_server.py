"""Starting and stopping the emulator, and the address it listens on."""

from __future__ import annotations

from typing import Any

import pytest

from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import control


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com", ""])  # noqa: S104
def test_it_listens_on_loopback_only(host: str) -> None:
    """The emulator's own: it takes any credentials, so no other machine may reach it."""
    with pytest.raises(ValueError, match="loopback"):
        Emulator(host=host)


def test_it_can_be_stopped_and_started_again() -> None:
    """The emulator's own: the port is free again, and it may be stopped twice."""
    emulator = Emulator(host="localhost")
    emulator.start()
    url = emulator.url
    emulator.stop()
    emulator.stop()
    with pytest.raises(ConnectionRefusedError):
        control(url, "GET", "/_health")
    emulator.start()
    assert control(emulator.url, "GET", "/_health")[0] == 200
    emulator.stop()


def test_a_port_in_use_raises_an_error_instead_of_exiting(running_emulator: Any) -> None:
    """The emulator's own: werkzeug would exit."""
    port = int(running_emulator.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Emulator(port=port).start()
