"""The text and the properties of a document in RTF (Rich Text Format Specification 1.9.1)."""

from __future__ import annotations

import re

from portal.mime.gathering import Enough, Gathered, Read, keep
from portal.mime.rtf import Writer, joined

_BEGINNING = re.compile(rb"\s{0,64}\{\\rt")
_NAMES = {
    b"title": "title",
    b"subject": "subject",
    b"author": "creator",
    b"keywords": "keywords",
    b"doccomm": "description",
    b"operator": "lastmodifiedby",
    b"category": "category",
    b"manager": "manager",
    b"company": "company",
}
_PROPERTY = re.compile(rb"\{(?:\\\*)?\\(" + b"|".join(_NAMES) + rb")\b ?([^{}]{1,4000})\}")
_OWN = re.compile(rb"\{\\propname ?([^{}]{1,4000})\}\s{0,9}\\proptype[0-9]{1,3}\s{0,9}\{\\staticval ?([^{}]{1,4000})\}")
_LOOKED_AT = 256 * 1024
"""Bytes from the beginning in which properties are looked for."""


def is_rtf(data: bytes) -> bool:
    """Word opens what begins like this, also without the letter that should follow."""
    return _BEGINNING.match(data) is not None


def read(data: bytes, most: int, until: float) -> Read:
    """Text of the body, headers, footers, notes, comments, boxes and fields, up to `most` characters and `until`
    (time.monotonic()). Never raises."""
    found, gathered = Read(), Gathered(most, until)
    try:
        found.partly = Writer(data, gathered.add, gathered.look_at_the_clock).has_object
        head = data[:_LOOKED_AT]
        codepage = re.search(rb"\\ansicpg[0-9]{1,5}", head[:4096])
        start = b"{\\rtf1" + (codepage[0] if codepage else b"") + b" "
        for match in _PROPERTY.finditer(head):
            keep(found.properties, _NAMES[match[1]], Writer(start + match[2]).text)
        for match in _OWN.finditer(head):
            keep(found.properties, Writer(start + match[1]).text, Writer(start + match[2]).text)
    except Enough:
        found.truncated = True
    found.text = joined(gathered.text())
    return found
