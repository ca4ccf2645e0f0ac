"""What the rows of this room claim: all that lets somebody in, and whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Q

from portal.access.credentials import Passkey
from portal.access.grants import Kind, as_json, flags, moment, number
from portal.access.models import Authenticator, Delegation, EntryLink, Person, ProvedPhrase, Provider
from portal.later import later


def whose(person: Person) -> tuple[bytes, bytes]:
    """A person and their address: one whose row is given another look-up is nobody that was meant."""
    return person.id.bytes, person.lookup.encode()


def _passkey(row: Passkey) -> Sequence[bytes]:
    # What changes with each use grants nothing: the counter, when it was used, whether it was backed up. The handle
    # has to be the person's as well, and lets nobody in by itself.
    return (
        row.id.bytes,
        *whose(row.person),
        number(row.brand_id),
        flags((row.office,)),
        bytes(row.credential),
        bytes(row.public_key),
        *(moment(at) for at in (row.made_at, row.proved_at, row.asleep_at, row.waits_until)),
        bytes(row.waits_in),
    )


def _authenticator(row: Authenticator) -> Sequence[bytes]:
    return row.id.bytes, *whose(row.person), bytes(row.secret), moment(row.confirmed_at)


def _proved_phrase(row: ProvedPhrase) -> Sequence[bytes]:
    # At whose message it was: a phrase's row that is moved to another reader would else open theirs.
    session, phrase = row.session, row.phrase
    at = number(phrase.pk), phrase.reader_id.bytes
    return number(session.pk), *whose(session.person), moment(session.made_at), *at


def _provider(row: Provider) -> Sequence[bytes]:
    # Its name is what a button says. What it published is sealed by itself, and asked for at the issuer.
    return (
        row.id.bytes,
        *(text.encode() for text in (row.slug, row.kind, row.issuer, row.client_id)),
        bytes(row.client_secret),
        as_json(row.domains),
        as_json(row.tenants),
        as_json(sorted(row.brands.values_list("pk", flat=True))),
        flags((row.recipients, row.office, row.senders, row.enabled, row.private)),
    )


def _role(row: Person) -> Sequence[bytes]:
    return *whose(row), row.role.encode(), row.password.encode()


def _link(row: EntryLink) -> Sequence[bytes]:
    return bytes(row.token), *whose(row.person), flags((row.mailed,)), moment(row.expires_at)


def _delegation(row: Delegation) -> Sequence[bytes]:
    brand, office = number(row.brand_id), flags((row.by_office,))
    return row.id.bytes, *whose(row.owner), *whose(row.delegate), brand, office


def _words(name: str) -> Callable[[Any], str]:
    # Only operators see them: nothing else need load what they take.
    return later(f"portal.access.granted_words.{name}")


# A reader's row grants nothing by itself, and there may be a million of them.
_NONE = "!"
_OF_OFFICE = ~Q(role=Person.Role.READER) | ~Q(password__startswith=_NONE)
KINDS = (
    Kind("passkey", Passkey, _passkey, _words("passkey"), ("person",)),
    Kind("authenticator", Authenticator, _authenticator, _words("app"), ("person",), Q(confirmed_at__isnull=False)),
    Kind("phrase", ProvedPhrase, _proved_phrase, _words("phrase"), ("session__person", "phrase")),
    Kind("provider", Provider, _provider, _words("provider")),
    Kind("role", Person, _role, _words("role"), only=_OF_OFFICE),
    Kind("link", EntryLink, _link, _words("link"), ("person",), Q(used_at=None)),
    Kind("delegation", Delegation, _delegation, _words("delegation"), ("owner", "delegate")),
)
