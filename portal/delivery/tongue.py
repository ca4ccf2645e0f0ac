"""In which language a mail to a recipient is written. Who knows it is a room above, which registers how to ask."""

from __future__ import annotations

from collections.abc import Callable

from branding import languages
from portal.vault.models import Reader

_asked: list[Callable[[Reader], str]] = []


def register(of_reader: Callable[[Reader], str]) -> None:
    """Name who knows the language of a reader, in AppConfig.ready(); it gives "" when it is not known."""
    _asked[:] = [of_reader]


def of_reader(reader: Reader) -> str:
    """The language that the recipient read in last, else that of the brand."""
    said = _asked[0](reader) if _asked else ""
    return languages.known(said) or languages.of_brand(reader.message.brand)
