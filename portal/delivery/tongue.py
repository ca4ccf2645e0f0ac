"""In which language a mail to a recipient is written. Who knows it is a room above, which registers how to ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from branding import languages
from portal.vault.models import Reader


def _nobody_knows(readers: Sequence[Reader]) -> Sequence[str]:
    return [""] * len(readers)


_known: Callable[[Sequence[Reader]], Sequence[str]] = _nobody_knows


def register(known: Callable[[Sequence[Reader]], Sequence[str]]) -> None:
    """Name who knows the languages of readers, in AppConfig.ready(); it gives "" for each that is not known."""
    global _known
    _known = known


def of_readers(readers: Sequence[Reader]) -> list[str]:
    """The language that each recipient read in last, else that of the brand, in the order of the readers."""
    said = zip(readers, _known(readers), strict=True)
    return [languages.known(last) or languages.of_brand(reader.message.brand) for reader, last in said]


def of_reader(reader: Reader) -> str:
    """The same for one."""
    return of_readers([reader])[0]
