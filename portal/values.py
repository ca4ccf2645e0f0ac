"""The values that settings hold, and how each is read from its text; what is wrong with one is told by ValueError."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlsplit

from portal.hostnames import ascii_name

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
TLS_POLICIES = ("published", "opportunistic", "required", "verified", "mta-sts", "dane")
"""Words for the protection of mail on its way, as LETTERLOCK_TLS_POLICY takes them; docs/delivery.md explains them."""


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
class Resolver:
    """A name server to ask. `trusted` is one whose word on DNSSEC is believed (RFC 4035 section 4.9.3)."""

    address: str
    port: int
    trusted: bool


def is_loopback(host: str) -> bool:
    """True for localhost, *.localhost (RFC 6761 section 6.3) and loopback addresses."""
    name = host.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def optional_address(text: str) -> Address | None:
    return address(text) if text else None


def address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"“{text}” is not host:port, like 127.0.0.1:8000.")
    return Address(host.strip("[]") or "127.0.0.1", int(port))


def resolvers(text: str) -> tuple[Resolver, ...]:
    found = []
    for word in text.replace(",", " ").split():
        place, equals, trust = word.partition("=")
        host, port = place, "53"
        if place.startswith("["):
            host, _, port = place[1:].partition("]")
            port = port.removeprefix(":") or "53"
        elif place.count(":") == 1:
            host, _, port = place.partition(":")
        if (equals and trust != "trusted") or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(f"“{word}” is not like 127.0.0.1, 127.0.0.1:5353 or 10.0.0.53=trusted.")
        address = ipaddress.ip_address(host)
        found.append(Resolver(str(address), int(port), address.is_loopback or bool(equals)))
    return tuple(found)


def otlp_url(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username):
        raise ValueError("it must be like http://127.0.0.1:4318/v1/traces, without a name or password in it.")
    return text


def folder(text: str) -> Path:
    return Path(text).expanduser().resolve()


def file(text: str) -> Path | None:
    return Path(text).expanduser().resolve() if text else None


def public_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(f"“{text}” is not an address like https://secure.example.org.")
    return f"{parts.scheme}://{parts.netloc}".lower()


def relay_url(text: str) -> str:
    if not text:
        return ""
    if text == "mx:":
        return text
    parts = urlsplit(text)
    try:
        port_is_usable = parts.port is None or parts.port > 0
    except ValueError:
        port_is_usable = False
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or not port_is_usable:
        raise ValueError("it must be like smtp://mail.example.org:25, smtps://mail.example.org, or mx: for no relay.")
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    if set(asked) - {"tls"} or asked.get("tls", "required") not in ("opportunistic", "required", "verified"):
        raise ValueError("behind the ? it takes only tls=opportunistic, tls=required or tls=verified.")
    if parts.scheme == "smtps" and asked.get("tls") == "opportunistic":
        raise ValueError("smtps:// is TLS from its first byte, so tls=opportunistic means nothing there. Leave it out.")
    return text


def tls_policy(text: str) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for word in text.replace(",", " ").split():
        domain, equals, policy = word.rpartition("=")
        if not equals or not domain or policy not in TLS_POLICIES:
            raise ValueError(f"“{word}” is not domain=policy with one of {', '.join(TLS_POLICIES)}.")
        name = domain if domain == "*" else one_domain(domain)
        if name in found:
            raise ValueError(f"it speaks twice of {name}. Leave one of them.")
        found[name] = policy
    return tuple(found.items())


def one_domain(text: str) -> str:
    found = domains(text)
    if len(found) > 1 or any("@" in name or "/" in name for name in found):
        raise ValueError(f"“{text}” is not one domain, like mail.example.org.")
    return found[0] if found else ""


def blob_url(text: str) -> str:
    # portal.vault.blobs reads it; here only what would be found out too late, when the first large mail comes.
    if not text.startswith(("file:///", "s3://")) or (text.startswith("s3:") and "@" in text):
        raise ValueError(
            "it must be file:///an/absolute/folder or s3://bucket/prefix?endpoint=…&region=…, without credentials."
        )
    return text


def database_url(text: str) -> str:
    """Checked here because the library takes engines that are not installed, and fails far from the setting."""
    parts = _split(text)
    if parts is None or parts.scheme not in ("sqlite", "postgresql", "postgres") or len(parts.path) < 2:
        raise ValueError("it must be postgresql://user:password@host/name or sqlite:////an/absolute/path. " + _ESCAPES)
    return text


def broker_url(text: str) -> str:
    """Checked here because a broker that cannot be reached only makes mail slow."""
    parts = _split(text)
    on_disk = parts is not None and parts.scheme == "filesystem" and not parts.netloc and parts.path.startswith("/")
    remote = parts is not None and parts.scheme in ("redis", "rediss", "amqp", "amqps") and bool(parts.hostname)
    if not on_disk and not remote:
        raise ValueError(
            "it must be redis://:password@host:6379/0 or amqp://user:password@host:5672// (RabbitMQ), over TLS "
            "rediss:// or amqps://, or filesystem:///an/absolute/folder. " + _ESCAPES
        )
    return text


_ESCAPES = "In a name or password, %, /, #, @ and : are written %25, %2F, %23, %40 and %3A."


def _split(text: str) -> SplitResult | None:
    """None for what is no URL. The library's errors would repeat a password."""
    try:
        parts = urlsplit(text)
        return parts if parts.port != 0 else None
    except ValueError:
        return None


def switch(text: str) -> bool:
    return choice("on", "off")(text.lower()) == "on"


@dataclass(frozen=True)
class choice:
    """One of some words."""

    allowed: tuple[str, ...]

    def __init__(self, *allowed: str) -> None:
        object.__setattr__(self, "allowed", allowed)

    def __call__(self, text: str) -> str:
        if text not in self.allowed:
            raise ValueError(f"“{text}” is not one of {', '.join(self.allowed)}.")
        return text


@dataclass(frozen=True)
class between:
    """A whole number, both ends included."""

    low: int
    high: int

    def __call__(self, text: str) -> int:
        if not text.isdecimal() or not self.low <= int(text) <= self.high:
            raise ValueError(f"“{text}” is not a whole number from {self.low} to {self.high}.")
        return int(text)


def range_of(parse: Callable[[str], object]) -> str:
    """What a setting may be, in words; "" where that takes more than a few."""
    if parse is switch:
        return "on, off"
    if isinstance(parse, choice):
        return ", ".join(parse.allowed)
    return f"{parse.low:,} to {parse.high:,}" if isinstance(parse, between) else ""


def domains(text: str) -> tuple[str, ...]:
    return tuple(ascii_name(word) for word in text.replace(",", " ").split())


def networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(word) for word in text.replace(",", " ").split())


def virus_scanner(text: str) -> str:
    """A clamd: a socket's path, or host and port; "" for none."""
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = 0
    by_path = not parts.netloc and parts.path.startswith("/")
    by_host = bool(parts.hostname) and port != 0 and parts.path in ("", "/") and not parts.username
    if text and (parts.scheme != "clamd" or not (by_path or by_host) or parts.query or parts.fragment):
        raise ValueError("it is not clamd:///run/clamav/clamd.ctl or clamd://host:3310.")
    return text
