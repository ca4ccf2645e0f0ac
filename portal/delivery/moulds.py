"""What all mails of one brand in one language say alike, rendered once and kept; each mail fills in what is its own.

Nothing of a mail is kept: a mould is made with marks in the places of its own values, and parts where they stand.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from django.utils.html import escape

MOST = 200
"""Moulds that a process keeps, some 15 KB each; beyond it begins anew."""
Marks = Mapping[str, str]


@dataclass(frozen=True)
class Mould:
    """Both bodies in pieces: what is the same, the name of a value, what is the same, and so on to the end."""

    text: tuple[str, ...]
    html: tuple[str, ...]

    def filled(self, own: Mapping[str, str]) -> tuple[str, str]:
        """Text and HTML of one mail; in HTML its own values are escaped."""
        return _filled(self.text, own), _filled(self.html, {name: str(escape(said)) for name, said in own.items()})


_kept: dict[Hashable, Mould] = {}


def of(key: Hashable, own: Mapping[str, str], make: Callable[[Marks], tuple[str, str]]) -> Mould:
    """The mould of mails that have `key` in common and own values for the same names; empty ones are none.

    `make` renders both bodies with what it is given in the places of the own values: filters that measure or change a
    text have no place there.
    """
    known = (key, *[name for name, said in own.items() if said])
    found = _kept.get(known)
    if found is None:
        if len(_kept) >= MOST:
            _kept.clear()
        found = _kept[known] = _made(own, make)
    return found


def _made(own: Mapping[str, str], make: Callable[[Marks], tuple[str, str]]) -> Mould:
    # Nobody can have written these letters into a brand's words, so a body parts where they are and nowhere else.
    mark, names = secrets.token_hex(16), list(own)
    text, html = make({name: f"{mark}{number:02}" if own[name] else "" for number, name in enumerate(names)})
    return Mould(_parted(text, mark, names), _parted(html, mark, names))


def _parted(body: str, mark: str, names: list[str]) -> tuple[str, ...]:
    pieces = re.split(f"{mark}([0-9][0-9])", body)
    pieces[1::2] = [names[int(number)] for number in pieces[1::2]]
    return tuple(pieces)


def _filled(pieces: tuple[str, ...], own: Mapping[str, str]) -> str:
    whole = list(pieces)
    whole[1::2] = [own[name] for name in pieces[1::2]]
    return "".join(whole)
