"""Every type finds numbers that its standard publishes as examples, and refuses what only looks like one."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules.sensitive import TYPES, scan
from portal.rules.sensitive.kinds import LEVELS, NONE

# Numbers that authorities, standards and payment networks publish as examples; nobody's.
EXAMPLES: dict[str, tuple[str, ...]] = {
    "payment-card": ("4111 1111 1111 1111", "5555 5555 5555 4444",
        "3782 822463 10005", "6011111111111117", "36227206271667"),
    "iban": ("GB82 WEST 1234 5698 7654 32", "DE89370400440532013000", "NO93 8601 1117 947",
        "FR14 2004 1010 0505 0001 3M02 606"),
    "swift-bic": ("DEUTDEFF", "NEDSZAJJXXX"),
    "us-routing-number": ("021000021", "0110-0001-5"),
    "us-bank-account": ("12345678901",),
    "us-ssn": ("123-45-6789",),
    "us-itin": ("912-70-1234",),
    "us-dea-number": ("BB1388568", "AP5836727"),
    "us-passport": ("C03005988", "912345678"),
    "uk-nhs-number": ("943 476 5919", "9434765919"),
    "uk-national-insurance": ("AB 12 34 56 C", "ab123456c"),
    "uk-passport": ("925076473",),
    "ie-pps": ("1234567T", "1234567FA"),
    "de-tax-id": ("86095742719", "47 036 892 816"),
    "de-identity-card": ("L01X00T471", "T220001293"),
    "at-social-insurance": ("1237 010180",),
    "ch-ahv": ("756.9217.0769.85", "756.1234.5678.97"),
    "se-personal-number": ("811218-9876", "701063-2391"),
    "dk-cpr": ("010180-1234",),
    "no-national-identity": ("15076500565",),
    "fi-hetu": ("131052-308T",),
    "fr-social-security": ("2 55 08 14 168 025 38",),
    "es-dni-nie": ("12345678Z", "X1234567L"),
    "it-codice-fiscale": ("RSSMRA85T10A562S",),
    "pt-nif": ("123456789",),
    "nl-bsn": ("111222333",),
    "be-national-number": ("85.07.30-033.28",),
    "pl-pesel": ("44051401359",),
    "eu-passport": ("C01X00T47", "12AB34567"),
    "ca-sin": ("130 692 544",),
    "au-tax-file-number": ("123 456 782",),
    "au-medicare": ("2123 45670 1",),
    "br-cpf": ("111.444.777-35",),
    "br-cnpj": ("11.222.333/0001-81", "12.ABC.345/01DE-35"),
    "in-aadhaar": ("2341 2341 2346",),
    "in-pan": ("ABCPE1234F",),
    "icd-10": ("F32.1", "E11", "C50.911"),
    "medical-terms": ("carcinoma", "Entlassungsbrief", "dossier médical"),
    "private-key": ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----"),
    "aws-key": ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    "json-web-token": (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ),
    "service-token": ("ghp_" + "a1B2" * 9, "glpat-" + "x" * 20),
}  # fmt: skip
CHECKED = (
    "payment-card", "iban", "us-routing-number", "uk-nhs-number", "ie-pps", "de-tax-id", "ch-ahv",
    "se-personal-number", "no-national-identity", "fi-hetu", "es-dni-nie", "it-codice-fiscale", "pt-nif", "nl-bsn",
    "be-national-number", "pl-pesel", "ca-sin", "au-tax-file-number", "br-cpf", "in-aadhaar", "fr-social-security",
    "at-social-insurance",
)  # fmt: skip
"""Whose check finds every single digit that is wrong; a DEA number's does not, nor do a date and a list of areas."""
ORDINARY = """
On 17.11.2026 at 14:48:02 (2026-11-17T14:48:02Z), order 4500012345 left for +49 30 901820, +46 8 123 456 78 and
(555) 123-4567. Invoice 2026/11/00045, parcel 00340434292135100186, commit 3a7bd3e2360a3d29eea436fcfb7e44c735d117c4,
sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855, room F32 on floor 1, 192.168.10.25,
10.0.0.1:8080, 2001:db8::ff00:42:8329, ISBN 978-3-16-148410-0, 1,234,567.89 EUR, 55.6761 N 12.5683 E, uuid
123e4567-e89b-12d3-a456-426614174000, ticket ABC-1234, 100 000 000 kronor, chapter 12 pages 345-389, CUSTOMER SERVICE.
"""


