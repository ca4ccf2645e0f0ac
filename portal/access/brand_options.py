"""What `manage.py brand set` can change of a brand: each option with its field, how it is read and how it is shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from branding import addresses, colours, languages
from branding.errors import BadPlace
from branding.models import Brand
from portal.access.models import Provider
from portal.access.providers import WAYS
from portal.vault import templates
from portal.vault.rights import Rights

ALL = "all"
LONGEST_NAME = 120
MOST_DAYS = 365
MOST_OPEN_DAYS = 730
MOST_GRACE_DAYS = 30
LONGEST_ADDRESS = 240
LONGEST_PHONE = 40
LONGEST_URL = 200
USUAL_RIGHTS = {name: on for name, on in asdict(Rights()).items() if isinstance(on, bool)}
"""What each right is unless a brand, a rule or the sender says otherwise."""


class BadOption(Exception):
    """What was said of an option cannot be; the text says what can."""


@dataclass(frozen=True)
class Option:
    """`read` takes the brand and what was said, and gives the field's value or raises BadOption."""

    name: str
    field: str
    help: str
    read: Callable[[Brand, str], object]
    show: Callable[[Brand], str]


def _one_of(*words: str) -> Callable[[Brand, str], object]:
    def read(_: Brand, said: str) -> object:
        if said not in words:
            raise BadOption(f"“{said}” is not one of {', '.join(words)}.")
        return said

    return read


def _switch(_: Brand, said: str) -> object:
    if said not in ("on", "off"):
        raise BadOption(f"“{said}” is neither on nor off.")
    return said == "on"


def _days(_: Brand, said: str) -> object:
    if said == "off":
        return None
    if not said.isascii() or not said.isdigit() or not 1 <= int(said) <= MOST_DAYS:
        raise BadOption(f"“{said}” is neither off nor a number of days from 1 to {MOST_DAYS}.")
    return int(said)


def _grace(_: Brand, said: str) -> object:
    if said == "off":
        return 0
    if not said.isascii() or not said.isdigit() or not 1 <= int(said) <= MOST_GRACE_DAYS:
        raise BadOption(f"“{said}” is neither off nor a number of days from 1 to {MOST_GRACE_DAYS}.")
    return int(said)


def _level(_: Brand, said: str) -> object:
    if said not in ("1", "2", "3"):
        raise BadOption(f"“{said}” is not a level from 1 to 3 (docs/assurance.md).")
    return int(said)


def _name(_: Brand, said: str) -> object:
    if not said.strip() or len(said.strip()) > LONGEST_NAME:
        raise BadOption(f"A name has 1 to {LONGEST_NAME} characters.")
    return said.strip()


def _domains(_: Brand, said: str) -> object:
    if said in ("any", "none"):
        return None if said == "any" else []
    named = [domain.removeprefix("@").lower() for domain in said.replace(",", " ").split()]
    if not named or not all("." in domain and domain.isascii() and "@" not in domain for domain in named):
        raise BadOption("Name mail domains like example.org, or any, or none.")
    return named


def _methods(brand: Brand, said: str) -> object:
    """None for all. BadOption for a way that there is not, and for none at all: nobody could read."""
    if said.strip() == ALL:
        return None
    named = list(dict.fromkeys(said.replace(",", " ").split()))
    known = {*WAYS, *Provider.objects.filter(brands=brand).values_list("slug", flat=True)}
    missing = [name for name in named if name not in known]
    if missing:
        raise BadOption(f"{brand.slug} has no way {', '.join(missing)}. It has {', '.join(sorted(known))}.")
    if not set(named) - {"passkey"}:
        raise BadOption("A passkey is added after another proof: name passcode or a provider as well.")
    return named


def _colour(_: Brand, said: str) -> object:
    try:
        return colours.read(said)
    except ValueError as error:
        raise BadOption(str(error)) from None


