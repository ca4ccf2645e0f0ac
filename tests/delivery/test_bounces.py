"""What comes back: matched to its mail by a signed address, told to the sender once, and never answered twice."""

import email
import email.policy
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from portal.audit.models import Entry
from portal.delivery import bounces, heard, verp
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, enqueue
from portal.delivery.sending import send_due
from portal.vault import readers
from portal.vault.models import Reader

S, K, N = Outbound.State, Outbound.Kind, Outbound.News
pytestmark = pytest.mark.django_db

DSN = """\
From: MAILER-DAEMON@mail.example
To: someone@secure.aldervalley.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

<jonas.berg@mail.example>: canary-words

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example
Arrival-Date: Wed, 25 Nov 2026 10:00:00 +0000

Final-Recipient: rfc822; jonas.berg@mail.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 canary-words

--b
Content-Type: text/rfc822-headers

Subject: Protected message
--b--
"""
HOLIDAY = b"From: jonas.berg@mail.example\r\nSubject: Away\r\nAuto-Submitted: auto-replied\r\n\r\nBack on Monday.\r\n"


def report(action="failed", status="5.1.1"):
    return DSN.format(action=action, status=status).encode()


@pytest.fixture
def notice(seal, brand, relay):
    """A notice that has left; gives its row and the address that bounces come to."""
    message = seal()
    reader = message.readers.select_related("message__brand").get(number=0)
    row = enqueue("notice", address=readers.address_of(reader), message=message.id, reader=reader)
    send_due(["notice"])
    row.refresh_from_db()
    assert row.state == S.SENT
    return row, relay.taken[-1].sender


def told():
    return list(Outbound.objects.filter(kind__in=[K.TELLING, K.REPORT]))


def kinds():
    return list(Entry.objects.order_by("id").values_list("kind", flat=True))


def test_the_address_is_short_enough_and_means_one_mail(notice):
    row, address = notice
    assert len(address.rpartition("@")[0]) <= 64
    assert verp.is_one(address)
    assert verp.mail_of(address.upper(), timezone.now().date()) == row.id


def test_a_forged_changed_or_old_address_is_worth_nothing(notice):
    row, address = notice
    today = timezone.now().date()
    local, _, domain = address.rpartition("@")
    for place in range(len(verp.PREFIX), len(local) - 1):  # of the last letter only a part counts
        other = "a" if local[place] != "a" else "b"
        assert verp.mail_of(f"{local[:place]}{other}{local[place + 1 :]}@{domain}", today) is None
    assert verp.mail_of(address, today + timedelta(days=31)) is None
    forged = f"bounce+{'a' * 55}@{domain}"
    taken = bounces.take([forged], "", report())
    assert (taken.others, taken.pass_on, told()) == ((), (), [])
    row.refresh_from_db()
    assert row.news == ""


def test_a_hard_bounce_is_recorded_and_the_sender_told_once_in_plain_words(notice, relay):
    row, address = notice
    for _ in range(2):
        assert bounces.take([address], "", report()).pass_on == ()
    row.refresh_from_db()
    assert (row.state, row.news, row.heard) == (S.SENT, N.FAILED, "5.1.1")
    assert kinds().count("wrapper.bounced") == 1
    assert Entry.objects.get(kind="wrapper.bounced").facts == {"answer": "5.1.1", "mail": "notice", "reported": True}
    (telling,) = told()
    assert (telling.kind, address_of(telling)) == ("telling", "maya.lindqvist@aldervalley.example")
    send_due(["telling"])
    taken = relay.taken[-1]
    mail = email.message_from_bytes(taken.data, policy=email.policy.default)
    assert (taken.sender or "", taken.recipients) in (
        ("", ("maya.lindqvist@aldervalley.example",)),
        ("<>", ("maya.lindqvist@aldervalley.example",)),
    )
    assert mail["Subject"] == "Not delivered: protected message to jonas.berg@mail.example"
    assert (mail["Auto-Submitted"], mail["In-Reply-To"]) == ("auto-replied", "<first@aldervalley.example>")
    text = " ".join(mail.get_body(("plain",)).get_content().split())
    assert "did not reach jonas.berg@mail.example. The address does not exist." in text
    assert "For your IT department: 5.1.1" in text
    assert "The address does not exist" in mail.get_body(("html",)).get_content()
    assert "canary" not in taken.data.decode()


