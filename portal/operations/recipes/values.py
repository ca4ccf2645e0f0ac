"""What a recipe's blocks have places for: each value's meaning, where it comes from, and what may stand in it.

Host names, addresses and networks are checked so strictly that they mean nothing special in any configuration language
here; words that people choose are let into blocks that quote them (portal.operations.recipes.filling).
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from portal.configuration import Configuration
from portal.hostnames import ascii_name
from portal.operations.errors import RecipeRefused
from portal.rules.triggers import TAGS
from portal.values import Address, is_loopback

Filled = str | int | Address | tuple[str, ...]
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")
_RELAY = re.compile(r"mx:|smtps?://[a-z0-9][a-z0-9.-]{0,252}(:[0-9]{1,5})?(\?tls=(opportunistic|required|verified))?")
_SERVICE = re.compile(r"[A-Za-z0-9.:_\[\]-]{1,64}")
_LONGEST_TITLE = 40
"""Names in Exchange have 64 characters at most, and ours go on behind it."""
_EVERYWHERE = "0.0.0.0"  # noqa: S104 written into a configuration, not bound
_OWN_PORTS = frozenset({25, 465, 587})


@dataclass(frozen=True)
class Value:
    """One value. `found` is what this installation says of it, or ""; `check` turns text into what blocks hold and
    raises ValueError with a sentence."""

    means: str
    example: str
    check: Callable[[str], Filled]
    found: Callable[[Configuration], str] = lambda configuration: ""
    same_as: str = ""
    """Whose text it takes when it has none of its own."""


def name(text: str) -> str:
    """A DNS name in ASCII (RFC 5890)."""
    try:
        ascii_ = ascii_name(text.strip())
    except ValueError:
        ascii_ = ""
    if _NAME.fullmatch(ascii_) is None:
        raise ValueError("it must be a full host name like secure.example.org")
    return ascii_


def names(text: str) -> tuple[str, ...]:
    return _some(tuple(name(word) for word in text.replace(",", " ").split()), "domains like example.org example.net")


def networks(text: str) -> tuple[str, ...]:
    try:
        found = tuple(str(ipaddress.ip_network(word)) for word in text.replace(",", " ").split())
    except ValueError:
        found = ()
    return _some(found, "networks like 192.0.2.0/24 2001:db8::/32")


def addresses(text: str) -> tuple[str, ...]:
    try:
        found = tuple(str(ipaddress.ip_address(word)) for word in text.replace(",", " ").split())
    except ValueError:
        found = ()
    return _some(found, "IP addresses like 198.51.100.7")


def place(text: str) -> Address:
    """host:port, the host a name or an IP address."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("it must be host:port like 127.0.0.1:2525")
    try:
        return Address(str(ipaddress.ip_address(host)), int(port))
    except ValueError:
        return Address(host if host == "localhost" else name(host), int(port))


def way_back(text: str) -> Address:
    """A port on which nothing else comes in: whatever arrives there is never handed over."""
    found = place(text)
    if found.port in _OWN_PORTS:
        raise ValueError(
            f"port {found.port} takes the mail of others too; give Letterlock's mail a port of its own, like "
            "127.0.0.1:10026, and set LETTERLOCK_RELAY_URL to it"
        )
    return found


def title(text: str) -> str:
    """Words that a person chose, on one line."""
    if not 0 < len(text.strip()) <= _LONGEST_TITLE or any(unicodedata.category(c) in _UNSEEN for c in text):
        raise ValueError(f"it must be 1 to {_LONGEST_TITLE} characters on one line")
    return text.strip()


def relay(text: str) -> str:
    if _RELAY.fullmatch(text) is None:
        raise ValueError("it must be like smtp://out.example.org:25, and without a password, which has no place here")
    return text


def service(text: str) -> str:
    if _SERVICE.fullmatch(text) is None:
        raise ValueError("it must be the first word of a line in master.cf, like submission")
    return text


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _some(found: tuple[str, ...], like: str) -> tuple[str, ...]:
    if not found:
        raise ValueError(f"it must be {like}")
    return found


def _portal(configuration: Configuration) -> str:
    return "" if configuration.loopback else configuration.public_host


def _door(configuration: Configuration) -> str:
    """Where others reach the door: an address that it listens on, or the portal's name when it listens on all."""
    if configuration.smtp.host not in (_EVERYWHERE, "::"):
        return str(configuration.smtp)
    return f"{_portal(configuration)}:{configuration.smtp.port}" if _portal(configuration) else ""


def _relay_place(configuration: Configuration) -> str:
    """host:port of LETTERLOCK_RELAY_URL, without the password that may stand in it."""
    found = configuration.relay_url.partition("://")[2].rpartition("@")[2].partition("?")[0].strip("/")
    return found if re.search(r":[0-9]+$", found) else f"{found}:25" if found else ""


def _way_back(configuration: Configuration) -> str:
    return _relay_place(configuration) or "127.0.0.1:10026"


def _portal_networks(configuration: Configuration) -> str:
    return "127.0.0.0/8" if is_loopback(_way_back(configuration).rpartition(":")[0]) else ""


