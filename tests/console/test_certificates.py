"""A look at a host's certificate as a browser would look, at a real server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from portal.console import certificates
from tests.peers.authority import Authority, https


@pytest.mark.parametrize(
    ("names", "trusted", "said"),
    [
        (("localhost",), True, ""),
        (("localhost",), False, "localhost has a certificate that browsers do not take"),
        (("other.example",), True, "localhost has a certificate that browsers do not take"),
    ],
)
def test_a_certificate_must_name_the_host_and_be_trusted(
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    names: tuple[str, ...],
    trusted: bool,
    said: str,
) -> None:
    authority = Authority(tmp_path)
    trusts = authority if trusted else Authority(tmp_path, "Another authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusts.file))
    _signed, context = authority.server(*names)
    with https(context) as site:
        settings.LETTERLOCK = replace(settings.LETTERLOCK, public_url=f"https://localhost:{site.port}")
        assert certificates.problem("localhost").startswith(said)
        assert bool(certificates.problem("localhost")) == bool(said)


def test_a_host_that_does_not_answer_is_said_to(settings: Settings) -> None:
    settings.LETTERLOCK = replace(settings.LETTERLOCK, public_url="https://localhost:1")
    assert certificates.problem("localhost") == "localhost does not answer at port 1."


@pytest.mark.parametrize("host", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254"])
def test_no_link_local_address_is_looked_at(settings: Settings, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    settings.LETTERLOCK = replace(settings.LETTERLOCK, public_url="https://localhost:1")
    monkeypatch.setattr(certificates, "connected", lambda *_, **__: pytest.fail("It was connected to."))
    assert certificates.problem(host) == f"{host} is not found in the DNS."


def test_without_https_no_certificate_is_asked_for(settings: Settings) -> None:
    settings.LETTERLOCK = replace(settings.LETTERLOCK, public_url="http://localhost:8000")
    assert certificates.problem("nowhere.invalid") == ""