def worded(slug: str, example: str) -> str:
    words = TYPES[slug].keywords
    return f"{words[0]}: {example}" if words else example


def test_every_type_has_examples_and_a_sentence_for_who_chooses_it() -> None:
    assert set(EXAMPLES) == set(TYPES)
    for kind in TYPES.values():
        assert kind.looks_for.endswith(".")
        assert kind.family
        assert kind.near in LEVELS
        assert kind.alone in (NONE, *LEVELS)
        assert kind.alone or kind.keywords


@pytest.mark.parametrize(("slug", "example"), [(slug, one) for slug, all_ in EXAMPLES.items() for one in all_])
def test_a_published_number_is_found_and_is_surest_beside_a_word(slug: str, example: str) -> None:
    kind = TYPES[slug]
    found = scan(worded(slug, f"{example}, thank you."), [slug])[slug]
    assert (found.count, found.confidence) == (1, kind.near)
    bare = scan(f"see {example} here", [slug])
    assert (bare[slug].confidence if bare else NONE) in (NONE, kind.alone)
    if kind.alone == NONE:
        assert not bare


@pytest.mark.parametrize("slug", CHECKED)
@given(data=st.data())
def test_one_wrong_digit_is_refused(slug: str, data: st.DataObject) -> None:
    example = data.draw(st.sampled_from(EXAMPLES[slug]))
    places = [place for place, character in enumerate(example) if character.isdigit()]
    place = data.draw(st.sampled_from(places))
    wrong = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != example[place]]))
    assert slug not in scan(worded(slug, example[:place] + wrong + example[place + 1 :]), [slug])


def test_an_ordinary_text_of_dates_telephones_orders_and_hashes_holds_nothing() -> None:
    assert dict(scan(ORDINARY, TYPES)) == {}


def test_a_long_run_of_digits_or_letters_holds_nothing() -> None:
    chance = random.Random(8)
    digits = "".join(chance.choice("0123456789") for _ in range(5000))
    hexadecimal = "".join(chance.choice("0123456789abcdef") for _ in range(5000))
    assert not scan(f"{digits}\n{hexadecimal}", [slug for slug in TYPES if slug != "aws-key"])


@pytest.mark.parametrize(
    ("slug", "never"),
    [
        ("us-ssn", "000-12-3456"),
        ("us-ssn", "666-12-3456"),
        ("us-ssn", "900-12-3456"),
        ("us-ssn", "123-00-3456"),
        ("us-ssn", "123-45-0000"),
        ("us-itin", "912-66-1234"),
        ("uk-national-insurance", "GB 12 34 56 A"),
        ("uk-national-insurance", "QQ 12 34 56 A"),
        ("dk-cpr", "310280-1234"),
        ("se-personal-number", "811318-9876"),
        ("payment-card", "4000 0000 0000 0000"),
        ("br-cpf", "111.111.111-11"),
        ("br-cnpj", "11.222.333/0001-82"),
        ("au-medicare", "2123 45680 1"),
        ("de-identity-card", "L01X00T472"),
        ("json-web-token", "eyJxxxxxxxxxxx.eyJxxxxxxxxxxx.sig"),
        ("swift-bic", "DEUTXXFF"),
    ],
)
def test_what_is_never_issued_is_refused(slug: str, never: str) -> None:
    assert not scan(worded(slug, never), [slug])


@pytest.mark.parametrize(
    "piece", ["eyJ" + "a" * 20 + ".", "4111 ", "AB12 ", "ssn 123456789 ", "-----BEGIN ", "1-1.1/1 "]
)
def test_a_hostile_text_takes_no_longer_than_its_length(piece: str) -> None:
    scan("warm", TYPES)
    started = time.process_time()
    scan(piece * (200_000 // len(piece)), TYPES)
    assert time.process_time() - started < 20, "it would be minutes if it grew with the square"
