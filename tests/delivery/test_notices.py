"""The notice (M1): says who wrote and where to read, and nothing of what was written."""

import base64
import html
import os
import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from branding.models import Brand
from portal.delivery import ahead, verp
from portal.delivery.models import Outbound
from portal.delivery.queue import enqueue
from portal.delivery.sending import send_due
from portal.mime.addresses import Mailbox
from portal.vault import departing, readers
from portal.vault.blobs import store
from portal.vault.models import Message
from portal.vault.opening import container_of
from tests.access.visitors import make_provider
from tests.grants import change

pytestmark = pytest.mark.django_db


def parts_of(mail):
    return tuple(mail.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html"))


class _Words(HTMLParser):
    def __init__(self):
        super().__init__()
        self.words, self.links, self.loaded, self._skip = [], [], [], 0

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self._skip += tag in ("style", "title")
        if tag == "a":
            self.links.append(given["href"])
        self.loaded += [value for name, value in attrs if name in ("src", "background", "srcset")]

    def handle_endtag(self, tag):
        self._skip -= tag in ("style", "title")

    def handle_data(self, data):
        if not self._skip:
            self.words += data.split()


def read_html(page):
    parser = _Words()
    parser.feed(page)
    return parser


def test_it_is_a_mail_of_two_parts_with_the_right_headers(seal, mail_to):
    message = seal(message_id="<m2@aldervalley.example>", references=("<m1@aldervalley.example>", "<r1@mail.example>"))
    mail = mail_to(message)
    outbound = Outbound.objects.get()
    assert mail["From"] == "Dr Maya Lindqvist <maya.lindqvist@aldervalley.example>"
    assert mail["To"] == "jonas.berg@mail.example"
    assert mail["Subject"] == "Protected message from Dr Maya Lindqvist"
    assert mail["X-Letterlock"] == "notice"
    assert mail["Auto-Submitted"] is None  # so that holiday replies come
    assert mail["Reply-To"] is None
    assert mail["Message-ID"] == f"<{outbound.id}@secure.aldervalley.example>"
    assert mail["In-Reply-To"] == "<m2@aldervalley.example>"
    assert mail["References"] == "<m1@aldervalley.example> <r1@mail.example> <m2@aldervalley.example>"
    assert mail["Date"].datetime == outbound.made_at.replace(microsecond=0)
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_both_parts_hold_the_one_link_of_this_reader_and_no_other(seal, mail_to):
    message = seal()
    text, page = parts_of(mail_to(message))
    first, second = (readers.link_of(reader) for reader in message.readers.order_by("number"))
    url = f"http://secure.aldervalley.example:8000/m/{first}"
    assert re.findall(r"https?://\S+", text) == [url]
    assert set(read_html(page).links) == {url}
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) == {url}
    assert second not in text + page


def test_it_holds_nothing_of_the_message_and_no_other_recipient(seal, mail_to, relay):
    mail = mail_to(seal())
    whole = relay.taken[0].data.decode("ascii") + "".join(parts_of(mail))
    for secret in ("canary", "karin", "post.example", "Jonas"):
        assert secret not in whole


def test_text_and_html_say_the_same(seal, mail_to):
    text, page = parts_of(mail_to(seal(note="See you on Friday")))
    html_words = " ".join(read_html(page).words)
    for sentence in (
        "Dr Maya Lindqvist sent you a protected message",
        "Read it there with the address this mail was sent to: jonas.berg@mail.example",
        "“See you on Friday”",
        "Dr Maya Lindqvist, maya.lindqvist@aldervalley.example",
        "17 November 2026, 14:48",
        "Is this mail genuine?",
        "opens secure.aldervalley.example:8000 and nothing else. You will be asked for a one-time passcode. "
        "We never ask for your email password. If you are not sure, call Alder Valley Clinic on a number you already "
        "have.",
        "Alder Valley Clinic, Alder Street 4, 123 45 Alder Valley",
        "replies on the secure site are protected.",
    ):
        assert sentence in html_words
        assert sentence in " ".join(text.split())
    text_words = set(re.findall(r"\w+", text)) - {"The", "link"}
    assert text_words <= set(re.findall(r"\w+", html_words + page))


