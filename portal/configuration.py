"""What the operator may set: every LETTERLOCK_* variable, read once, typed and checked at start."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MEBIBYTE = 1024 * 1024
HERE = Path(__file__).resolve().parent.parent


class ConfigurationError(Exception):
    """A setting that stops the start; the text names the setting, what is wrong and what to write instead."""


@dataclass(frozen=True)
class Address:
    """A host and port to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)


@dataclass(frozen=True)
class Configuration:
    """All settings. The field `smtp` is set by LETTERLOCK_SMTP, and so on; docs/settings.md lists them."""

    http: Address
    smtp: Address
    data: Path
    public_url: str
    relay_url: str
    database_url: str = field(repr=False)
    keyring_url: str = field(repr=False)
    key_url: str = field(repr=False)
    blob_url: str = field(repr=False)
    recovery_key: Path | None
    broker_url: str = field(repr=False)
    max_message_bytes: int
    max_recipients: int
    inside_domains: tuple[str, ...]
    networks: tuple[Network, ...]
    default_action: str
    split: str
    open_days: int
    key_cache_seconds: int
    undo_minutes: int
    restore_days: int
    demo: bool
    web_workers: int
    worker_processes: int
    worker_memory_bytes: int
    mail_cpu_seconds: int
    sweep_seconds: int
    lease_seconds: int

    @property
    def public_host(self) -> str:
        """Host name of the public address, without its port."""
        return urlsplit(self.public_url).hostname or ""

    @property
    def https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def loopback(self) -> bool:
        """Whether the portal is for this computer only; the demo and the outbox are allowed only then."""
        return is_loopback(self.public_host)

    @property
    def outbox(self) -> Path:
        """The Maildir that stands for the outside world while no relay is set."""
        return self.data / "outbox"


def is_loopback(host: str) -> bool:
    """True for localhost, *.localhost (RFC 6761 section 6.3) and loopback addresses."""
    name = host.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def read(environment: Mapping[str, str]) -> Configuration:
    """Read the settings.

    Raises:
        ConfigurationError: a setting is malformed, or a public address lacks relay or https, or has the demo on.
    """

    def setting(name: str, parse: Callable[[str], T], default: str) -> T:
        full = f"LETTERLOCK_{name}"
        text = environment.get(full, "").strip() or default
        try:
            return parse(text)
        except ValueError as error:
            raise ConfigurationError(f"{full} is not usable: {error}") from None

    http = setting("HTTP", _address, "127.0.0.1:8000")
    smtp = setting("SMTP", _address, "127.0.0.1:2525")
    data = setting("DATA", _folder, str(HERE / "var"))
    public_url = setting("PUBLIC_URL", _public_url, f"http://{'localhost' if http.loopback else http.host}:{http.port}")
    relay_url = setting("RELAY_URL", _relay_url, "")
    loopback = is_loopback(urlsplit(public_url).hostname or "")
    demo = setting("DEMO", _switch, "on" if loopback and not relay_url else "off")
    max_message_bytes = setting("MAX_MESSAGE_BYTES", _between(1024, 1024 * MEBIBYTE), str(150 * MEBIBYTE))
    made = Configuration(
        http=http,
        smtp=smtp,
        data=data,
        public_url=public_url,
        relay_url=relay_url,
        database_url=setting("DATABASE_URL", str, f"sqlite:///{data / 'letterlock.sqlite3'}"),
        keyring_url=setting("KEYRING_URL", str, f"file://{data / 'keyring'}"),
        key_url=setting("KEY_URL", str, f"file:{data / 'root.key'}"),
        blob_url=setting("BLOB_URL", _blob_url, f"file://{data / 'blobs'}"),
        recovery_key=setting("RECOVERY_KEY", _file, ""),
        broker_url=setting("BROKER_URL", str, f"filesystem://{data / 'broker'}"),
        max_message_bytes=max_message_bytes,
        max_recipients=setting("MAX_RECIPIENTS", _between(1, 4000), "500"),
        inside_domains=setting("INSIDE_DOMAINS", _domains, _demo_domains() if demo else ""),
        networks=setting("NETWORKS", _networks, "127.0.0.0/8 ::1"),
        default_action=setting("DEFAULT_ACTION", _choice("protect", "relay"), "relay"),
        split=setting("SPLIT", _choice("off", "strict", "escrow"), "off"),
        open_days=setting("OPEN_DAYS", _between(1, 730), "30"),
        key_cache_seconds=setting("KEY_CACHE_SECONDS", _between(1, 300), "300"),
        restore_days=setting("RESTORE_DAYS", _between(0, 3650), "35"),
        undo_minutes=setting("UNDO_MINUTES", _between(0, 10_080), "10"),
        demo=demo,
        web_workers=setting("WEB_WORKERS", _between(1, 64), "1"),
        worker_processes=setting("WORKER_PROCESSES", _between(1, 64), "2"),
        worker_memory_bytes=setting(
            "WORKER_MEMORY_BYTES",
            _between(256 * MEBIBYTE, 1024 * 1024 * MEBIBYTE),
            str(4 * max_message_bytes + 512 * MEBIBYTE),
        ),
        mail_cpu_seconds=setting("MAIL_CPU_SECONDS", _between(1, 3600), "60"),
        sweep_seconds=setting("SWEEP_SECONDS", _between(1, 300), "5"),
        lease_seconds=setting("LEASE_SECONDS", _between(2, 3600), "30"),
    )
    _check_public(made)
    if made.split == "escrow" and made.recovery_key is None:
        raise ConfigurationError(
            "LETTERLOCK_SPLIT is escrow, so LETTERLOCK_RECOVERY_KEY must name the public half of a recovery key; "
            "`manage.py keys pair` makes one."
        )
    return made


