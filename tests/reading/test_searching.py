"""Search in the inbox: found by keyed tokens, which tell nothing across people, show no subject and die in time."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from branding.models import Brand
from portal.access import cookies, people, sessions
from portal.access.back import COOKIE
from portal.access.models import Session
from portal.lifecycle import withdrawing
from portal.reading import finding
from portal.vault import destroying, readers, searching
from portal.vault.checking import TOMBSTONE_FULL, check
from portal.vault.models import Message, Reader, SearchToken
from tests.grants import change
from tests.mails import JONAS, KARIN, mail
from tests.seals import HOST, default_brand, path_of, reader_of, seal, signed_in, words

pytestmark = pytest.mark.django_db
LATER = timedelta(minutes=11)
MANY = 3000


def sealed(subject: str, *to: str, **fields: object) -> Message:
    return seal(mail(f"[secure] {subject}", **fields), *to)  # type: ignore[arg-type]


def found(client: Client, query: str, **also: str) -> list[str]:
    """The subjects that a search shows."""
    html = client.get("/inbox/", {"q": query, **also}).content.decode()
    return re.findall(r'class="list__subject"><bdi>(.*?)</bdi>', html)


def tokens(reader: Reader) -> set[bytes]:
    return {bytes(token) for token in reader.tokens.values_list("token", flat=True)}


# -------------------------------------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("text", "query", "fits"),
    [
        ("Your MRI results", "results", True),
        ("Your MRI results", "RES mri", True),
        ("Your MRI results", "re", False),
        ("Re: id 7", "re ID 7", True),
        ("Your MRI results", "sults", False),
        ("Appointment", "appointments in fact", False),
        ("Appointment", "appointment", True),
        ("Müller & Söhne", "muller", True),
        ("Straße", "STRASSE", True),
        ("ISPARTA randevusu", "ısparta", True),
        ("Результаты анализов", "анализ", True),
        ("नमस्ते दुनिया", "नमस्ते", True),
        ("検査結果のお知らせ", "結果", True),
        ("検査結果のお知らせ", "林", False),
        ("林さん", "林", True),
        ("تقرير الفصل", "الفصل", True),
        ("results", "results & more", False),
        ("anything", "!?", False),
    ],
)
def test_words_are_found_by_their_beginnings(text: str, query: str, fits: bool) -> None:
    terms = searching.terms_of(query)
    assert bool(terms and set(terms) <= set(searching.pieces_of(text))) is fits


def test_a_long_subject_keeps_its_words_before_their_beginnings() -> None:
    text = " ".join(f"{letter}bcdefgh" for letter in "qwertyuiopasdfgh")
    assert searching.pieces_of(text)[:16] == text.split()
    assert len(searching.terms_of(text)) == searching.MOST_TERMS
    assert searching.terms_of("x" * 99 + " " + "y" * 99) == ["x" * 8]


# -------------------------------------------------------------------------------------------------------------- finding


def test_sender_and_subject_are_searched_and_nothing_found_says_so() -> None:
    reader = reader_of(sealed("MRI results"))
    sealed("Appointment", sender='"Otto Weiß" <otto@aldervalley.example>')
    client = signed_in(reader)
    assert found(client, "mri") == ["MRI results"]
    assert found(client, "lindq results") == ["MRI results"]
    assert found(client, "maya.lindqvist@aldervalley.example") == ["MRI results"]
    assert found(client, "weiss") == ["Appointment"]
    assert found(client, "aldervalley") == ["Appointment", "MRI results"]
    assert found(client, "scan") == []  # a word of the body
    page = client.get("/inbox/", {"q": "<b>nothing</b>"}).content.decode()
    assert "Nothing found for “&lt;b&gt;nothing&lt;/b&gt;”." in page
    assert '<a class="btn btn--s" href="/inbox/">Show all</a>' in page
    assert len(found(client, "  ")) == 2
    assert found(client, "!") == []


def test_a_search_keeps_its_filter_and_finds_what_is_hidden() -> None:
    first, second = sealed("MRI one"), sealed("MRI two")
    client = signed_in(reader_of(first))
    client.get(path_of(reader_of(first)))
    assert found(client, "mri", show="unread") == ["MRI two"]
    page = client.get("/inbox/", {"q": "mri", "show": "unread"}).content.decode()
    assert '<input type="hidden" name="show" value="unread">' in page
    assert 'href="/inbox/?q=mri"' in page
    Reader.objects.filter(pk=reader_of(second).pk).update(hidden_at=timezone.now())
    assert found(client, "two") == ["MRI two"]
    assert "Show again" in client.get("/inbox/", {"q": "two"}).content.decode()


def test_the_search_is_in_the_tokens_and_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = reader_of(sealed("MRI results"))
    monkeypatch.setattr(finding, "open_message", None)
    assert found(signed_in(reader), "mri") == ["MRI results"]


def test_a_message_without_tokens_is_found_by_opening_it() -> None:
    reader = reader_of(sealed("MRI results"))
    reader.tokens.all().delete()
    client = signed_in(reader)
    assert found(client, "mri") == []
    Reader.objects.update(indexed=False)
    assert found(client, "mri maya") == ["MRI results"]
    assert found(client, "mri otto") == []


def test_with_the_setting_off_no_token_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "LETTERLOCK", replace(settings.LETTERLOCK, search_index=False))
    reader = reader_of(sealed("MRI results"))
    assert not reader.indexed and not SearchToken.objects.exists()
    assert found(signed_in(reader), "mri") == ["MRI results"]


def test_a_message_to_very_many_gets_no_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST_READERS", 2)
    reader = reader_of(sealed("MRI results", JONAS, KARIN))
    assert not SearchToken.objects.exists()
    assert found(signed_in(reader), "mri") == ["MRI results"]


# ------------------------------------------------------------------------------------------------- what a hit may tell


def at_level(reader: Reader, level: int) -> Client:
    client = Client(HTTP_HOST=HOST)
    person = people.of_reader(reader)
    method = sessions.PROVIDER if level > 1 else sessions.PASSCODE
    client.cookies[cookies.SESSION] = sessions.begin(person, default_brand(), keep=False, level=level, method=method)
    return client


@pytest.mark.parametrize("indexed", [True, False])
def test_a_session_learns_no_word_of_a_subject_that_it_is_not_shown(indexed: bool) -> None:
    reader = reader_of(sealed("Biopsy", headers=[("X-Letterlock-Protect", "v=1; level=2")]))
    if not indexed:
        reader.tokens.all().delete()
        Reader.objects.update(indexed=False)
    low, high = at_level(reader, 1), at_level(reader, 2)
    assert found(low, "biopsy") == found(low, "maya biopsy") == []
    assert found(low, "maya") == ["(not shown in this list)"]
    assert found(high, "biopsy") == ["Biopsy"]


def test_a_raised_level_of_the_brand_counts_at_once() -> None:
    reader = reader_of(sealed("Biopsy"))
    assert found(at_level(reader, 1), "biopsy") == ["Biopsy"]
    change(Brand.objects.all(), minimum_level=2)
    assert found(at_level(reader, 1), "biopsy") == []


def test_where_a_brand_is_strict_there_is_no_search() -> None:
    reader = reader_of(sealed("Biopsy"))
    client = signed_in(reader)
    change(Brand.objects.all(), session_scope="message")
    assert "Biopsy" not in words(client.get("/inbox/?q=biopsy").content)
    assert "Biopsy" not in words(Client(HTTP_HOST=HOST).get("/inbox/?q=biopsy").content)


def test_ones_own_messages_of_the_brand_are_found_and_no_others() -> None:
    reader = reader_of(sealed("MRI mine"))
    sealed("MRI theirs", KARIN)
    other = sealed("MRI elsewhere")
    Message.objects.filter(pk=other.pk).update(
        brand=Brand.objects.create(slug="other", name="Other", host="other.example")
    )
    assert found(signed_in(reader), "mri") == ["MRI mine"]


@pytest.mark.parametrize("how", ["split=strict", "delivery=attachment"])
def test_a_subject_that_needs_more_than_is_stored_here_gets_no_tokens(how: str) -> None:
    if how.startswith("delivery"):
        default_brand()
        Brand.objects.update(delivery="attachment")
    headers = [("X-Letterlock-Protect", f"v=1; {how}")] if how.startswith("split") else []
    reader = reader_of(sealed("Biopsy", headers=headers))
    assert reader.message.split or reader.message.delivery == Message.Delivery.ATTACHMENT
    mine = readers.of_person(bytes(reader.address_lookup), default_brand())

    def by(word: str) -> bool:
        person = bytes(reader.address_lookup)
        return searching.matching(mine, person, default_brand(), [word], "sender", "subject").exists()

    assert by("maya") and not by("biopsy")


# ------------------------------------------------------------------------------------------------------ what is stored


def test_no_word_is_stored_and_equal_words_of_two_readers_share_no_token() -> None:
    message = sealed("Biopsy results", JONAS, KARIN)
    jonas, karin = tokens(reader_of(message)), tokens(reader_of(message, KARIN))
    assert jonas and len(jonas) == len(karin) and not jonas & karin
    again = tokens(reader_of(sealed("Biopsy results")))
    assert len(jonas & again) >= len(searching.pieces_of("Biopsy results"))
    assert {len(token) for token in jonas | karin} == {searching.TOKEN_BYTES}
    assert not any(piece in token for token in jonas for piece in (b"bio", b"res"))


def test_tokens_of_one_person_lie_together_and_nowhere_near_anothers() -> None:
    message, other = sealed("Biopsy results", JONAS, KARIN), sealed("Appointment")
    places = [
        {token[: searching.PLACE_BYTES] for token in tokens(reader)}
        for reader in (reader_of(message), reader_of(other), reader_of(message, KARIN))
    ]
    assert [len(found) for found in places] == [1, 1, 1]
    assert places[0] == places[1] != places[2]


def test_what_was_sealed_when_tokens_had_no_place_is_found_still() -> None:
    reader = reader_of(sealed("Biopsy results"))
    client = signed_in(reader)
    secret = searching._secret(bytes(reader.address_lookup), reader.message.brand)
    reader.tokens.all().delete()
    SearchToken.objects.create(token=searching._older(secret, searching.SUBJECT, "biopsy"), reader=reader)
    assert found(client, "biopsy") == ["Biopsy results"]
    assert found(client, "results") == []


def test_the_number_of_tokens_is_bounded_and_tells_little() -> None:
    short, long = reader_of(sealed("Hi")), reader_of(sealed(" ".join(f"{n}abcdefghi" for n in range(90))))
    for reader in (short, long):
        assert len(tokens(reader)) % 8 == 0
    assert len(tokens(long)) <= sum(searching.MOST_TOKENS.values())
    assert not Reader.objects.get(message=short.message, role=Reader.Role.AUTHOR).tokens.exists()


def test_tokens_die_with_the_keys_of_a_withdrawn_message() -> None:
    message, other = sealed("Biopsy", JONAS, KARIN), sealed("Biopsy")
    client = signed_in(reader_of(other))
    withdrawing.withdraw(message.id, "x")
    assert found(client, "biopsy") == ["Biopsy"]  # at once, though it can still be undone
    assert searching.tokens_of(message).exists()
    destroying.destroy_due(timezone.now() + LATER)
    assert not searching.tokens_of(message).exists()
    assert searching.tokens_of(other).exists()
    assert check(Message.objects.get(pk=message.pk)).problems == []
    SearchToken.objects.create(token=b"12345678", reader=reader_of(message))
    assert check(Message.objects.get(pk=message.pk)).problems == [TOMBSTONE_FULL]


def test_tokens_of_one_reader_die_with_that_readers_key() -> None:
    message = sealed("Biopsy", JONAS, KARIN)
    withdrawing.withdraw_reader(message.id, JONAS, "x")
    destroying.destroy_due(timezone.now() + LATER)
    assert not tokens(reader_of(message))
    assert tokens(reader_of(message, KARIN))


def test_tokens_of_what_has_closed_find_it_no_more_and_are_deleted() -> None:
    message = sealed("Biopsy")
    client = signed_in(reader_of(message))
    Message.objects.filter(pk=message.pk).update(open_until=datetime.now(UTC) - timedelta(days=2))
    assert found(client, "biopsy") == []
    assert found(client, "maya") == ["(no longer shown)"]
    destroying._erase_messages([message.pk])
    assert not searching.tokens_of(message).exists()


def test_a_subject_without_a_living_key_is_not_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = reader_of(sealed("Biopsy"))
    client = signed_in(reader)
    reader.wraps.all().delete()
    assert reader.tokens.exists()
    assert found(client, "biopsy") == []


# --------------------------------------------------------------------------------------------------------- the request


@pytest.fixture
def _hears(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.DEBUG):
        yield


@pytest.mark.usefixtures("_hears")
def test_what_is_searched_for_is_in_no_log_cookie_or_title_and_no_other_site_hears_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reader = reader_of(sealed("Biopsy"))
    client = signed_in(reader)
    answer = client.get("/inbox/?q=biopsylike")
    assert answer.status_code == 200
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cache-Control"] == "no-store"
    title = re.search(r"<title>(.*?)</title>", answer.content.decode())
    assert title and "biopsylike" not in title[1]
    Session.objects.update(seen_at=timezone.now() - timedelta(hours=9))
    over = client.get("/inbox/?q=biopsylike")
    assert COOKIE not in over.cookies
    assert "biopsylike" not in str(client.cookies)
    said = [record.getMessage() for record in caplog.records if record.name != "django.db.backends"]
    assert not any("biopsylike" in line for line in said)


def plans(client: Client) -> list[str]:
    """The plan of each query that a search asks the tokens."""
    with CaptureQueriesContext(connection) as seen:
        client.get("/inbox/", {"q": "biopsy maya"})
    told = []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # of three rows it would read all
        for sql in (query["sql"] for query in seen.captured_queries if "vault_searchtoken" in query["sql"]):
            cursor.execute(f"EXPLAIN {'' if connection.vendor == 'postgresql' else 'QUERY PLAN '}{sql}")
            told.append("\n".join(str(row[-1]) for row in cursor.fetchall()))
    return told


def test_the_search_walks_an_index_and_no_table() -> None:
    reader = reader_of(sealed("Biopsy"))
    # Of a few rows each index is as good: the planner is shown enough to have a reason.
    SearchToken.objects.bulk_create(SearchToken(token=n.to_bytes(8, "big"), reader=reader) for n in range(MANY))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE vault_searchtoken")
    told = plans(signed_in(reader))
    assert len(told) == 2
    for plan in told:
        if connection.vendor == "postgresql":
            assert re.search(r"Index (Only )?Scan.*vault_searchtoken.*\n\s*Index Cond: .*token = ANY", plan), plan
        else:
            assert re.search(r"SEARCH U0 USING (COVERING )?INDEX \S* \(token=\?", plan), plan
        assert not re.search(r"^SCAN (?!.*subquery)|Seq Scan", plan, re.MULTILINE), plan
