"""Kinds of sensitive information by Django's client, so without any script: listed, made, tried, archived, deleted."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from django.test import Client

from branding.models import Brand
from portal.access.roles import Role
from portal.audit.models import Entry
from portal.rules import draft, live, own_kinds, publishing
from portal.rules.draft import standing, token
from portal.rules.errors import BadRules
from portal.rules.models import Draft, Version
from portal.rules.sensitive import TYPES, scan
from tests.console.pages import form as form_of
from tests.console.pages import said, shown, someone
from tests.console.test_rules_pages import HOSTILE, publish

pytestmark = pytest.mark.usefixtures("fresh_rules")
KINDS, ADD, OWN = "/admin/rules/kinds/", "/admin/rules/kinds/add/", "/admin/rules/kinds/own/customer-number/"
CARD = "/admin/rules/kinds/built-in/payment-card/"
CANARY = "canary-4711"
NUMBER = {
    "name": "Customer number",
    "looks_for": "Numbers of our customers",
    "pattern": r"\bK-[0-9]{8}\b",
    "keywords": "customer\nKundennummer",
}


def form(page: str) -> dict[str, Any]:
    return form_of(page, 'class="brand-form')


def press(client: Client, url: str, do: str = "save", page: str = "", **typed: str) -> Any:
    return client.post(url, {**form(page or shown(client, url)), **typed, "do": do})


def switch(client: Client, do: str) -> Any:
    return client.post(OWN, {"seen": form(shown(client, OWN))["seen"], "do": do})


def kinds() -> list[dict[str, Any]]:
    return list(standing().document["types"])


CHOSEN = ("checksum", "confidence")
"""Fields whose values a browser offers; another has no place to be shown again."""


def asks(kind: str) -> dict[str, Any]:
    """A rule that protects what has one of a kind."""
    when = [{"if": "sensitive", "types": [{"name": kind}]}]
    return {"id": "customers", "name": "Customers", "when": when, "then": [{"do": "protect"}]}


def with_rule(rule: dict[str, Any]) -> None:
    now = standing()
    draft.save(lambda old: {**old, "rules": [*old["rules"], rule]}, lambda old: old, token(now.document), None)


def test_every_kind_is_listed_with_what_it_finds_how_sure_that_is_and_which_rules_ask_for_it(ruler: Client) -> None:
    with_rule(asks("payment-card"))
    text = said(ruler.get(KINDS))
    for kind in TYPES.values():
        assert kind.name in text
        assert kind.looks_for in text
    assert f"{len(TYPES)} kinds come with the portal." in text
    assert "65 alone, 85 beside a word · checked by Luhn check digit" in text
    assert text.count("Rules that ask for it: Customers ") == 1
    assert "counts only beside a word, 75 beside a word" in text


def test_a_kind_is_made_chosen_in_a_rule_and_published_with_the_rules(ruler: Client) -> None:
    assert press(ruler, ADD, **NUMBER).status_code == 303
    assert kinds() == [
        {
            "slug": "customer-number",
            "name": "Customer number",
            "looks_for": "Numbers of our customers",
            "keywords": ["customer", "Kundennummer"],
            "pattern": r"\bK-[0-9]{8}\b",
            "confidence": 65,
        }
    ]
    text = said(ruler.get(KINDS))
    assert "Customer number New, not published Numbers of our customers It finds the pattern “\\bK-[0-9]{8}\\b”" in text
    assert "kind “Customer number” added" in text
    with_rule({**asks("payment-card"), "id": "cards", "name": "Cards"})
    assert 'value="customer-number">Customer number</option>' in shown(ruler, "/admin/rules/rule/cards/")
    with_rule(asks("customer-number"))
    assert "Rules that ask for it: Customers " in said(ruler.get(OWN))
    assert "New kind of sensitive information: “Customer number”" in said(ruler.get("/admin/rules/publish/"))
    assert publish(ruler).status_code == 303
    assert Version.objects.get().document["types"] == kinds()
    assert "kind “Customer number” added" in said(ruler.get("/admin/rules/versions/"))
    assert press(ruler, OWN, pattern="", words="Falcon\nBlue  Heron").status_code == 303
    assert (kinds()[0]["words"], "pattern" in kinds()[0]) == (["Falcon", "Blue  Heron"], False)
    assert "“Falcon” and “Blue Heron”" in said(ruler.get("/admin/rules/publish/"))


def test_a_kind_is_tried_on_a_text_of_which_nothing_is_kept(ruler: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    text = f"{CANARY} K-12345678, K-1234.5678 …" + " " * 400 + "customer K-99999999"
    answer = press(ruler, ADD, "try", **{**NUMBER, "pattern": r"\bK-[0-9]{4}\.?[0-9]{4}\b", "text": text})
    assert answer.status_code == 200
    assert "confidence 65 counts 2 different; with 75 it counts 1, and with 85 1." in said(answer)
    assert re.search(r"Found How sure K99999999 85, sure K12345678 65, a guess", said(answer))
    assert form(answer.content.decode())["keywords"] == [NUMBER["keywords"]]
    assert answer.headers["Cache-Control"] == "no-store"
    assert not Draft.objects.exists()
    assert not Entry.objects.filter(kind__startswith="rules.").exists()
    assert CANARY not in caplog.text
    assert "It finds nothing in this text." in said(ruler.post(CARD, {"do": "try", "text": "nothing"}))
    assert ruler.post(CARD, {"do": "try", "text": ""}).status_code == 422
    assert "4111111111111111 85, sure" in said(ruler.post(CARD, {"do": "try", "text": "My visa: 4111 1111 1111 1111"}))


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"pattern": ""}, "words", "Write the words that it finds, or a pattern."),
        ({"words": "Falcon"}, "pattern", "not both"),
        ({"pattern": "(a"}, "pattern", "The pattern cannot be read"),
        ({"pattern": r"(a)\1"}, "pattern", "The pattern cannot be read"),
        ({"pattern": "(?=x)y"}, "pattern", "Patterns are in RE2’s syntax"),
        ({"pattern": "((a{900}){900})"}, "pattern", "RE2"),
        ({"pattern": "(?:a{900}b{900}){12}"}, "pattern", "RE2"),
        ({"pattern": "(x*)*"}, "pattern", "would match everywhere"),
        ({"pattern": "x" * 1001}, "pattern", "up to 1000 characters"),
        ({"pattern": "", "words": "\n".join(map(str, range(201)))}, "words", "up to 200 words; these are 201"),
        ({"pattern": "", "words": "x" * 81}, "words", "up to 80 are possible"),
        ({"pattern": "", "words": "x\n" * 400_000}, "words", ""),
        ({"keywords": "\n".join(map(str, range(201)))}, "keywords", "up to 200 keywords"),
        ({"keywords": "", "confidence": "0"}, "keywords", "needs keywords"),
        ({"confidence": "99"}, "confidence", "65, 75 or 85"),
        ({"confidence": "²"}, "confidence", "65, 75 or 85"),
        ({"checksum": "md5"}, "checksum", "luhn"),
        ({"name": " "}, "name", "“Name” must be given."),
        ({"slug": "Not a slug"}, "slug", "lower-case letters"),
        ({"slug": "payment-card"}, "slug", "Another kind has this short name."),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_makes_no_kind_is_said_at_its_field_and_nothing_typed_is_lost(
    ruler: Client, typed: dict[str, str], field: str, sentence: str
) -> None:
    if sentence == "":
        assert press(ruler, ADD, **{**NUMBER, **typed}).status_code == 303, "the same word counts once"
        return
    answer = press(ruler, ADD, **{**NUMBER, **typed})
    assert answer.status_code == 422
    assert not Draft.objects.exists()
    page = answer.content.decode()
    assert f'<a href="#{field}">' in page
    assert re.search(rf'id="{field}"[^>]* aria-invalid="true"', page)
    assert sentence.replace("’", "'") in said(answer).replace("’", "'")
    kept = form(page)
    for name, text in {**NUMBER, **typed}.items():
        assert kept[name] == [text] or name in CHOSEN, name


def test_a_text_to_try_it_on_has_a_limit_and_a_slow_pattern_an_end(ruler: Client) -> None:
    long = press(ruler, ADD, "try", **NUMBER, text="x" * 20_001)
    assert long.status_code == 422
    assert "up to 20,000 characters; this one has 20,001." in said(long)
    assert press(ruler, ADD, "try", **NUMBER, text=" ").status_code == 422
    slow = "|".join(f"[ab]*{end}[ab]{{900}}{number}" for number, end in enumerate("ab"))
    answer = press(ruler, ADD, "try", **{**NUMBER, "pattern": slow}, text="ab" * 10_000)
    assert answer.status_code == 200


def test_of_two_who_change_a_kind_the_later_sees_both_and_keeps_what_they_typed(brand: Brand, ruler: Client) -> None:
    press(ruler, ADD, **NUMBER)
    other, page = someone(brand, "otto"), shown(ruler, OWN)
    assert press(other, OWN, name="Number of a customer").status_code == 303
    answer = press(ruler, OWN, page=page, confidence="75")
    assert answer.status_code == 409
    assert "Not saved: somebody else saved this kind" in said(answer)
    assert kinds()[0]["name"] == "Number of a customer"
    again = answer.content.decode()
    assert form(again)["confidence"] == ["75"]
    assert press(ruler, OWN, page=again).status_code == 303
    assert (kinds()[0]["name"], kinds()[0]["confidence"]) == ("Customer number", 75)
    page = shown(ruler, OWN)
    assert ruler.post(f"{OWN}delete/", {"seen": form(page)["seen"][0], "reason": "mistake"}).status_code == 303
    gone = press(other, OWN, page=page, name="Back")
    assert gone.status_code == 409
    assert "They deleted it." in said(gone)
    assert press(other, OWN, page=gone.content.decode()).status_code == 303
    assert kinds()[0]["name"] == "Back"


def test_of_two_who_make_the_same_kind_the_later_chooses_another_short_name(brand: Brand, ruler: Client) -> None:
    other, page = someone(brand, "otto"), shown(ruler, ADD)
    typed = {**NUMBER, "slug": "customer-number"}
    assert press(other, ADD, **typed).status_code == 303
    assert press(ruler, ADD, page=page, **typed).status_code == 422
    assert press(ruler, ADD, page=page, **NUMBER).status_code == 303
    assert [one["slug"] for one in kinds()] == ["customer-number", "customer-number-2"]


def test_an_archived_kind_is_not_offered_and_a_rule_that_asks_for_it_goes_on(ruler: Client) -> None:
    press(ruler, ADD, **NUMBER)
    with_rule(asks("customer-number"))
    assert switch(ruler, "archive").status_code == 303
    assert kinds()[0]["archived"] is True
    assert "archived" in said(ruler.get(KINDS))
    assert "Rules that ask for it: Customers . They go on finding it." in said(ruler.get(KINDS))
    editor = shown(ruler, "/admin/rules/rule/customers/")
    assert '<option value="customer-number">' not in editor
    assert "Customer number (archived)" in editor
    press(ruler, OWN, looks_for="Changed while archived")
    assert kinds()[0]["archived"] is True
    assert publish(ruler).status_code == 303
    assert scan("K-12345678", ["customer-number"], live.rules().own_types)["customer-number"].count == 1
    assert switch(ruler, "offer").status_code == 303
    assert "archived" not in kinds()[0]
    assert '<option value="customer-number">' in shown(ruler, "/admin/rules/rule/customers/")


def test_a_kind_that_a_rule_asks_for_is_not_deleted_and_the_rule_is_named(ruler: Client) -> None:
    press(ruler, ADD, **NUMBER)
    with_rule(asks("customer-number"))
    assert "Customers" in said(ruler.get(f"{OWN}delete/"))
    seen = form(shown(ruler, OWN))["seen"][0]
    assert ruler.post(f"{OWN}delete/", {"seen": seen, "reason": "mistake"}).status_code == 409
    with pytest.raises(own_kinds.KindInUse):
        draft.remove_kind("customer-number", "mistake", seen, None)
    assert len(kinds()) == 1
    draft.remove("customers", "mistake", token(standing().rule("customers")), None)
    assert ruler.post(f"{OWN}delete/", {"seen": "old", "reason": "mistake"}).status_code == 409
    assert ruler.post(f"{OWN}delete/", {"seen": seen}).status_code == 422
    assert ruler.post(f"{OWN}delete/", {"seen": seen, "reason": "mistake"}).status_code == 303
    assert kinds() == []
    facts = Entry.objects.get(kind="rules.kind_removed").facts
    assert (facts["type"], facts["reason"]) == ("customer-number", "mistake")


def test_what_somebody_else_published_meanwhile_is_brought_in_kind_by_kind(ruler: Client) -> None:
    press(ruler, ADD, **NUMBER)
    theirs = {"slug": "falcon", "name": "Falcon", "words": ["falcon"]}
    publishing.publish({**publishing.document_of(0), "types": [theirs]}, expected=0)
    live.forget()
    assert ruler.post("/admin/rules/catch-up/").status_code == 303
    assert [one["slug"] for one in kinds()] == ["customer-number", "falcon"]


def test_two_kinds_of_one_short_name_are_not_published(ruler: Client) -> None:
    same = {"slug": "iban", "name": "Our own", "words": ["falcon"]}
    with pytest.raises(BadRules, match="Kind 1 of “types” is called “iban”"):
        publishing.publish({**publishing.document_of(0), "types": [same]}, expected=0)


def test_names_are_only_letters_looking_changes_nothing_and_other_roles_stay_out(brand: Brand, ruler: Client) -> None:
    press(ruler, ADD, **{**NUMBER, "name": HOSTILE, "looks_for": HOSTILE, "slug": "customer-number"})
    before = standing().seen
    for url in (KINDS, ADD, OWN, f"{OWN}delete/", CARD):
        page = shown(ruler, url)
        assert HOSTILE not in page
        assert someone(brand, f"x{len(url)}", Role.BRANDS).get(url).status_code == 403
    assert standing().seen == before
    assert ruler.get("/admin/rules/kinds/own/no-such/").status_code == 404
    assert ruler.post("/admin/rules/kinds/own/no-such/", {"do": "archive"}).status_code == 404
    assert ruler.get("/admin/rules/kinds/built-in/no-such/").status_code == 404