def _check_public(made: Configuration) -> None:
    """A portal that strangers can reach must send real mail, over https, without the demo's open doors."""
    if made.loopback:
        return
    if not made.https:
        raise ConfigurationError(
            f"LETTERLOCK_PUBLIC_URL is {made.public_url}, which is not on this computer and not https. "
            f"Write https://{made.public_host}/ and put a TLS proxy in front."
        )
    if not made.relay_url:
        raise ConfigurationError(
            "LETTERLOCK_RELAY_URL is not set, so outgoing mail would stay in a folder in clear. On a public address "
            "it must name your mail server, like smtp://mail.example.org:25."
        )
    if made.demo:
        raise ConfigurationError(
            "LETTERLOCK_DEMO is on, and the demo is open to anyone. Set it to off on a public address."
        )


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"“{text}” is not host:port, like 127.0.0.1:8000.")
    return Address(host.strip("[]") or "127.0.0.1", int(port))


def _folder(text: str) -> Path:
    return Path(text).expanduser().resolve()


def _file(text: str) -> Path | None:
    return Path(text).expanduser().resolve() if text else None


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(f"“{text}” is not an address like https://secure.example.org.")
    return f"{parts.scheme}://{parts.netloc}".lower()


def _relay_url(text: str) -> str:
    if not text:
        return ""
    parts = urlsplit(text)
    if parts.scheme != "smtp" or not parts.hostname:
        raise ValueError("it must be like smtp://mail.example.org:25.")
    return text


def _blob_url(text: str) -> str:
    # portal.vault.blobs reads it; here only what would be found out too late, when the first large mail comes.
    if not text.startswith(("file:///", "s3://")) or (text.startswith("s3:") and "@" in text):
        raise ValueError(
            "it must be file:///an/absolute/folder or s3://bucket/prefix?endpoint=…&region=…, without credentials."
        )
    return text


def _switch(text: str) -> bool:
    return _choice("on", "off")(text.lower()) == "on"


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"“{text}” is not one of {', '.join(allowed)}.")
        return text

    return parse


def _between(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise ValueError(f"“{text}” is not a whole number from {low} to {high}.")
        return int(text)

    return parse


def _domains(text: str) -> tuple[str, ...]:
    return tuple(word.lower().rstrip(".").encode("idna").decode() for word in text.replace(",", " ").split())


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(word) for word in text.replace(",", " ").split())


def _demo_domains() -> str:
    """The demo organisation's own domains; the senders in portal/operations/demo/data.json live there."""
    return "aldervalley.example harbour.example nordlicht.example nakhil.example"