def _open_days(_: Brand, said: str) -> object:
    if not said.isascii() or not said.isdigit() or int(said) > MOST_OPEN_DAYS:
        raise BadOption(f"“{said[:40]}” is not a number of days from 1 to {MOST_OPEN_DAYS}, or 0 for never.")
    return int(said)


def _rights(_: Brand, said: str) -> object:
    """What differs from the usual rights, as the brand keeps it."""
    named = set(said.replace(",", " ").split()) - {"none"}
    if unknown := named - set(USUAL_RIGHTS):
        raise BadOption(f"There is no right {', '.join(sorted(unknown))}. There are {', '.join(USUAL_RIGHTS)}.")
    return {name: name in named for name, granted in USUAL_RIGHTS.items() if (name in named) != granted}


def rights_of(brand: Brand) -> list[str]:
    """The rights that a brand's messages have unless something says otherwise."""
    granted = Rights().changed(brand.rights)
    return [name for name in USUAL_RIGHTS if getattr(granted, name)]


def _template(brand: Brand, said: str) -> object:
    name = said.strip()
    if name in ("", "none", brand.template):
        return "" if name == "none" else name
    row = templates.find(name)
    if row is None or row.state != row.State.PUBLISHED:
        raise BadOption(f"There is no published rights template “{name[:40]}”.")
    return name


def _line(longest: int) -> Callable[[Brand, str], object]:
    def read(_: Brand, said: str) -> object:
        text = " ".join(said.split())
        if len(text) > longest:
            raise BadOption(f"At most {longest} characters; these are {len(text)}.")
        if not text.isprintable():
            raise BadOption("It holds a control character that nobody could see. Type it again.")
        return text

    return read


def _url(_: Brand, said: str) -> object:
    """An https address, or nothing."""
    text = said.strip()
    if not text:
        return ""
    try:
        found = urlsplit(text)
        good = found.scheme == "https" and "." in (found.hostname or "") and found.username is None
    except ValueError:
        good = False
    if not good or len(text) > LONGEST_URL or not text.isascii() or re.search(r"[\s<>\"'\\^`{|}]", text):
        raise BadOption(
            f"Write a whole https address of at most {LONGEST_URL} characters, like https://example.org/privacy."
        )
    return text


def _place(read: Callable[[str, Brand], object]) -> Callable[[Brand, str], object]:
    """A host, domain or address, as branding.addresses reads them."""

    def checked(brand: Brand, said: str) -> object:
        try:
            return read(said, brand)
        except BadPlace as error:
            raise BadOption(str(error)) from None

    return checked


def _split(said: str, brand: Brand) -> object:
    return addresses.domains(said.replace(",", " ").split(), brand)


def _on(value: bool) -> str:
    return "on" if value else "off"


