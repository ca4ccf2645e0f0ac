"""What each setting is for, in one sentence, in the groups in which the page of settings shows them."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _lazy

Effects = dict[str, object]

GROUPS: tuple[tuple[object, Effects], ...] = (
    (
        _lazy("Limits"),
        {
            "MAX_MESSAGE_BYTES": _lazy("The largest mail that is taken."),
            "MAX_RECIPIENTS": _lazy("Recipients that one mail may have."),
            "PASSCODES_PER_NETWORK": _lazy("Passcode mails an hour that strangers in one network may cause."),
            "PASSCODES_PER_BRAND": _lazy("The same for all strangers together at one brand."),
            "DOMAIN_CONNECTIONS": _lazy("Senders at one domain at once."),
            "WORKER_MEMORY_BYTES": _lazy("Memory that one worker may take; a mail that needs more is held."),
            "MAIL_CPU_SECONDS": _lazy("Processor time that reading one mail may take; a mail that takes more is held."),
        },
    ),
    (
        _lazy("How long things last"),
        {
            "OPEN_DAYS": _lazy("Days a message stays open, unless its brand, a rule or its sender says otherwise."),
            "UNDO_MINUTES": _lazy("After a withdrawal a message is not destroyed for so long, and it can be undone."),
            "RESTORE_DAYS": _lazy("How old a backup of the database may be that must still open what lives."),
            "KEY_CACHE_SECONDS": _lazy("The longest time that an opened key stays in memory."),
        },
    ),
    (
        _lazy("What is protected"),
        {
            "DEFAULT_ACTION": _lazy("What happens to mail that no rule speaks of."),
            "SPLIT": _lazy(
                "Whether half of each message’s key is only in its notice, so that nobody here can open it."
            ),
            "RECOVERY_KEY": _lazy("The public half of the key that opens backups and split messages in escrow."),
            "VIRUS_SCANNER": _lazy(
                "The virus scanner that sees each mail before it is sealed, and each file that is added."
            ),
            "SEARCH_INDEX": _lazy("Whether readers find older messages by words; the index holds keyed tokens alone."),
            "ASK_SENDER": _lazy("Whether a reader may ask the sender to send a message to another address of theirs."),
        },
    ),
    (
        _lazy("Network and mail"),
        {
            "PUBLIC_URL": _lazy("The address that people open."),
            "INSIDE_DOMAINS": _lazy("The organisation’s own mail domains."),
            "NETWORKS": _lazy("Networks that may hand in mail without a login."),
            "PROXIES": _lazy("Your own TLS proxies, which are believed about whom they speak for."),
            "PROXY_NETWORKS": _lazy("Load balancers that begin a connection with a PROXY header."),
            "RELAY_URL": _lazy("The server that takes outgoing mail."),
            "TLS_POLICY": _lazy("How mail on its way must be protected, by domain."),
            "MX_NETWORKS": _lazy("Networks in which strangers’ mail servers may be all the same."),
            "BOUNCE_DOMAIN": _lazy("The domain of the addresses that bounces come to."),
            "DNS": _lazy("The name servers that are asked."),
            "HTTP": _lazy("Where the web server listens."),
            "SMTP": _lazy("Where the door listens."),
            "SMTPS": _lazy("Where the door listens for TLS from the first byte."),
            "LMTP": _lazy("Where the door speaks LMTP."),
            "TLS_CERTIFICATE": _lazy("The door’s certificate."),
            "TLS_KEY": _lazy("The key of that certificate."),
            "TLS_CLIENT_CA": _lazy("Who signs certificates of clients."),
        },
    ),
    (
        _lazy("Where things are kept"),
        {
            "DATA": _lazy("The data folder."),
            "DATABASE_URL": _lazy("The database."),
            "KEYRING_URL": _lazy("The keyring, apart from the database and its backups."),
            "KEY_URL": _lazy("The root key, or the key service that holds it."),
            "BLOB_URL": _lazy("Where large messages lie, sealed."),
            "SPOOL_URL": _lazy("Where mail lies, sealed, until it is in the vault."),
            "BROKER_URL": _lazy("What carries wake-ups between processes."),
        },
    ),
    (
        _lazy("Processes"),
        {
            "WEB_WORKERS": _lazy("Web server processes."),
            "DOOR_PROCESSES": _lazy("Door processes that share the ports."),
            "WORKER_PROCESSES": _lazy("Processes that seal and send."),
            "SWEEP_SECONDS": _lazy("How often what stands still is looked for."),
            "LEASE_SECONDS": _lazy("How long a worker may sit on one mail before another takes over."),
            "LOG_FORMAT": _lazy("Lines for people, or JSON for a log collector."),
            "METRICS": _lazy("Where figures are served for Prometheus."),
            "OTLP_URL": _lazy("The collector that takes traces."),
            "DEMO": _lazy("The demo’s pages and data, on this computer only."),
        },
    ),
)
SECRET = frozenset(
    {"DATABASE_URL", "KEYRING_URL", "KEY_URL", "BLOB_URL", "SPOOL_URL", "BROKER_URL", "RELAY_URL", "OTLP_URL"}
)
"""May hold a password: of these no more is shown than the kind and the host."""