def _tenant(configuration: Configuration) -> str:
    host = _relay_place(configuration).rpartition(":")[0]
    return host if host.endswith(".mail.protection.outlook.com") else ""


VALUES: Mapping[str, Value] = {
    "portal": Value("the portal's host name (LETTERLOCK_PUBLIC_URL)", "secure.example.org", name, _portal),
    "certificate": Value("the name in the door's certificate", "secure.example.org", name, same_as="portal"),
    "bounces": Value(
        "the domain that bounces come to (LETTERLOCK_BOUNCE_DOMAIN)",
        "secure.example.org",
        name,
        lambda configuration: configuration.bounce_domain,
        same_as="portal",
    ),
    "domains": Value(
        "your own mail domains (LETTERLOCK_INSIDE_DOMAINS)",
        "example.org",
        names,
        lambda configuration: " ".join(configuration.inside_domains),
    ),
    "door": Value("where the mail server reaches the door (LETTERLOCK_SMTP)", "127.0.0.1:2525", place, _door),
    "back": Value(
        "where the mail server takes Letterlock's mail (LETTERLOCK_RELAY_URL)", "127.0.0.1:10026", way_back, _way_back
    ),
    "portal_networks": Value("networks that Letterlock's mail comes from", "127.0.0.0/8", networks, _portal_networks),
    "portal_addresses": Value("public IP addresses that Letterlock's mail comes from", "198.51.100.7", addresses),
    "inside_networks": Value(
        "networks of your own people and programs that send without a login",
        "127.0.0.0/8 ::1/128",
        networks,
        lambda configuration: "127.0.0.0/8 ::1/128",
    ),
    "interfaces": Value(
        "addresses that the mail server listens on now", _EVERYWHERE, addresses, lambda configuration: _EVERYWHERE
    ),
    "submission": Value(
        "the service in master.cf where your own people send", "submission", service, lambda configuration: "submission"
    ),
    "tenant_host": Value(
        "your organisation's host at Exchange Online, the one in your domain's MX record",
        "example-org.mail.protection.outlook.com",
        name,
        _tenant,
    ),
    "microsoft_networks": Value(
        "networks that Exchange Online sends from, from Microsoft's published list", "192.0.2.0/24", networks
    ),
    "google_networks": Value("networks that Google sends from, from its SPF record", "192.0.2.0/24", networks),
    "exchange_addresses": Value("IP addresses of the Exchange servers that send", "192.0.2.10", addresses),
    "send_connector": Value("the name of the send connector that takes outgoing mail today", "Internet", title),
    "relay": Value(
        "what takes outgoing mail from Letterlock, never Exchange itself (LETTERLOCK_RELAY_URL)",
        "smtp://out.example.org:25",
        relay,
        lambda configuration: configuration.relay_url if _RELAY.fullmatch(configuration.relay_url) else "",
    ),
    "title": Value("what names of rules and connectors begin with", "Letterlock", title, lambda _: "Letterlock"),
    "tags": Value(
        "words that protect when they stand in brackets in a subject",
        "|".join(TAGS),
        lambda text: text,
        lambda configuration: "|".join(TAGS),
    ),
    "most_recipients": Value(
        "recipients of one mail (LETTERLOCK_MAX_RECIPIENTS)",
        "500",
        int,
        lambda configuration: str(configuration.max_recipients),
    ),
}
PRODUCT_SAYS = frozenset({"tags", "most_recipients"})
"""What follows from the product and its settings alone and is not given by --set."""


def gather(wanted: tuple[str, ...], configuration: Configuration, given: Mapping[str, str]) -> dict[str, Filled]:
    """The values of a recipe, in the order wanted: given ones before found ones.

    Raises:
        RecipeRefused: one is given that the recipe has no place for, is not usable, or is not known; all are named.
    """
    settable = [one for one in wanted if one not in PRODUCT_SAYS]
    if unknown := sorted(set(given) - set(settable)):
        raise RecipeRefused(f"This recipe has no value {', '.join(unknown)}. It has: {', '.join(settable)}.")

    def text_of(one: str) -> str:
        value = VALUES[one]
        return given.get(one) or value.found(configuration) or (text_of(value.same_as) if value.same_as else "")

    texts = {one: text_of(one) for one in wanted}
    if missing := [one for one, text in texts.items() if not text.strip()]:
        raise RecipeRefused(
            "This installation does not say what the recipe needs. Give each with --set:\n"
            + "\n".join(f"  --set {one}='{VALUES[one].example}'   {VALUES[one].means}" for one in missing)
        )
    return {one: _checked(one, text) for one, text in texts.items()}


def examples(wanted: tuple[str, ...]) -> dict[str, Filled]:
    """What the pages in docs/mail-servers show."""
    return {one: VALUES[one].check(VALUES[one].example) for one in wanted}


def _checked(one: str, text: str) -> Filled:
    try:
        return VALUES[one].check(text)
    except ValueError as error:
        raise RecipeRefused(f"The value {one} is not usable: {error}. Give it with --set {one}=….") from None