OPTIONS = (
    Option(
        "methods",
        "methods",
        "`all`, or some of passcode, passkey and short names of providers",
        _methods,
        lambda brand: ALL if brand.methods is None else " ".join(brand.methods),
    ),
    Option(
        "level",
        "minimum_level",
        "least assurance for its messages, 1 to 3",
        _level,
        lambda brand: str(brand.minimum_level),
    ),
    Option(
        "scope",
        "session_scope",
        "what one proof opens: brand or message",
        _one_of("brand", "message"),
        lambda brand: brand.session_scope,
    ),
    Option(
        "delivery",
        "delivery",
        "how its messages reach recipients: link or attachment",
        _one_of("link", "attachment"),
        lambda brand: brand.delivery,
    ),
    Option(
        "pictures",
        "pictures",
        "pictures of the internet: ask or never",
        _one_of("ask", "never"),
        lambda brand: brand.pictures,
    ),
    Option(
        "language",
        "language",
        "what its pages and mails speak to whom nothing better is known of",
        _one_of(*(language.code for language in languages.ALL)),
        languages.of_brand,
    ),
    Option(
        "reminder-days",
        "reminder_days",
        "so many days before a message closes, whoever has not opened it is reminded once; or off",
        _days,
        lambda brand: str(brand.reminder_days or "off"),
    ),
    Option(
        "tell-withdrawn",
        "tell_withdrawn",
        "whether recipients are told that a message was withdrawn: on or off",
        _switch,
        lambda brand: _on(brand.tell_withdrawn),
    ),
    Option(
        "forward-domains",
        "forward_domains",
        "where its readers may forward to, if a message lets them: any, none or mail domains",
        _domains,
        lambda brand: "any" if brand.forward_domains is None else " ".join(brand.forward_domains) or "none",
    ),
    Option(
        "reply-after-days",
        "reply_after_days",
        "so many days after a message has closed it can still be answered; or off",
        lambda brand, said: _days(brand, said) or 0,
        lambda brand: str(brand.reply_after_days or "off"),
    ),
    Option(
        "grace-days",
        "grace_days",
        "so many days after a message has closed its keys are kept, so that its reader can ask for more time; or off",
        _grace,
        lambda brand: str(brand.grace_days or "off"),
    ),
    Option(
        "reply-notes",
        "reply_notes",
        "whether whoever answers is mailed a note of it, without its text: on or off",
        _switch,
        lambda brand: _on(brand.reply_notes),
    ),
    Option(
        "write-to",
        "write_to",
        "whether anyone may write to its departments: on or off (docs/write-to-us.md)",
        _switch,
        lambda brand: _on(brand.write_to),
    ),
    Option("name", "name", "what recipients know the organisation by", _name, lambda brand: f"“{brand.name}”"),
    Option(
        "colour",
        "colour",
        "six hex digits or a name of CSS; the palette is worked out",
        _colour,
        lambda brand: brand.colour,
    ),
    Option(
        "open-days",
        "open_days",
        f"so many days its messages stay open unless something says otherwise, 1 to {MOST_OPEN_DAYS}; 0 for ever",
        _open_days,
        lambda brand: str(brand.open_days),
    ),
    Option(
        "rights",
        "rights",
        f"what recipients may do unless something says otherwise: some of {', '.join(USUAL_RIGHTS)}, or none",
        _rights,
        lambda brand: " ".join(rights_of(brand)) or "none",
    ),
    Option(
        "show-subject",
        "show_subject",
        "whether the notice says the subject, which then travels unprotected: on or off",
        _switch,
        lambda brand: _on(brand.show_subject),
    ),
    Option(
        "postal-address",
        "postal_address",
        "what its mails say at their end",
        _line(LONGEST_ADDRESS),
        lambda brand: f"“{brand.postal_address}”",
    ),
    Option("phone", "phone", "what pages tell people to call", _line(LONGEST_PHONE), lambda brand: f"“{brand.phone}”"),
    Option("privacy-url", "privacy_url", "its privacy statement, https", _url, lambda brand: brand.privacy_url or "–"),
    Option(
        "template",
        "template",
        "short name of the rights template that holds where nobody names another, or none",
        _template,
        lambda brand: brand.template or "none",
    ),
    Option("imprint-url", "imprint_url", "its legal notice, https", _url, lambda brand: brand.imprint_url or "–"),
    Option("host", "host", "the name its pages are at, no port", _place(addresses.host), lambda brand: brand.host),
    Option(
        "domains",
        "domains",
        "mail domains whose senders write under this brand",
        _place(_split),
        lambda brand: " ".join(brand.domains) or "none",
    ),
    Option(
        "from-address",
        "from_address",
        "what its portal writes from, at its host or one of its domains; empty for messages@ its host",
        _place(addresses.from_address),
        addresses.portal_address,
    ),
    Option(
        "bounce-address",
        "bounce_address",
        "where its mails come back to, bounce@ one of these; empty for what holds without one",
        _place(addresses.bounce_address),
        lambda brand: f"{addresses.BOUNCE}@{addresses.bounce_domain(brand)}",
    ),
)
BY_FIELD = {option.field: option for option in OPTIONS}