def test_a_delay_is_told_and_then_a_failure_and_nothing_after_it(notice):
    row, address = notice
    for status in ("4.4.1", "4.4.1", "4.4.2"):
        bounces.take([address], "", report("delayed", status))
    assert kinds().count("wrapper.deferred") == 1, "whoever holds a notice could fill the record"
    assert [one.news for one in told()] == [N.DELAYED]
    bounces.take([address], "", report())
    bounces.take([address], "", report("delayed", "4.4.1"))
    assert sorted(one.news for one in told()) == [N.DELAYED, N.FAILED]
    assert kinds().count("wrapper.deferred") == 1
    row.refresh_from_db()
    assert row.news == N.FAILED


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_good_news_is_noted_and_nobody_told(notice, action):
    row, address = notice
    bounces.take([address], "", report(action, "2.0.0"))
    row.refresh_from_db()
    assert (row.news, told()) == (action, [])


def test_a_holiday_reply_goes_on_to_the_sender(notice):
    row, address = notice
    taken = bounces.take([address], "", HOLIDAY)
    assert taken.pass_on == ("maya.lindqvist@aldervalley.example",)
    row.refresh_from_db()
    assert (row.news, told(), kinds()[-1]) == ("", [], "wrapper.answered")


def test_a_refusal_quoted_by_a_mail_system_is_a_bounce_and_one_by_anybody_else_is_not(notice):
    words = b"\r\n\r\nI could not deliver it. The server said: 550 5.1.1 <jonas.berg@mail.example>: no such user\r\n"
    assert heard.read(b"From: MAILER-DAEMON@mail.example" + words, "") == heard.Said(N.FAILED, "5.1.1")
    assert heard.read(b"From: jonas.berg@mail.example" + words, "") == heard.Said()
    assert heard.read(b"From: MAILER-DAEMON@mail.example" + words, "jonas@mail.example") == heard.Said()
    assert heard.read(b"From: MAILER-DAEMON@x.example\r\n\r\nversion 5.1.1 of the 550 manual\r\n", "") == heard.Said()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 1000,
        b"Content-Type: multipart/report; boundary=b\r\n\r\n" + b"--b\r\n" * 20_000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 3_000,
        b"Content-Type: message/delivery-status\r\n\r\nAction: failed\r\nAction:\r\nStatus: junk",
        report("FAILED (odd)", "no status").replace(b"\n", b"\r\n"),
        report("perhaps", "5.1.1"),
    ],
)
def test_nothing_that_comes_back_breaks_anything(raw):
    assert heard.read(raw, "").news in ("", N.FAILED)


def test_mail_to_others_besides_goes_on(notice):
    _, address = notice
    assert bounces.take([address, "maya@aldervalley.example"], "", report()).others == ("maya@aldervalley.example",)
    assert bounces.take(["maya@aldervalley.example"], "", report()) is None


def test_a_bounce_of_a_passcode_is_recorded_and_told_nobody(brand):
    row = enqueue("passcode", address="jonas.berg@mail.example", subject_row=uuid4())
    bounces.take([verp.address_for(row, brand)], "", report())
    row.refresh_from_db()
    assert (row.news, told(), kinds()) == (N.FAILED, [], ["wrapper.bounced"])


def test_what_its_own_writer_gets_and_does_not_arrive_is_told_nobody(notice):
    row, address = notice
    Reader.objects.filter(pk=row.reader_id).update(role=Reader.Role.AUTHOR)
    assert bounces.take([address], "", report()).pass_on == ()
    row.refresh_from_db()
    assert (row.news, told()) == (N.FAILED, [])
    assert "wrapper.bounced" in kinds()


def test_a_refusal_at_once_is_told_as_well_and_a_refused_telling_is_told_nobody(seal, relay):
    relay.answers["jonas.berg@mail.example"] = "552 5.2.2 full"
    relay.answers["maya.lindqvist@aldervalley.example"] = "550 5.1.1 gone"
    message = seal()
    reader = message.readers.select_related("message__brand").get(number=0)
    enqueue("notice", address=readers.address_of(reader), message=message.id, reader=reader)
    send_due(["notice"])
    (telling,) = told()
    assert send_due(["telling"]) == 1
    telling.refresh_from_db()
    assert telling.state == S.FAILED
    assert told() == [telling]
