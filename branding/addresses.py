"""A brand's host, mail domains and addresses: what can be one, and what the portal writes from and gets bounces at."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable

from django.conf import settings
from django.db.models import QuerySet

from branding.errors import BadPlace
from branding.models import Brand
from branding.sealing import is_whole
from portal.mime.addresses import domain_of, normalise
from portal.mime.errors import BadAddress

BOUNCE = "bounce"
MOST_DOMAINS = 200
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def host(text: str, brand: Brand | None = None) -> str:
    """A host name as it is kept: lower case, in ASCII (IDNA), no port. `brand` is the one it is for, if it is there.

    Raises:
        BadPlace: it is none, or another brand's.
    """
    name = _name(text, "A host")
    if name.count(".") == 0 and not settings.LETTERLOCK.loopback:
        raise BadPlace(f"{name} is no whole host name. Write it like secure.example.org.")
    other = _others(brand).filter(host=name).first()
    if other is not None:
        raise BadPlace(f"{name} is the host of the brand {other.slug}.")
    return name


def domains(texts: Iterable[str], brand: Brand | None = None) -> list[str]:
    """Mail domains as they are kept, each once, in the order given. Raises BadPlace as `host` does."""
    found = list(dict.fromkeys(_name(text.removeprefix("@"), "A mail domain") for text in texts))
    if len(found) > MOST_DOMAINS:
        raise BadPlace(f"A brand has at most {MOST_DOMAINS} mail domains.")
    for other in _others(brand).exclude(domains=[]):
        if taken := set(found) & set(other.domains):
            raise BadPlace(f"{min(taken)} is a mail domain of the brand {other.slug}.")
    return found


def from_address(text: str, brand: Brand) -> str:
    """An address for the portal to write from under a brand; "" for messages@ its host. Raises BadPlace."""
    if not text.strip():
        return ""
    address = _address(text)
    _check_domain(address, own_domains(brand))
    return address


def bounce_address(text: str, brand: Brand) -> str:
    """Where a brand's mails come back to, bounce@ a domain; "" for what holds without one. Raises BadPlace."""
    if not text.strip():
        return ""
    address = _address(text)
    if address.partition("@")[0] != BOUNCE:
        raise BadPlace(
            f"A bounce address is {BOUNCE}@ a domain: each mail comes back to one of its own, {BOUNCE}+letters@ it."
        )
    _check_domain(address, {*own_domains(brand), settings.LETTERLOCK.bounce_domain} - {""})
    return address


def own_domains(brand: Brand) -> set[str]:
    """The domains that a brand may write from: its host, and those whose senders write under it."""
    return {brand.host, *brand.domains}


def portal_address(brand: Brand) -> str:
    """The address that a brand's portal writes from."""
    # Asked again each time: a domain that is no more the brand's must not be written from.
    if brand.from_address and brand.from_address.rpartition("@")[2] in own_domains(brand):
        return brand.from_address
    return f"messages@{brand.host}"


def bounce_domain(brand: Brand) -> str:
    """The domain that a brand's mails come back to."""
    usual = settings.LETTERLOCK.bounce_domain
    named = brand.bounce_address.rpartition("@")[2]
    if named and named in {*own_domains(brand), usual}:
        return named
    return usual or brand.host


def bounce_domains() -> frozenset[str]:
    """All that mails of any brand come back to, but for those of the settings."""
    rows = Brand.objects.values_list("host", "bounce_address")
    return frozenset({name for host, address in rows for name in (host, address.rpartition("@")[2])} - {""})


def is_ours(name: str, brand: Brand) -> bool:
    """Whether a name is one that the settings or the brands know as the organisation's, or lies below one."""
    known = {*settings.LETTERLOCK.inside_domains, settings.LETTERLOCK.bounce_domain, brand.host, *brand.domains}
    known.add(settings.LETTERLOCK.public_host.partition(":")[0])
    for other in filter(is_whole, _others(brand)):  # a name that somebody wrote is nobody's
        known |= {other.host, *other.domains}
    return any(name == one or name.endswith(f".{one}") for one in known - {"", None})


def _others(brand: Brand | None) -> QuerySet[Brand]:
    return Brand.objects.exclude(pk=brand.pk) if brand and brand.pk is not None else Brand.objects.all()


def _name(text: str, what: str) -> str:
    said = text.strip().removesuffix(".")
    if re.search(r"[/:@\s]", said):
        raise BadPlace(f"{what} is a name alone, without https://, port or path, like secure.example.org.")
    try:
        name = domain_of(f"x@{said}")
    except BadAddress:
        name = ""
    if not name or name.startswith("[") or not all(map(_LABEL.fullmatch, name.split("."))):
        raise BadPlace(f"{what} is a name like secure.example.org.")
    if _is_number(name):
        raise BadPlace(f"{what} is a name like secure.example.org, not a number.")
    return name


def _is_number(name: str) -> bool:
    """Whether a browser would take a name for an IPv4 address (WHATWG URL, “ends in a number”)."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        last = name.rpartition(".")[2]
        return last.isdecimal() or re.fullmatch(r"0x[0-9a-f]*", last) is not None
    return True


def _address(text: str) -> str:
    try:
        address = normalise(text)
    except BadAddress:
        raise BadPlace("That is no mail address. Write it like messages@secure.example.org.") from None
    if not address.isascii() or not re.fullmatch(r"[a-z0-9._+-]+@[a-z0-9.-]+", address):
        raise BadPlace("An address to write from has plain letters, like messages@secure.example.org.")
    return address


def _check_domain(address: str, allowed: Collection[str]) -> None:
    domain = address.rpartition("@")[2]
    if domain not in allowed:
        raise BadPlace(f"{domain} is no domain of this brand. It has {', '.join(sorted(allowed))}.")
