"""Whether the ports to listen on are free, asked before anything is started."""

from __future__ import annotations

import errno
import socket

from portal.configuration import Configuration
from portal.ingest.serving import listeners
from portal.operations.errors import PortTaken
from portal.values import Address


def require_free(configuration: Configuration) -> None:
    """Raises PortTaken with the setting that chooses another port."""
    _try("LETTERLOCK_HTTP", configuration.http)
    for place in listeners(configuration):
        _try(place.setting, place.address)
    if configuration.metrics is not None:
        _try("LETTERLOCK_METRICS", configuration.metrics)


def _try(setting: str, address: Address) -> None:
    # Without SO_REUSEPORT, which the web server sets: with it a second Letterlock would share the first one's port.
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
            probe.listen(1)
        except OSError as error:
            raise PortTaken(_sentence(error.errno, setting, address)) from None


def _sentence(number: int | None, setting: str, address: Address) -> str:
    if number == errno.EADDRINUSE:
        other = Address(address.host, address.port + 1 if address.port < 65535 else 8000)
        return (
            f"Port {address.port} ({setting}) is in use by another program. Choose another: {setting}={other} make run"
        )
    if number == errno.EACCES:
        return (
            f"Port {address.port} ({setting}) is reserved for the system. Choose one from 1024 up, or grant the right."
        )
    return (
        f"{address} ({setting}) is not an address of this machine. Choose one that is, like 127.0.0.1:{address.port}."
    )