@pytest.mark.parametrize(
    ("providers", "methods", "said"),
    [
        ((), None, "for a one-time passcode."),
        (("google", "gmail.com"), None, "for a one-time passcode."),
        (("google", "gmail.com", "oidc", "mail.example"), None, "for a one-time passcode or to sign in with Oidc."),
        (("oidc", "mail.example"), ["oidc"], "to sign in with Oidc."),
        (("google", "gmail.com"), ["google"], "to sign in with an account that has this address."),
        (("oidc", "mail.example"), ["passcode"], "for a one-time passcode."),
    ],
)
def test_both_parts_say_what_the_page_will_ask_for(seal, mail_to, providers, methods, said):
    message = seal()
    for kind, domain in zip(providers[::2], providers[1::2], strict=True):
        make_provider(message.brand, kind, kind, domain)
    change(Brand.objects.all(), methods=methods)
    text, page = parts_of(mail_to(message))
    for words in (text.split(), read_html(page).words):
        assert f"and nothing else. You will be asked {said} We never ask for" in " ".join(words)
    assert max(len(line) for line in text.splitlines()) <= 80


def test_the_text_part_is_laid_out_for_reading(seal, mail_to):
    text, _ = parts_of(mail_to(seal()))
    lines = text.splitlines()
    assert lines[0] == "Dr Maya Lindqvist sent you a protected message"
    assert lines[1] == ""
    assert max(len(line) for line in lines) <= 80
    assert "Read message:" in lines
    assert re.fullmatch(r"\S+/m/[0-9a-z]{22}", lines[lines.index("Read message:") + 1])
    assert re.search(r"^From: +Dr Maya Lindqvist, maya\.lindqvist@aldervalley\.example$", text, re.MULTILINE)
    assert re.search(r"^Open until: +\d{1,2} \w+ \d{4}$", text, re.MULTILINE)
    assert "\n\n\n" not in text


def test_it_loads_nothing_runs_nothing_and_is_small(seal, mail_to, relay):
    _, page = parts_of(mail_to(seal()))
    parsed = read_html(page)
    assert all(source.startswith("cid:") for source in parsed.loaded)
    assert not re.search(r"<script|<form|<input|<link|@import|url\(|\son\w+=", page, re.IGNORECASE)
    assert len(page.encode()) < 30_000
    assert len(relay.taken[0].data) < 30_000
    assert "prefers-color-scheme: dark" in page
    assert '<html lang="en' in page
    assert 'dir="ltr"' in page


def test_a_message_that_stays_open_has_no_last_day(seal, mail_to):
    text, page = parts_of(mail_to(seal(open_days=None)))
    assert "Open until" not in text + page
    assert "Open it until" not in page


def test_an_answer_in_a_conversation_says_so(seal, mail_to):
    first = seal()
    text, page = parts_of(mail_to(seal(thread=first.id, message_id="<second@aldervalley.example>")))
    assert text.startswith("Dr Maya Lindqvist replied\n")
    assert "Dr Maya Lindqvist replied" in " ".join(read_html(page).words)


def test_the_subject_is_shown_only_where_the_brand_says_so(seal, mail_to, brand):
    brand.show_subject = True
    brand.save()
    mail = mail_to(seal(subject="Results\r\nBcc: x@evil.example \u202eтест"))
    assert mail["Subject"] == "Protected: Results Bcc: x@evil.example тест"
    assert mail["Bcc"] is None


def test_a_sender_outside_the_organisation_is_named_but_not_impersonated(seal, mail_to, relay):
    mail = mail_to(seal(sender=Mailbox("Tove Holm", "tove@harbour.example")))
    assert mail["From"] == "Tove Holm via Alder Valley Clinic <messages@secure.aldervalley.example>"
    assert mail["Reply-To"] == "Tove Holm <tove@harbour.example>"
    assert relay.taken[0].sender.startswith("bounce+")


def test_what_cannot_be_delivered_comes_back_under_an_address_of_this_mail_alone(seal, mail_to, relay):
    mail_to(seal())
    outbound = Outbound.objects.get()
    assert verp.mail_of(relay.taken[0].sender, timezone.now().date()) == outbound.id


