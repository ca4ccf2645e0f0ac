"""What the operator may set: every LETTERLOCK_* variable, read once, typed and checked at start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from portal import values
from portal.values import Address, Network, Resolver, is_loopback

T = TypeVar("T")
MEBIBYTE = 1024 * 1024
HERE = Path(__file__).resolve().parent.parent
FROM_FILES = ("DATABASE_URL", "KEYRING_URL", "KEY_URL", "BROKER_URL", "RELAY_URL")
"""Settings that may hold a password. LETTERLOCK_<NAME>_FILE names a file that holds it, as Compose, Kubernetes and
systemd hand secrets over: an environment is seen by whoever may look at the process or the container."""
_FILE_BYTES = 8192


class ConfigurationError(Exception):
    """A setting that stops the start; the text names the setting, what is wrong and what to write instead."""


@dataclass(frozen=True)
class Configuration:
    """All settings. The field `smtp` is set by LETTERLOCK_SMTP, and so on; docs/settings.md lists them."""

    http: Address
    smtp: Address
    smtps: Address | None
    lmtp: Address | None
    tls_certificate: Path | None
    tls_key: Path | None
    tls_client_ca: Path | None
    proxy_networks: tuple[Network, ...]
    door_processes: int
    data: Path
    public_url: str
    relay_url: str = field(repr=False)
    tls_policy: tuple[tuple[str, str], ...]
    dns: tuple[Resolver, ...]
    mx_networks: tuple[Network, ...]
    bounce_domain: str
    domain_connections: int
    database_url: str = field(repr=False)
    keyring_url: str = field(repr=False)
    key_url: str = field(repr=False)
    blob_url: str = field(repr=False)
    spool_url: str = field(repr=False)
    recovery_key: Path | None
    broker_url: str = field(repr=False)
    max_message_bytes: int
    max_recipients: int
    inside_domains: tuple[str, ...]
    networks: tuple[Network, ...]
    proxies: tuple[Network, ...]
    default_action: str
    virus_scanner: str
    split: str
    open_days: int
    passcodes_per_network: int
    passcodes_per_brand: int
    ask_sender: bool
    search_index: bool
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
    log_format: str
    metrics: Address | None
    otlp_url: str

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


@dataclass(frozen=True)
class Declared:
    """A setting as the page of settings shows it: what it is by default, what it may be, and whether it was set."""

    name: str
    default: str
    allowed: str
    given: bool


def declared(environment: Mapping[str, str]) -> list[Declared]:
    """All settings, in the order in which they are read. ConfigurationError as `read`."""
    found: list[Declared] = []
    read(environment, found.append)
    return found


def read(environment: Mapping[str, str], tell: Callable[[Declared], None] = lambda _: None) -> Configuration:
    """Read the settings; `tell` is told of each.

    Raises:
        ConfigurationError: a setting is malformed, its file cannot be read, or a public address lacks relay or https,
            or has the demo on.
    """

    def setting(name: str, parse: Callable[[str], T], default: str) -> T:
        full = f"LETTERLOCK_{name}"
        text = (_from_file(environment, full) if name in FROM_FILES else "") or environment.get(full, "").strip()
        tell(Declared(full, default, values.range_of(parse), bool(text)))
        text = text or default
        try:
            return parse(text)
        except ValueError as error:
            raise ConfigurationError(f"{full} is not usable: {error}") from None

    http = setting("HTTP", values.address, "127.0.0.1:8000")
    smtp = setting("SMTP", values.address, "127.0.0.1:2525")
    data = setting("DATA", values.folder, str(HERE / "var"))
    public_url = setting(
        "PUBLIC_URL", values.public_url, f"http://{'localhost' if http.loopback else http.host}:{http.port}"
    )
    relay_url = setting("RELAY_URL", values.relay_url, "")
    loopback = is_loopback(urlsplit(public_url).hostname or "")
    demo = setting("DEMO", values.switch, "on" if loopback and not relay_url else "off")
    max_message_bytes = setting("MAX_MESSAGE_BYTES", values.between(1024, 1024 * MEBIBYTE), str(150 * MEBIBYTE))
    made = Configuration(
        http=http,
        smtp=smtp,
        smtps=setting("SMTPS", values.optional_address, ""),
        lmtp=setting("LMTP", values.optional_address, ""),
        tls_certificate=setting("TLS_CERTIFICATE", values.file, ""),
        tls_key=setting("TLS_KEY", values.file, ""),
        tls_client_ca=setting("TLS_CLIENT_CA", values.file, ""),
        proxy_networks=setting("PROXY_NETWORKS", values.networks, ""),
        door_processes=setting("DOOR_PROCESSES", values.between(1, 64), "1"),
        data=data,
        public_url=public_url,
        relay_url=relay_url,
        tls_policy=setting("TLS_POLICY", values.tls_policy, "*=published"),
        dns=setting("DNS", values.resolvers, ""),
        mx_networks=setting("MX_NETWORKS", values.networks, ""),
        bounce_domain=setting("BOUNCE_DOMAIN", values.one_domain, ""),
        domain_connections=setting("DOMAIN_CONNECTIONS", values.between(1, 100), "4"),
        database_url=setting("DATABASE_URL", values.database_url, f"sqlite:///{data / 'letterlock.sqlite3'}"),
        keyring_url=setting("KEYRING_URL", str, f"file://{data / 'keyring'}"),
        key_url=setting("KEY_URL", str, f"file:{data / 'root.key'}"),
        blob_url=setting("BLOB_URL", values.blob_url, f"file://{data / 'blobs'}"),
        spool_url=setting("SPOOL_URL", values.blob_url, f"file://{data / 'spool'}"),
        recovery_key=setting("RECOVERY_KEY", values.file, ""),
        broker_url=setting("BROKER_URL", values.broker_url, f"filesystem://{data / 'broker'}"),
        max_message_bytes=max_message_bytes,
        max_recipients=setting("MAX_RECIPIENTS", values.between(1, 4000), "500"),
        inside_domains=setting("INSIDE_DOMAINS", values.domains, _demo_domains() if demo else ""),
        networks=setting("NETWORKS", values.networks, "127.0.0.0/8 ::1"),
        proxies=setting("PROXIES", values.networks, "127.0.0.0/8 ::1"),
        default_action=setting("DEFAULT_ACTION", values.choice("protect", "relay"), "relay"),
        virus_scanner=setting("VIRUS_SCANNER", values.virus_scanner, ""),
        split=setting("SPLIT", values.choice("off", "strict", "escrow"), "off"),
        open_days=setting("OPEN_DAYS", values.between(1, 730), "30"),
        passcodes_per_network=setting("PASSCODES_PER_NETWORK", values.between(10, 1_000_000), "200"),
        passcodes_per_brand=setting("PASSCODES_PER_BRAND", values.between(100, 10_000_000), "5000"),
        ask_sender=setting("ASK_SENDER", values.switch, "on"),
        search_index=setting("SEARCH_INDEX", values.switch, "on"),
        key_cache_seconds=setting("KEY_CACHE_SECONDS", values.between(1, 300), "300"),
        restore_days=setting("RESTORE_DAYS", values.between(0, 3650), "35"),
        undo_minutes=setting("UNDO_MINUTES", values.between(0, 10_080), "10"),
        demo=demo,
        web_workers=setting("WEB_WORKERS", values.between(1, 64), "1"),
        worker_processes=setting("WORKER_PROCESSES", values.between(1, 64), "2"),
        worker_memory_bytes=setting(
            "WORKER_MEMORY_BYTES",
            values.between(256 * MEBIBYTE, 1024 * 1024 * MEBIBYTE),
            str(4 * max_message_bytes + 512 * MEBIBYTE),
        ),
        mail_cpu_seconds=setting("MAIL_CPU_SECONDS", values.between(1, 3600), "60"),
        sweep_seconds=setting("SWEEP_SECONDS", values.between(1, 300), "5"),
        lease_seconds=setting("LEASE_SECONDS", values.between(2, 3600), "30"),
        log_format=setting("LOG_FORMAT", values.choice("plain", "json"), "plain"),
        metrics=setting("METRICS", values.optional_address, ""),
        otlp_url=setting("OTLP_URL", values.otlp_url, ""),
    )
    _check_public(made)
    _check_tls(made)
    if made.metrics is not None and made.metrics in (made.http, made.smtp, made.smtps, made.lmtp):
        raise ConfigurationError(
            f"LETTERLOCK_METRICS is {made.metrics}, where the pages or the door listen already. "
            "Give it a port of its own that no stranger can reach, like 127.0.0.1:9464."
        )
    if made.spool_url.rstrip("/") == made.blob_url.rstrip("/"):
        raise ConfigurationError(
            "LETTERLOCK_SPOOL_URL and LETTERLOCK_BLOB_URL name the same place, where one's tidying would take the "
            "other's. Give the spool a prefix of its own, like s3://bucket/spool?endpoint=…"
        )
    if made.split == "escrow" and made.recovery_key is None:
        raise ConfigurationError(
            "LETTERLOCK_SPLIT is escrow, so LETTERLOCK_RECOVERY_KEY must name the public half of a recovery key; "
            "`manage.py keys pair` makes one."
        )
    return made


def _from_file(environment: Mapping[str, str], full: str) -> str:
    """The one line of the file that `full`_FILE names; empty when it names none."""
    path = environment.get(f"{full}_FILE", "").strip()
    if not path:
        return ""
    if environment.get(full, "").strip():
        raise ConfigurationError(f"{full} and {full}_FILE are both set. Remove one of them.")
    try:
        with Path(path).open("rb") as file:
            text = file.read(_FILE_BYTES + 1).decode().strip()
    except OSError as error:
        raise ConfigurationError(
            f"{full}_FILE names a file that cannot be read ({error.strerror or type(error).__name__}). "
            "Put the setting's value there, readable for this user."
        ) from None
    except UnicodeDecodeError:
        text = ""
    # An empty file must not become the default: the start would go on with another database than the one meant.
    if not text or len(text.splitlines()) > 1 or len(text) > _FILE_BYTES:
        raise ConfigurationError(
            f"{full}_FILE names a file that does not hold one line. Write the value alone into it."
        )
    return text


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


def _check_tls(made: Configuration) -> None:
    """TLS needs both of its files, and what speaks nothing but TLS needs TLS."""
    if (made.tls_certificate is None) != (made.tls_key is None):
        missing = "LETTERLOCK_TLS_KEY" if made.tls_key is None else "LETTERLOCK_TLS_CERTIFICATE"
        raise ConfigurationError(f"{missing} is not set: certificate and key belong together. Name both files.")
    if made.tls_certificate is None and (made.smtps is not None or made.tls_client_ca is not None):
        wanting = "LETTERLOCK_SMTPS" if made.smtps is not None else "LETTERLOCK_TLS_CLIENT_CA"
        raise ConfigurationError(
            f"{wanting} needs TLS: set LETTERLOCK_TLS_CERTIFICATE and LETTERLOCK_TLS_KEY, or leave it out."
        )


def _demo_domains() -> str:
    """The demo organisation's own domains; the senders in portal/operations/demo/data.json live there."""
    return "aldervalley.example harbour.example nordlicht.example nakhil.example"
