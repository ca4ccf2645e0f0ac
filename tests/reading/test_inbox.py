"""The inbox: one line a conversation, filters and pages as links, and nothing in it that the session may not read."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from branding.models import Brand
from portal.reading import conversations
from portal.vault import readers
from portal.vault.models import Message, Reader
from tests.grants import change
from tests.mails import JONAS, KARIN, mail
from tests.seals import HOST, default_brand, path_of, reader_of, seal, signed_in, words

pytestmark = pytest.mark.django_db
NEW = ", unread"


def sealed(subject: str, *, thread: Message | None = None, files: int = 0, days: int = 0) -> Reader:
    """A message to Jonas, `days` old, in the conversation of another."""
    made = seal(mail(f"[secure] {subject}", files=[(f"{n}.txt", "text/plain", b"x") for n in range(files)]))
    made.made_at -= timedelta(days=days)
    made.thread = thread.thread if thread else made.thread
    made.save(update_fields=["made_at", "thread"])
    return reader_of(made)


def page(client: Client, address: str = "/inbox/") -> str:
    return client.get(address).content.decode()


def lines(html: str) -> list[str]:
    """What the link of each line is named, as a screen reader says it, and nothing of what is hidden from it."""
    found = []
    for link in re.findall(r'<a class="list__item.*?</a>', html, re.DOTALL):
        heard = re.sub(r'<(span|svg)[^>]*aria-hidden="true".*?</\1>(\s*New</span>)?', "", link, flags=re.DOTALL)
        found.append(re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", "", heard))).replace(" ,", ",").strip())
    return found


def closes(reader: Reader, when: timedelta) -> None:
    Message.objects.filter(pk=reader.message_id).update(open_until=timezone.now() + when)


def test_a_conversation_is_one_link_named_by_all_it_shows() -> None:
    first = sealed("First", days=2)
    second = sealed("Second", thread=first.message, files=2)
    html = page(signed_in(first))
    day = timezone.localdate()
    said = f"Dr Maya Lindqvist, Second, {day.day} {day:%B %Y}, unread, 2 messages, 2 files"
    assert lines(html) == [said]
    assert f'href="{path_of(second)}"' in html
    assert "First" not in words(html.encode())


def test_it_leads_to_what_can_be_read_and_was_written_to_oneself() -> None:
    first = sealed("Question", days=2)
    answer = sealed("Answer", thread=first.message, days=1)
    Reader.objects.filter(pk=answer.pk).update(role=Reader.Role.AUTHOR)
    gone = sealed("Gone", thread=first.message)
    Message.objects.filter(pk=gone.message_id).update(state=Message.State.WITHDRAWN)
    client = signed_in(first)
    html = page(client)
    assert f'href="{path_of(first)}"' in html
    assert "Question" in lines(html)[0]
    assert "3 messages" in lines(html)[0]
    Message.objects.filter(pk=first.message_id).update(state=Message.State.WITHDRAWN)
    assert lines(page(client))[0].startswith("You, Answer")
    Message.objects.filter(pk=answer.message_id).update(state=Message.State.WITHDRAWN)
    assert "Withdrawn" in lines(page(client))[0]
    assert "Gone" not in html


def test_what_was_opened_is_not_unread_until_more_comes() -> None:
    first = sealed("First")
    client = signed_in(first)
    assert NEW in lines(page(client))[0]
    assert "Unread 1" in words(page(client).encode())
    client.get(path_of(first))
    assert NEW not in lines(page(client))[0]
    assert "Unread 0" in words(page(client).encode())
    sealed("Second", thread=first.message)
    assert NEW in lines(page(client))[0]


def test_a_line_says_when_it_closes_only_when_that_is_soon() -> None:
    reader = sealed("Soon")
    assert "Closes" not in lines(page(signed_in(reader)))[0]
    closes(reader, timedelta(days=6))
    day = timezone.localdate() + timedelta(days=6)
    assert f"Closes {day.day} {day:%B %Y}" in lines(page(signed_in(reader)))[0]


def test_the_filters_are_links_and_show_what_they_say() -> None:
    old, soon, own = sealed("Old"), sealed("Soon"), sealed("Own")
    client = signed_in(old)
    client.get(path_of(old))
    closes(soon, timedelta(days=2))
    Reader.objects.filter(pk=own.pk).update(role=Reader.Role.AUTHOR)
    closed = sealed("Closed")
    closes(closed, timedelta(seconds=-1))
    shown = {name: words(page(client, f"/inbox/?show={name}").encode()) for name in ("unread", "mine", "closing")}
    for name, subject in {"unread": "Soon", "mine": "Own", "closing": "Soon"}.items():
        assert len(lines(page(client, f"/inbox/?show={name}"))) == 1, name
        assert subject in shown[name]
    html = page(client)
    assert len(lines(html)) == 4
    for place in ("/inbox/", "/inbox/?show=unread", "/inbox/?show=mine", "/inbox/?show=closing"):
        assert f'<a class="chip" href="{place}"' in html
    assert re.search(r'href="/inbox/\?show=mine" aria-current="page"', page(client, "/inbox/?show=mine"))
    assert len(lines(page(client, "/inbox/?show=whatever"))) == 4


def test_nothing_to_show_is_said_with_a_way_on() -> None:
    reader = sealed("First")
    html = page(signed_in(reader), "/inbox/?show=mine")
    assert "Nothing here" in html
    assert '<a class="btn btn--s" href="/inbox/">Show all</a>' in html
    client = signed_in(reader)
    Reader.objects.filter(pk=reader.pk).delete()
    assert "No messages yet" in page(client)


def test_25_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    assert conversations.PAGE == 25
    monkeypatch.setattr(conversations, "PAGE", 2)
    made = [sealed(f"Number {n}", days=n) for n in range(3)]
    client = signed_in(made[0])
    first, second = page(client), page(client, "/inbox/?page=2")
    assert [line.split(", ")[1] for line in lines(first)] == ["Number 0", "Number 1"]
    assert [line.split(", ")[1] for line in lines(second)] == ["Number 2"]
    assert 'href="/inbox/?page=2" rel="next">Older' in first
    assert "Newer" not in words(first.encode())
    assert 'href="/inbox/" rel="prev">Newer' in second
    assert "Older" not in words(second.encode())
    assert 'href="/inbox/?show=unread&amp;page=2" rel="next"' in page(client, "/inbox/?show=unread")
    assert "Nothing here" in page(client, "/inbox/?page=9")
    assert lines(page(client, "/inbox/?page=0")) == lines(page(client, "/inbox/?page=x")) == lines(first)


def test_a_conversation_shows_only_ones_own_part_under_one_brand() -> None:
    mine = sealed("Mine", days=1)
    theirs = seal(mail("[secure] Theirs"), KARIN)
    other = sealed("Elsewhere", thread=mine.message)
    brand = Brand.objects.create(slug="other", name="Other", host="other.example")
    Message.objects.filter(pk=theirs.pk).update(thread=mine.message.thread)
    Message.objects.filter(pk=other.message_id).update(brand=brand)
    html = page(signed_in(mine))
    assert [line.split(", ")[1] for line in lines(html)] == ["Mine"]
    assert "messages" not in lines(html)[0]
    karin = page(signed_in(reader_of(Message.objects.get(pk=theirs.pk), KARIN)))
    assert [line.split(", ")[1] for line in lines(karin)] == ["Theirs"]


def test_the_database_says_open_as_the_readers_room_does() -> None:
    made = [sealed(f"Number {n}") for n in range(4)]
    closes(made[0], timedelta(days=1))
    closes(made[1], timedelta(seconds=-1))
    Message.objects.filter(pk=made[2].message_id).update(open_until=None)
    now = timezone.now()
    Reader.objects.filter(pk=made[3].pk).update(withdrawn_at=now)
    of_jonas = readers.of_person(readers.address_lookup(JONAS), default_brand())
    by_query = {reader.pk for reader in of_jonas.filter(conversations.is_open(now))}
    assert by_query == {reader.pk for reader in of_jonas if not readers.is_closed_to(reader, now)}
    assert by_query == {made[0].pk, made[2].pk}


@pytest.mark.parametrize("show", ["all", "unread", "mine", "closing", "hidden"])
def test_the_list_walks_an_index_and_no_table(show: str) -> None:
    client = signed_in(sealed("First"))
    with CaptureQueriesContext(connection) as seen:
        client.get("/inbox/", {"show": show})
    asked = [query["sql"] for query in seen.captured_queries if 'FROM "vault_reader"' in query["sql"]]
    assert len(asked) >= 2
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # of three rows it would read all
        for sql in asked:
            cursor.execute(f"EXPLAIN {'' if connection.vendor == 'postgresql' else 'QUERY PLAN '}{sql}")
            plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
            # By the address, or what was found by it by their ids.
            assert re.search(r"address_lookup|\(id=\?|pkey", plan), plan
            assert not re.search(r"^SCAN vault|Seq Scan", plan, re.MULTILINE), plan


# ------------------------------------------------------------------------------------------------------------- hiding


def forms(html: str, action: str) -> list[dict[str, str]]:
    """The fields of each form that posts there."""
    found = re.findall(rf'<form[^>]*action="{action}".*?</form>', html, re.DOTALL)
    return [dict(re.findall(r'name="([a-z]+)" value="([^"]*)"', form)) for form in found]


def test_what_is_hidden_is_out_of_the_list_and_can_be_brought_back_at_once() -> None:
    reader, _ = sealed("First"), sealed("Second", days=1)
    client = signed_in(reader)
    answer = client.post("/inbox/hide/", forms(page(client), "/inbox/hide/")[0])
    assert answer.status_code == 303
    html = page(client, answer["Location"])
    assert [line.split(", ")[1] for line in lines(html)] == ["Second"]
    assert re.search(r'role="status".*?Hidden\..*?Undo</button>', html, re.DOTALL)
    assert "Unread 1" in words(html.encode())
    assert client.get(path_of(reader)).status_code == 200  # nothing is deleted
    assert "Hidden." not in page(client)
    answer = client.post("/inbox/undo/", forms(html, "/inbox/undo/")[0])
    assert (answer.status_code, answer["Location"]) == (303, "/inbox/")
    assert len(lines(page(client))) == 2
    assert "Hidden" not in words(page(client).encode())
    assert not Reader.objects.exclude(hidden_at=None).exists()


def test_hidden_messages_are_listed_apart_and_a_new_message_brings_a_conversation_back() -> None:
    reader = sealed("First", days=1)
    client = signed_in(reader)
    shown = forms(page(client, "/inbox/?show=unread"), "/inbox/hide/")[0]
    assert shown["show"] == "unread"
    assert client.post("/inbox/hide/", shown)["Location"].startswith("/inbox/?show=unread&hidden=")
    html = page(client)
    assert "No messages yet" not in html
    assert '<a href="/inbox/?show=hidden">Hidden messages</a>' in html
    assert 'role="search"' in html
    hidden = page(client, "/inbox/?show=hidden")
    assert [line.split(", ")[1] for line in lines(hidden)] == ["First"]
    assert "Show again" in hidden
    sealed("Second", thread=reader.message)
    assert [line.split(", ")[1] for line in lines(page(client))] == ["Second"]
    assert not lines(page(client, "/inbox/?show=hidden"))


def test_what_came_since_the_page_was_shown_is_not_hidden_with_it() -> None:
    reader = sealed("First", days=1)
    client = signed_in(reader)
    shown = forms(page(client), "/inbox/hide/")[0]
    sealed("Second", thread=reader.message)
    client.post("/inbox/hide/", shown)
    assert [line.split(", ")[1] for line in lines(page(client))] == ["Second"]


@pytest.mark.parametrize("place", ["hide", "undo"])
def test_hiding_reaches_only_ones_own_list(place: str) -> None:
    mine, theirs = sealed("Mine"), seal(mail("[secure] Theirs"), KARIN)
    hers = reader_of(theirs, KARIN)
    if place == "undo":
        Reader.objects.update(hidden_at=timezone.now())
    before = set(Reader.objects.values_list("pk", "hidden_at"))
    fields = {"conversation": theirs.thread.hex, "until": timezone.now().isoformat()}
    client = signed_in(mine)
    assert client.post(f"/inbox/{place}/", fields)["Location"] == "/inbox/"
    assert Client(HTTP_HOST=HOST).post(f"/inbox/{place}/", fields)["Location"] == "/inbox/"
    strict = signed_in(hers)
    change(Brand.objects.all(), session_scope="message")
    strict.post(f"/inbox/{place}/", fields)
    change(Brand.objects.all(), session_scope="brand")
    wrong = [{}, {"conversation": "x"}]
    if place == "hide":
        bad = ("", "y", "2026-11-26T00:00:00", "0001-01-01T00:00:00+23:59")
        wrong += [{"conversation": mine.message.thread.hex, "until": at} for at in bad]
    for form in wrong:
        assert client.post(f"/inbox/{place}/", form).status_code == 303
    assert client.get(f"/inbox/{place}/").status_code == 405
    guarded = Client(HTTP_HOST=HOST, enforce_csrf_checks=True)
    guarded.cookies = signed_in(hers).cookies
    assert guarded.post(f"/inbox/{place}/", fields).status_code == 403
    assert set(Reader.objects.values_list("pk", "hidden_at")) == before