@pytest.mark.parametrize(
    "name",
    [
        "ceo@bank.example",
        "The Boss <ceo@bank.example>",
        "ceo＠bank.example",
        "https://evil.example/m/1234567890123456789012",
        "www.evil.example",
        "x" * 500,
        "\u202e\u200b",
        "   ",
        '""',
    ],
)
def test_a_name_that_would_deceive_gives_way_to_the_address(seal, mail_to, name):
    mail = mail_to(seal(sender=Mailbox(name, "maya@aldervalley.example")))
    text, page = parts_of(mail)
    assert mail["From"].addresses[0].display_name == ""
    assert mail["Subject"] == "Protected message from maya@aldervalley.example"
    assert text.startswith("maya@aldervalley.example sent you a protected message\n")
    assert "evil.example" not in text + page
    assert "bank.example" not in text + page


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("Maya\r\nBcc: all@evil.invalid", None),
        ("Maya\r\n\r\nBody", "Maya Body"),
        ("Maya\x00\x1b[31m", None),
        ("Maya \u202enoitces tnemyap", "Maya noitces tnemyap"),
        ("Lindqvist, Maya; Dr (MD)", "Lindqvist, Maya; Dr (MD)"),
        ('Maya "M" Lindqvist', 'Maya "M" Lindqvist'),
        ("ليلى حداد", "ليلى حداد"),
        ("Jens Überschär", "Jens Überschär"),
    ],
)
def test_no_name_breaks_the_headers(seal, mail_to, name, seen):
    mail = mail_to(seal(sender=Mailbox(name, "maya@aldervalley.example")))
    assert mail["Bcc"] is None
    assert [address.addr_spec for address in mail["From"].addresses] == ["maya@aldervalley.example"]
    assert not mail.defects
    if seen is not None:
        assert mail["From"].addresses[0].display_name == seen
    assert "\u202e" not in str(mail["From"]) + "".join(parts_of(mail))
    assert mail["X-Letterlock"] == "notice"


def test_html_in_a_name_a_note_or_a_brand_stays_text(seal, mail_to, brand):
    brand.name = "Alder & <b>Sons</b>"
    brand.save()
    mail = mail_to(seal(sender=Mailbox("Maya & Co", "maya@aldervalley.example"), note="<img src=x onerror=alert(1)>"))
    text, page = parts_of(mail)
    assert "<img src=x" not in page
    assert "<b>Sons" not in page
    assert "Maya & Co sent you" in text
    assert html.unescape("Alder &amp; &lt;b&gt;Sons&lt;/b&gt;") in text


def test_a_mail_without_a_sender_speaks_for_the_organisation(seal, mail_to):
    mail = mail_to(seal(sender=Mailbox("", "")))
    assert mail["Subject"] == "Protected message from Alder Valley Clinic"
    assert mail["From"].addresses[0].addr_spec == "messages@secure.aldervalley.example"
    assert mail["Reply-To"] is None


def test_forged_message_ids_are_left_out_and_long_chains_are_cut(seal, mail_to):
    chain = tuple(f"<{number}@aldervalley.example>" for number in range(200))
    mail = mail_to(seal(message_id="<evil@x>\r\nBcc: a@b.example", references=(*chain, "no brackets", "<a b>")))
    assert mail["In-Reply-To"] is None
    assert mail["Bcc"] is None
    kept = mail["References"].split()
    assert len(kept) == 20
    assert (kept[0], kept[-1]) == (chain[0], chain[-1])


@pytest.mark.parametrize("closed", ["withdrawn", "over"])
def test_no_notice_leaves_for_a_message_that_cannot_be_read_any_more(seal, relay, closed):
    message = seal()
    for reader in message.readers.all():
        enqueue("notice", address=readers.address_of(reader), message=message.id, reader=reader)
    past = timezone.now() - timedelta(seconds=1)
    Message.objects.update(**({"state": "withdrawn"} if closed == "withdrawn" else {"open_until": past}))
    assert send_due(["notice"]) == 2
    assert relay.taken == []
    assert set(Outbound.objects.values_list("state", flat=True)) == {Outbound.State.DROPPED}


