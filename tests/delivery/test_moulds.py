"""Mails that differ in a few values alone: each is what its templates make of it, and nothing of one is in another."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from django.utils import timezone, translation

from branding import wording
from branding.models import Brand
from portal.delivery import moulds
from portal.delivery.dressing import Dressed, dressed_for_reader
from tests.delivery.conftest import MAYA
from tests.delivery.test_dressing import WORDS
from tests.delivery.test_notices import parts_of

pytestmark = pytest.mark.django_db
ALIKE = {
    "attached": False,
    "origin": "https://a.example",
    "host": "a.example",
    "asked": "You are asked.",
    "reply": False,
}
OWN = {
    "sender_name": "Dr Maya {date} <b>Lindqvist</b> & Daughters, who have a name that is longer than a line can be",
    "sender_address": "maya.lindqvist@aldervalley.example",
    "recipient": "jonas.berg+\"'<&>@mail.example",
    "url": "https://a.example/m/0123456789abcdefghjkmn",
    "code": "ABCD-EFGH",
    "sent_at": "17 November 2026, 14:48 UTC",
    "open_until": "26 December 2026",
    "note": "It is about the autumn & the winter, and this line goes on for longer than seventy-two characters.",
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The moulds that were made."""
    made: list[object] = []
    make = moulds._made
    monkeypatch.setattr(moulds, "_kept", {})
    monkeypatch.setattr(moulds, "_made", lambda own, how: made.append(own) or make(own, how))
    return made


def _both(brand: Brand, **changes: str) -> tuple[Dressed, Dressed]:
    """A notice from a mould, and one that its templates make by themselves."""
    own, until = {**OWN, **changes}, timezone.now() if changes.get("open_until", "x") else None
    called = own["sender_name"] or own["sender_address"]
    return (
        dressed_for_reader("notice", brand, ALIKE, called, until, own),
        dressed_for_reader("notice", brand, {**ALIKE, **own}, called, until),
    )


@pytest.mark.parametrize("words", [{}, WORDS])
def test_a_mail_from_a_mould_is_what_its_templates_make_of_it(brand: Brand, asked: list[object], words: Any) -> None:
    brand.words = wording.checked(words)
    parts = [(name, ("", OWN[name])) for name in ("sender_name", "code", "note", "open_until")]
    for language, *chosen in product(("en-gb", "ar"), *[values for _, values in parts]):
        with translation.override(language):
            moulded, plain = _both(brand, **dict(zip([name for name, _ in parts], chosen, strict=True)))
        assert moulded == plain
    assert len(asked) == 2 * 2**4


def test_what_is_like_a_link_or_a_place_in_one_mail_is_only_text_there(brand: Brand, asked: list[object]) -> None:
    moulded, _ = _both(brand, note="{{ url }} {sender} <i>x</i>")
    assert "{{ url }} {sender} &lt;i&gt;x&lt;/i&gt;" in moulded.html
    assert "{{ url }} {sender} <i>x</i>" in moulded.text


def test_two_mails_that_are_alike_are_of_one_mould_and_a_changed_brand_makes_another(
    brand: Brand, asked: list[object]
) -> None:
    first, second = _both(brand)[0], _both(brand, recipient="karin@post.example")[0]
    assert len(asked) == 1
    assert "karin@" not in first.html + first.text
    assert "jonas" not in second.html + second.text
    brand.name = "Harbour"
    third, plain = _both(brand)
    assert len(asked) == 2
    assert third == plain


def test_a_mould_holds_nothing_of_a_mail(brand: Brand, asked: list[object]) -> None:
    _both(brand)
    kept = repr(moulds._kept)
    assert "You are asked." in kept
    assert not any(said in kept for said in OWN.values())


def test_no_more_moulds_are_kept_than_fit(brand: Brand, asked: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moulds, "MOST", 2)
    for name in ("A", "B", "C"):
        brand.name = name
        _both(brand)
    assert len(moulds._kept) == 1


def test_a_line_of_text_is_never_too_long_for_a_mail_program(seal: Any, mail_to: Any) -> None:
    text, _ = parts_of(mail_to(seal(sender=replace(MAYA, name="Maya " * 12), note="word " * 40)))
    assert all(len(line) <= 72 or " " not in line for line in text.splitlines())
