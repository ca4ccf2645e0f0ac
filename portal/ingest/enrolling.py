"""Making and changing connectors: what a person writes is checked here, so that the door only reads good rows."""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy

from django.contrib.auth.hashers import make_password
from django.db import transaction

from portal.access import grants
from portal.audit.record import record
from portal.ingest import customer
from portal.ingest.connectors import BUILT_IN
from portal.ingest.errors import ConnectorRefused
from portal.ingest.models import Connector, Hourly
from portal.mime.addresses import domain_of
from portal.mime.errors import BadAddress

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LOGIN = re.compile(r"[!-~]{1,128}")
_PASSWORD_BYTES = 24
_FORGED = (
    "The connector {name} is not as the portal wrote it, so no mail comes by it. Look at it with manage.py grants "
    "list; seal it there if it is yours, or remove it and add it anew."
)
Fields = Mapping[str, str | bool | int | None]
"""By the names of the model's fields; None leaves a field as it is."""


def add(name: str, fields: Fields, *, value: str = "") -> Connector:
    """A new connector; `value` is that of its customer header. Raises ConnectorRefused."""
    if _NAME.fullmatch(name) is None or name == BUILT_IN:
        raise ConnectorRefused(
            f"A connector's name has letters, digits, dots and dashes, 64 at most, and is not “{BUILT_IN}”, which is "
            "the one that LETTERLOCK_NETWORKS makes. Choose another."
        )
    if Connector.objects.filter(name=name).exists():
        raise ConnectorRefused(f"There is a connector {name} already. Change it, or choose another name.")
    connector = Connector(name=name)
    with transaction.atomic():
        _set(connector, fields, value, forget_old=False)
        _seal(connector, "connector.added")
        grants.post(connector)
    return connector


def change(name: str, fields: Fields, *, value: str = "", forget_old: bool = False) -> Connector:
    """Other fields for a connector. A new `value` of its customer header counts beside all older ones, until
    `forget_old` leaves the newest alone. Raises ConnectorRefused."""
    with _changing(name, "connector.changed") as connector:
        _set(connector, fields, value, forget_old=forget_old)
    return connector


def remove(name: str) -> None:
    """Its clients are refused from the next MAIL on, within seconds. Raises ConnectorRefused."""
    with transaction.atomic():
        connector = named(name, lock=True)
        before = copy(connector)
        record("connector.removed", connector=connector.pk)
        connector.delete()
        Hourly.objects.filter(connector=name).delete()
        grants.end(before)


def new_password(name: str, password: str = "") -> str:
    """Set a connector's password and return it: a fresh one when none is given. Raises ConnectorRefused."""
    with _changing(name, "connector.password_set") as connector:
        if not connector.login:
            raise ConnectorRefused(
                f"The connector {name} has no login: set one with manage.py connector change --login."
            )
        if password and len(password) < 12:
            raise ConnectorRefused(
                "The password is shorter than 12 characters. Choose a longer one, or let one be made."
            )
        password = password or secrets.token_urlsafe(_PASSWORD_BYTES)
        connector.password = make_password(password)
    return password


def named(name: str, *, lock: bool = False) -> Connector:
    """Raises ConnectorRefused when there is none."""
    rows = Connector.objects.select_for_update() if lock else Connector.objects.all()
    try:
        return rows.get(name=name)
    except Connector.DoesNotExist:
        raise ConnectorRefused(f"There is no connector {name}. manage.py connector list shows them.") from None


@contextmanager
def _changing(name: str, event: str) -> Iterator[Connector]:
    """Change a connector that is as it was sealed, and seal what it is then; what it was counts no more."""
    # Before the transaction: what is refused within would not be recorded.
    if not grants.is_whole(named(name)):
        raise ConnectorRefused(_FORGED.format(name=name))
    with transaction.atomic():
        connector = named(name, lock=True)
        if not grants.fits(connector):
            raise ConnectorRefused(_FORGED.format(name=name))
        before = copy(connector)
        yield connector
        _seal(connector, event)
        grants.end(before)
        grants.post(connector)


def _seal(connector: Connector, event: str) -> None:
    grants.seal(connector)
    connector.save()
    record(event, connector=connector.pk)


def _set(connector: Connector, fields: Fields, value: str, *, forget_old: bool) -> None:
    before = connector.header
    for field, given in fields.items():
        if given is not None:
            setattr(connector, field, _CHECKS[field](given) if field in _CHECKS and isinstance(given, str) else given)
    if not (connector.networks or connector.certificate or connector.login):
        raise ConnectorRefused(
            "A connector must ask for something: networks, a client certificate's name or a login. Name at least one."
        )
    _settle_header(connector, before, value, forget_old=forget_old)
    others = Connector.objects.exclude(pk=connector.pk)
    if connector.login and others.filter(login=connector.login).exists():
        raise ConnectorRefused("Another connector has that login. Choose another.")
    if not connector.login:
        connector.password = ""


def _settle_header(connector: Connector, before: str, value: str, *, forget_old: bool) -> None:
    """Which values of the customer header count from now on. Raises ConnectorRefused."""
    header = connector.header
    if before and header and header.lower() != before.lower():
        raise ConnectorRefused(
            f"The connector asks for {before} already. Give its name for a new value, or end it with --header '' first."
        )
    if forget_old and not header:
        raise ConnectorRefused("The connector has no customer header, so there is no old value. Leave the option out.")
    if header and not (connector.tls_required or connector.certificate or connector.login):
        raise ConnectorRefused(
            "In clear a customer header could be read on the way. Take its mail over TLS only: --tls."
        )
    digests = [customer.digest(value)] if value else []
    digests += connector.header_digests.split()
    connector.header_digests = " ".join(digests[:1] if forget_old else digests) if header else ""


def _networks(text: str) -> str:
    try:
        return " ".join(str(ipaddress.ip_network(word)) for word in text.replace(",", " ").split())
    except ValueError as error:
        raise ConnectorRefused(
            f"A network is not usable: {error}. Write it like 192.0.2.0/24 or 2001:db8::/32."
        ) from None


def _domains(text: str) -> str:
    return " ".join(_domain(word) for word in text.replace(",", " ").split())


def _domain(text: str) -> str:
    try:
        return domain_of(f"a@{text.rstrip('.')}")
    except BadAddress:
        raise ConnectorRefused(f"“{text}” is no domain. Write it like example.org.") from None


def _login(text: str) -> str:
    if text and _LOGIN.fullmatch(text) is None:
        raise ConnectorRefused("A login has no spaces and only ASCII characters, 128 at most. Choose another.")
    return text


_CHECKS = {
    "networks": _networks,
    "domains": _domains,
    "certificate": lambda text: _domain(text) if text else "",
    "login": _login,
    "header": customer.check_name,
}