def test_sent_twice_it_is_the_same_mail(seal, mail_to, relay):
    mail_to(seal())
    Outbound.objects.update(state="sending", leased_until=None)
    send_due(["notice"])
    first, second = (taken.data for taken in relay.taken)
    boundaries = [re.search(rb'boundary="([^"]+)"', mail).group(1) for mail in (first, second)]
    assert first.replace(boundaries[0], b"") == second.replace(boundaries[1], b"")


def test_it_can_be_read_with_pictures_and_styles_off(seal, mail_to):
    _, page = parts_of(mail_to(seal()))
    assert "Alder Valley Clinic" in " ".join(read_html(page).words)
    assert "Read message" in " ".join(read_html(page).words)


def test_a_line_of_the_sender_brings_no_second_link(seal, mail_to):
    text, page = parts_of(mail_to(seal(note="Read it at https://evil.example/ now")))
    assert "evil.example" not in text + page
    assert len(re.findall(r"https?://", text)) == 1


def test_a_message_that_travels_arrives_whole_with_its_large_streams(seal, mail_to, relay):
    scan = os.urandom(400_000)
    message = seal(delivery="attachment", files=(("scan.pdf", "application/pdf", scan),))
    assert message.blobs.count() == 1
    mail = mail_to(message)
    assert mail.get_content_type() == "multipart/mixed"
    assert [part.get_content_type() for part in mail.walk()][1:] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/html",
    ]
    (attached,) = mail.iter_attachments()
    letters = re.search(r'name="e" value="([A-Za-z0-9_-]+)"', attached.get_content())[1]
    parcel = base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
    assert parcel[:20] == b"LLA1" + message.id.bytes
    streams = {**container_of(message), "part/1": store().open(message.blobs.get().id).read_at(0, 1 << 20)}
    assert parcel.endswith(b"".join(streams.values()))
    assert len(relay.taken[0].data) < 2 * len(parcel)
    assert Outbound.objects.get().state == Outbound.State.SENT


def test_a_message_that_is_away_sends_no_second_file(seal, mail_to, relay):
    message = seal(delivery="attachment")
    mail_to(message)
    departing.let_go([message.id], timezone.now())
    Outbound.objects.update(state="due")
    send_due(["notice"])
    assert len(relay.taken) == 1
    assert Outbound.objects.get(kind="notice").state == Outbound.State.FAILED
    assert Outbound.objects.filter(kind="telling", news="failed").exists()  # its sender hears of it


def _waiting(seal, number):
    """So many notices, each of a message of its own."""
    found = []
    for _ in range(number):
        message = seal()
        reader = message.readers.order_by("number").first()
        found.append(enqueue("notice", address=readers.address_of(reader), message=message.id, reader=reader))
    return found


def test_readers_of_mails_taken_up_together_are_read_with_one_statement(seal, relay, monkeypatch):
    monkeypatch.setattr(ahead, "AHEAD_SECONDS", 600.0)
    _waiting(seal, 5)
    with CaptureQueriesContext(connection) as asked:
        assert send_due(["notice"]) == 5
    assert len(relay.taken) == 5
    assert len([one for one in asked.captured_queries if 'FROM "vault_reader"' in one["sql"]]) == 1


def test_no_notice_leaves_with_a_link_to_where_somebody_wrote_and_it_leaves_once_that_is_put_back(seal, brand, relay):
    message = seal()
    reader = message.readers.select_related("message__brand").get(number=0)
    row = enqueue("notice", address=readers.address_of(reader), message=message.id, reader=reader)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE branding_brand SET host = 'evil.example'")
    send_due(["notice"])
    row.refresh_from_db()
    assert (row.state, row.last_answer, relay.taken) == (Outbound.State.DUE, "waits for its brand", [])
    Brand.objects.update(host=brand.host)
    Outbound.objects.update(due_at=timezone.now())
    send_due(["notice"])
    row.refresh_from_db()
    assert row.state == Outbound.State.SENT and b"evil.example" not in relay.taken[-1].data
