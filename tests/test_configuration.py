"""The settings: typed, with their defaults, and a wrong one stops the start with its name and the fix."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import pytest

from portal import configuration
from portal.configuration import ConfigurationError, read
from portal.values import Address, is_loopback
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
        {
            **PUBLIC,
            "LETTERLOCK_DATA": "/srv/letterlock",
            "LETTERLOCK_INSIDE_DOMAINS": "Example.org büro.example, straße.example",
        }
    )
    assert not found.demo
    assert found.https
    assert found.inside_domains == ("example.org", "xn--bro-hoa.example", "xn--strae-oqa.example")
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
        ("LOG_FORMAT", "xml"),
        ("METRICS", "9464"),
        ("OTLP_URL", "127.0.0.1:4317"),
        ("OTLP_URL", "https://user:secret@collector.example/v1/traces"),
        ("DNS", "ns.example.org"),
        ("DNS", "192.0.2.53:0"),
        ("DNS", "192.0.2.53=believed"),
        ("DATABASE_URL", "mysql://portal:geheim@db/letterlock"),
        ("DATABASE_URL", "postgresql://portal:geheim@db"),
        ("DATABASE_URL", "postgresql://portal:ge#heim@db/letterlock"),
        ("DATABASE_URL", "letterlock.sqlite3"),
        ("BROKER_URL", "redi://:geheim@redis:6379/0"),
        ("BROKER_URL", "redis://:geheim/@redis:6379/0"),
        ("BROKER_URL", "memory://"),
        ("BROKER_URL", "amqp://"),
        ("BROKER_URL", "filesystem://broker"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"LETTERLOCK_{name} ") as refused:
        read({f"LETTERLOCK_{name}": value})
    assert len(str(refused.value)) > len(name) + 30
    assert "heim" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://portal:geheim@[2001:db8::1]:5432/letterlock?sslmode=verify-full"),
        ("DATABASE_URL", "postgresql:///letterlock"),
        ("DATABASE_URL", "sqlite:////srv/letterlock/letterlock.sqlite3"),
        ("BROKER_URL", "rediss://:ge%2Fheim@redis:6379/0"),
        ("BROKER_URL", "amqps://portal:geheim@rabbit:5671//"),
        ("BROKER_URL", "amqp://portal:geheim@rabbit/letterlock"),
        ("BROKER_URL", "filesystem:///srv/letterlock/broker"),
    ],
)
def test_databases_and_brokers_of_every_kind_are_taken(name: str, value: str) -> None:
    assert getattr(read({f"LETTERLOCK_{name}": value}), name.lower()) == value


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


def test_name_servers_have_an_address_a_port_and_may_be_trusted() -> None:
    found = read({"LETTERLOCK_DNS": "192.0.2.53 127.0.0.1:5353, [2001:db8::1]:54 2001:db8::2=trusted"}).dns
    assert [(one.address, one.port, one.trusted) for one in found] == [
        ("192.0.2.53", 53, False),
        ("127.0.0.1", 5353, True),
        ("2001:db8::1", 54, False),
        ("2001:db8::2", 53, True),
    ]


def test_the_figures_never_share_the_pages_or_the_doors_address() -> None:
    for place in ("127.0.0.1:8000", "127.0.0.1:2525"):
        with pytest.raises(ConfigurationError, match="LETTERLOCK_METRICS"):
            read({"LETTERLOCK_METRICS": place})
    assert str(read({"LETTERLOCK_METRICS": "127.0.0.1:9464"}).metrics) == "127.0.0.1:9464"
    assert read({}).metrics is None


class TestFiles:
    """Secrets in files: one line each, and never a silent default."""

    def test_a_setting_comes_from_its_file_without_its_line_end(self, tmp_path: Path) -> None:
        (tmp_path / "database").write_text("postgresql://portal:secret@db/letterlock\n")
        found = read({"LETTERLOCK_DATABASE_URL_FILE": str(tmp_path / "database")})
        assert found.database_url == "postgresql://portal:secret@db/letterlock"

    SCHEMES: ClassVar[dict[str, str]] = {"RELAY_URL": "smtp", "BROKER_URL": "redis"}

    @pytest.mark.parametrize("name", configuration.FROM_FILES)
    def test_every_setting_that_may_hold_a_password_has_its_file(self, tmp_path: Path, name: str) -> None:
        value = f"{self.SCHEMES.get(name, 'postgresql')}://user:of-it@host.example.org:25" + "/db" * ("DATA" in name)
        (tmp_path / "secret").write_text(value)
        found = read({f"LETTERLOCK_{name}_FILE": str(tmp_path / "secret")})
        assert getattr(found, name.lower()) == value
        assert "of-it" not in repr(found)

    def test_both_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "broker").write_text("redis://broker/0")
        environment = {"LETTERLOCK_BROKER_URL_FILE": str(tmp_path / "broker"), "LETTERLOCK_BROKER_URL": "redis://x/0"}
        with pytest.raises(ConfigurationError, match=r"LETTERLOCK_BROKER_URL_FILE are both set. Remove one"):
            read(environment)

    def test_a_missing_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match=r"LETTERLOCK_KEYRING_URL_FILE .*No such file") as caught:
            read({"LETTERLOCK_KEYRING_URL_FILE": str(tmp_path / "nothing")})
        assert caught.value.__cause__ is None

    @pytest.mark.parametrize("content", [b"", b" \n", b"one\ntwo\n", b"\xff\xfe", b"x" * 9000])
    def test_a_file_that_holds_no_single_line_is_refused_and_not_shown(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "secret").write_bytes(content)
        with pytest.raises(ConfigurationError, match="does not hold one line") as caught:
            read({"LETTERLOCK_DATABASE_URL_FILE": str(tmp_path / "secret")})
        assert "two" not in str(caught.value)

    def test_other_settings_have_none(self, tmp_path: Path) -> None:
        assert read({"LETTERLOCK_OPEN_DAYS_FILE": str(tmp_path / "nothing")}).open_days == 30


def test_spool_and_blobs_are_apart() -> None:
    place = "s3://letterlock/all?region=eu-north-1"
    with pytest.raises(ConfigurationError, match="name the same place"):
        read({"LETTERLOCK_SPOOL_URL": place, "LETTERLOCK_BLOB_URL": place})
    with pytest.raises(ConfigurationError, match="LETTERLOCK_SPOOL_URL is not usable"):
        read({"LETTERLOCK_SPOOL_URL": "/srv/spool"})


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
