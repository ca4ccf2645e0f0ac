"""What is said of a brand's options, read: each gives the field's value, or BadOption with what can be said."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from urllib.parse import urlsplit

from branding import addresses, colours
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
LONGEST_URL = 200
USUAL_RIGHTS = {name: on for name, on in asdict(Rights()).items() if isinstance(on, bool)}
"""What each right is unless a brand, a rule or the sender says otherwise."""


class BadOption(Exception):
    """What was said of an option cannot be; the text says what can."""


def one_of(*words: str) -> Callable[[Brand, str], object]:
    def read(_: Brand, said: str) -> object:
        if said not in words:
            raise BadOption(f"“{said}” is not one of {', '.join(words)}.")
        return said

    return read


def switch(_: Brand, said: str) -> object:
    if said not in ("on", "off"):
        raise BadOption(f"“{said}” is neither on nor off.")
    return said == "on"


def days(_: Brand, said: str) -> object:
    if said == "off":
        return None
    if not said.isascii() or not said.isdigit() or not 1 <= int(said) <= MOST_DAYS:
        raise BadOption(f"“{said}” is neither off nor a number of days from 1 to {MOST_DAYS}.")
    return int(said)


def grace(_: Brand, said: str) -> object:
    if said == "off":
        return 0
    if not said.isascii() or not said.isdigit() or not 1 <= int(said) <= MOST_GRACE_DAYS:
        raise BadOption(f"“{said}” is neither off nor a number of days from 1 to {MOST_GRACE_DAYS}.")
    return int(said)


def level(_: Brand, said: str) -> object:
    if said not in ("1", "2", "3"):
        raise BadOption(f"“{said}” is not a level from 1 to 3 (docs/assurance.md).")
    return int(said)


def name(_: Brand, said: str) -> object:
    if not said.strip() or len(said.strip()) > LONGEST_NAME:
        raise BadOption(f"A name has 1 to {LONGEST_NAME} characters.")
    return said.strip()


def domains(_: Brand, said: str) -> object:
    if said in ("any", "none"):
        return None if said == "any" else []
    named = [domain.removeprefix("@").lower() for domain in said.replace(",", " ").split()]
    if not named or not all("." in domain and domain.isascii() and "@" not in domain for domain in named):
        raise BadOption("Name mail domains like example.org, or any, or none.")
    return named


def methods(brand: Brand, said: str) -> object:
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


def colour(_: Brand, said: str) -> object:
    try:
        return colours.read(said)
    except ValueError as error:
        raise BadOption(str(error)) from None


def open_days(_: Brand, said: str) -> object:
    if not said.isascii() or not said.isdigit() or int(said) > MOST_OPEN_DAYS:
        raise BadOption(f"“{said[:40]}” is not a number of days from 1 to {MOST_OPEN_DAYS}, or 0 for never.")
    return int(said)


def rights(_: Brand, said: str) -> object:
    """What differs from the usual rights, as the brand keeps it."""
    named = set(said.replace(",", " ").split()) - {"none"}
    if unknown := named - set(USUAL_RIGHTS):
        raise BadOption(f"There is no right {', '.join(sorted(unknown))}. There are {', '.join(USUAL_RIGHTS)}.")
    return {name: name in named for name, granted in USUAL_RIGHTS.items() if (name in named) != granted}


def template(brand: Brand, said: str) -> object:
    name = said.strip()
    if name in ("", "none", brand.template):
        return "" if name == "none" else name
    row = templates.find(name)
    if row is None or row.state != row.State.PUBLISHED:
        raise BadOption(f"There is no published rights template “{name[:40]}”.")
    return name


def line(longest: int) -> Callable[[Brand, str], object]:
    def read(_: Brand, said: str) -> object:
        text = " ".join(said.split())
        if len(text) > longest:
            raise BadOption(f"At most {longest} characters; these are {len(text)}.")
        if not text.isprintable():
            raise BadOption("It holds a control character that nobody could see. Type it again.")
        return text

    return read


def url(_: Brand, said: str) -> object:
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


def place(read: Callable[[str, Brand], object]) -> Callable[[Brand, str], object]:
    """A host, domain or address, as branding.addresses reads them."""

    def checked(brand: Brand, said: str) -> object:
        try:
            return read(said, brand)
        except BadPlace as error:
            raise BadOption(str(error)) from None

    return checked


def split(said: str, brand: Brand) -> object:
    return addresses.domains(said.replace(",", " ").split(), brand)
