"""Addresses are read without being forged by their names, compared in one form, and masked."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.mime.addresses import Mailbox, domain_of, mask, normalise, parse_list, parse_whole_list, spoken_mask
from portal.mime.errors import BadAddress, MimeError


@pytest.mark.parametrize(
    ("value", "boxes"),
    [
        ("a@b.example", [("", "a@b.example")]),
        ("A B <a@b.example>, d@e.example", [("A B", "a@b.example"), ("", "d@e.example")]),
        ('"Berg, Jonas" <j@b.example>', [("Berg, Jonas", "j@b.example")]),
        ('"Jonas \\"JB\\" Berg" <j@b.example>', [('Jonas "JB" Berg', "j@b.example")]),
        ("j@b.example (Jonas Berg)", [("Jonas Berg", "j@b.example")]),
        ("team: a@x.example, b@x.example;", [("", "a@x.example"), ("", "b@x.example")]),
        ("undisclosed-recipients:;", []),
        ('"a b"@x.example', [("", '"a b"@x.example')]),
        ("<@relay.example:a@b.example>", [("", "a@b.example")]),
        ("Name <a@b.example", [("Name", "a@b.example")]),
        ("=?utf-8?b?w7w=?= <ü@bücher.example>", [("ü", "ü@bücher.example")]),
        ("x y z", []),
        ("", []),
        (",,;:()<>", []),
        ("a" * 400 + "@b.example", []),
        ("a@\u202eb.example", []),
    ],
)
def test_lists_are_read(value: str, boxes: list[tuple[str, str]]) -> None:
    assert parse_list(value) == tuple(Mailbox(*box) for box in boxes)


def test_a_name_cannot_forge_an_address() -> None:
    forged = "=?utf-8?q?=22ceo=40bank.example=22_=3Cceo=40bank.example=3E=2C?= <x@evil.example>"
    assert [box.address for box in parse_list(forged)] == ["x@evil.example"]
    quoted = '"ceo@bank.example" <x@evil.example>'
    assert parse_list(quoted) == (Mailbox("ceo@bank.example", "x@evil.example"),)


def test_names_hold_no_line_ends_and_no_direction_changes() -> None:
    name = parse_list("=?utf-8?q?a=0D=0ABcc:_b=E2=80=AEc=E2=80=8B?= <a@b.example>")[0].name
    assert name == "a Bcc: bc"


@pytest.mark.parametrize(
    ("address", "normal"),
    [
        (" Jonas.Berg@Mail.Example ", "jonas.berg@mail.example"),
        ("jonas@BÜCHER.example", "jonas@xn--bcher-kva.example"),
        ("a@straße.example", "a@xn--strae-oqa.example"),
        ("a@mail.example.", "a@mail.example"),
        ('"jonas"@x.example', "jonas@x.example"),
        ('"a b"@x.example', '"a b"@x.example'),
        ("u\u0308@x.example", "ü@x.example"),
        ("a@[192.0.2.1]", "a@[192.0.2.1]"),
        ("a+tag@x.example", "a+tag@x.example"),
        ("l" * 64 + "@x.example", "l" * 64 + "@x.example"),
    ],
)
def test_addresses_have_one_form(address: str, normal: str) -> None:
    assert normalise(address) == normal
    assert domain_of(address) == normal.rpartition("@")[2]


@pytest.mark.parametrize(
    "address",
    [
        "mar\u212a@bank.example",
        "mark@ban\u212a.example",
        "\u1fef@bank.example",
        "",
        "@",
        "a@",
        "@b",
        "a",
        "a b@c.example",
        "a@b c",
        "a@b..c",
        "a..b@c.example",
        ".a@c.example",
        "a@b@c.example",
        "a@-b.example",
        "a\r\nBcc: x@y.example",
        "a@b.example\r\nBcc: x",
        "<a@b.example>",
        "a@b.example>",
        "a@℀.example",
        "l" * 65 + "@x.example",
        "a@" + "d" * 64 + ".example",
        "a" * 5000,
        "a\0@b.example",
        "a@\u202eb.example",
        '"a\n"@b.example',
        "a\u200b@b.example",
        "a@[x]",
        "a,b@c.example",
        "\ud800@b.example",
    ],
)
def test_it_refuses_what_is_no_address_without_repeating_it(address: str) -> None:
    with pytest.raises(BadAddress) as refusal:
        normalise(address)
    assert isinstance(refusal.value, MimeError) and refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
    assert str(refusal.value) == "This is not a mail address: write it like name@example.org."


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_the_one_form_stays_the_same(local: str, domain: str) -> None:
    try:
        once = normalise(f"{local}@{domain}")
    except BadAddress:
        return
    assert normalise(once) == once
    assert not any(character.isspace() for character in once.rpartition("@")[2])


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab0+._-@", max_size=12), st.integers(0, 70), st.integers(0, 260))
def test_the_quick_way_agrees_with_the_long_one(address: str, more: int, longer: int) -> None:
    address = "l" * more + address + "d" * (longer % 64) + ".d" * (longer // 2)
    assert form(address) == form(f" {address}")  # what is to be trimmed goes the long way


def form(address: str) -> str:
    try:
        return normalise(address)
    except BadAddress:
        return ""


@given(st.text(alphabet='ab@.<>,;:()"\\ ü=?', max_size=40))
def test_whole_lists_are_those_or_an_error(value: str) -> None:
    try:
        assert parse_whole_list(value) == parse_list(value)
    except BadAddress:
        assert "@" in value


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='ab@<>",;:()\\ =?\r\n\u202e', max_size=60))
def test_reading_a_list_never_raises(value: str) -> None:
    for box in parse_list(value):
        assert "@" in box.address and not set("\r\n<>\u202e") & set(box.address) and "\n" not in box.name


@pytest.mark.parametrize(
    ("address", "masked", "spoken"),
    [
        ("jonas.berg@mail.example", "jo•••••@mail.example", "the address that starts with j o, at mail.example"),
        ("jo@mail.example", "j•••••@mail.example", "the address that starts with j, at mail.example"),
        ("j@mail.example", "•••••@mail.example", "the address at mail.example"),
    ],
)
def test_masks_show_two_letters_at_most(address: str, masked: str, spoken: str) -> None:
    assert mask(address) == masked and spoken_mask(address) == spoken


@pytest.mark.parametrize(
    "value",
    [
        "a@b.example, c d@e.example",
        "a@b.example, <c@>",
        "a@b.example, " + "c" * 400 + "@d.example",
        "a@b.example; c@d@e.example",
        "team: a@b.example, c @d.example;",
        "a@b.example, c@\u202eb.example",
        ", ".join(f"a{number}@b.example" for number in range(10_001)),
    ],
    ids=lambda value: value[:40],
)
def test_a_recipient_that_cannot_be_read_is_not_passed_over(value: str) -> None:
    assert parse_list(value)
    with pytest.raises(BadAddress):
        parse_whole_list(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [("Berg, Jonas <j@b.example>", 1), ('"a@b" <c@d.example>', 1), ("c@d.example (a@b)", 1), ("x:;, a@b.example,", 1)],
)
def test_a_name_is_no_recipient(value: str, number: int) -> None:
    assert len(parse_whole_list(value)) == number
