"""`python -m portal.operations.probe`: does the web server or the door of this container answer; loads nothing else.

For a container's health check, which runs every few seconds: it asks as a stranger would and needs no settings but the
addresses. Exit status 0 when the answer is good, 1 with a sentence otherwise.
"""

from __future__ import annotations

import http.client
import os
import smtplib
import sys
from collections.abc import Callable
from urllib.parse import urlsplit

SECONDS = 5
READY = "/readyz"


def web(address: str, public_url: str) -> str:
    """Empty when the web server says that it can serve, else what is wrong."""
    host, port = _place(address)
    line = http.client.HTTPConnection(host, port, timeout=SECONDS)
    try:
        # As the TLS proxy asks: by the public name, and over https.
        scheme, _, name = public_url.rstrip("/").partition("://")
        line.request("GET", READY, headers={"Host": name or f"localhost:{port}", "X-Forwarded-Proto": scheme or "http"})
        status = line.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"The web server on {address} does not answer ({type(error).__name__})."
    finally:
        line.close()
    return "" if status == 200 else f"The web server on {address} answers {status} to {READY}."


def door(address: str, _public_url: str) -> str:
    """Empty when the door greets and takes a NOOP, else what is wrong."""
    host, port = _place(address)
    try:
        with smtplib.SMTP(host, port, "localhost", SECONDS) as smtp:
            smtp.noop()
    except (OSError, smtplib.SMTPException) as error:
        return f"The door on {address} does not answer ({type(error).__name__})."
    return ""


PROBES: dict[str, tuple[Callable[[str, str], str], str, str]] = {
    "web": (web, "LETTERLOCK_HTTP", "127.0.0.1:8000"),
    "door": (door, "LETTERLOCK_SMTP", "127.0.0.1:2525"),
}


def _place(address: str) -> tuple[str, int]:
    parts = urlsplit(f"//{address}")
    host = parts.hostname or "127.0.0.1"
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), parts.port or 0  # noqa: S104 # compared only


def main(arguments: list[str]) -> int:
    """Ask each part that is named; both when none is."""
    if unknown := set(arguments) - set(PROBES):
        sys.stderr.write(f"There is no probe of {', '.join(sorted(unknown))}. Choose from {', '.join(PROBES)}.\n")
        return 2
    public_url = os.environ.get("LETTERLOCK_PUBLIC_URL", "").strip()
    wrong = []
    for name in arguments or list(PROBES):
        ask, setting, default = PROBES[name]
        wrong.append(ask(os.environ.get(setting, "").strip() or default, public_url))
    sys.stderr.writelines(f"{sentence}\n" for sentence in wrong if sentence)
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
