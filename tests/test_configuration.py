"""The settings: typed, with their defaults, and a wrong one stops the start with its name and the fix."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from portal import configuration
from portal.configuration import Address, ConfigurationError, is_loopback, read
from tests.servers import ROOT

PUBLIC = {
    "LETTERLOCK_PUBLIC_URL": "https://secure.example.org",
    "LETTERLOCK_RELAY_URL": "smtp://mail.example.org:25",
}


def test_nothing_needs_to_be_set() -> None:
    found = read({})
    assert (str(found.http), str(found.smtp)) == ("127.0.0.1:8000", "127.0.0.1:2525")
    assert found.public_url == "http://localhost:8000"
    assert found.max_message_bytes == 150 * 1024 * 1024
    assert found.default_action == "relay"
    assert found.demo
    assert "aldervalley.example" in found.inside_domains
    assert found.outbox == found.data / "outbox"


def test_a_public_installation() -> None:
    found = read(
        {**PUBLIC, "LETTERLOCK_DATA": "/srv/letterlock", "LETTERLOCK_INSIDE_DOMAINS": "Example.org, büro.example"}
    )
    assert not found.demo
    assert found.https
    assert found.inside_domains == ("example.org", "xn--bro-hoa.example")
    assert found.data == Path("/srv/letterlock")
    assert "secret" not in repr(read({**PUBLIC, "LETTERLOCK_DATABASE_URL": "postgresql://a:secret@db/x"}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP", "8000"),
        ("HTTP", "localhost:http"),
        ("SMTP", "127.0.0.1:99999"),
        ("PUBLIC_URL", "secure.example.org"),
        ("PUBLIC_URL", "https://secure.example.org/mail"),
        ("RELAY_URL", "mail.example.org:25"),
        ("MAX_MESSAGE_BYTES", "many"),
        ("MAX_MESSAGE_BYTES", "5"),
        ("DEFAULT_ACTION", "drop"),
        ("DEMO", "maybe"),
        ("NETWORKS", "10.0.0.0/33"),
        ("PROXY_NETWORKS", "10.0.0.1/8"),
        ("SMTPS", "465"),
        ("LMTP", "127.0.0.1:lmtp"),
        ("DOOR_PROCESSES", "0"),
        ("OPEN_DAYS", "0"),
        ("OPEN_DAYS", "731"),
        ("KEY_CACHE_SECONDS", "301"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"LETTERLOCK_{name} ") as refused:
        read({f"LETTERLOCK_{name}": value})
    assert len(str(refused.value)) > len(name) + 30


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"LETTERLOCK_PUBLIC_URL": "http://secure.example.org"}, "LETTERLOCK_PUBLIC_URL"),
        ({"LETTERLOCK_RELAY_URL": ""}, "LETTERLOCK_RELAY_URL"),
        ({"LETTERLOCK_DEMO": "on"}, "LETTERLOCK_DEMO"),
    ],
)
def test_a_public_address_is_refused_without_what_it_needs(changes: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        read({**PUBLIC, **changes})


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("harbour.localhost", True),
        ("127.0.0.1", True),
        ("[::1]", True),
        ("LOCALHOST.", True),
        ("localhost.example.org", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("secure.example.org", False),
    ],
)
def test_only_this_computer_is_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    assert Address(host, 1).loopback is loopback


def test_every_setting_is_documented() -> None:
    source = Path(configuration.__file__).read_text()
    names = set(re.findall(r'setting\(\s*"([A-Z_]+)"', source))
    assert len(names) > 15
    documented = set(
        re.findall(r"^\| `LETTERLOCK_([A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    )
    assert names == documented


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"LETTERLOCK_TLS_CERTIFICATE": "/c.pem"}, "LETTERLOCK_TLS_KEY is not set"),
        ({"LETTERLOCK_TLS_KEY": "/k.pem"}, "LETTERLOCK_TLS_CERTIFICATE is not set"),
        ({"LETTERLOCK_SMTPS": "0.0.0.0:465"}, "LETTERLOCK_SMTPS needs TLS"),
        ({"LETTERLOCK_TLS_CLIENT_CA": "/ca.pem"}, "LETTERLOCK_TLS_CLIENT_CA needs TLS"),
    ],
)
def test_tls_that_is_set_by_half_stops_the_start(environment: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        read(environment)
    whole = {"LETTERLOCK_TLS_CERTIFICATE": "/c.pem", "LETTERLOCK_TLS_KEY": "/k.pem", **environment}
    assert read(whole).tls_key == Path("/k.pem")
