"""The reports: figures equal to a count of what is there, files that hold no address and no formula, and the mail."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date, timedelta

import pytest
from django.http.response import StreamingHttpResponse
from django.test import Client
from django.utils import timezone

from portal.access import people
from portal.access.models import Person
from portal.audit.models import Entry
from portal.audit.record import record
from portal.delivery.models import Outbound
from portal.delivery.sending import send_due
from portal.lifecycle import withdrawing
from portal.operations import charts, monthly, reporting
from portal.operations.models import Tally
from portal.vault.models import Message, Reader
from tests.console.conftest import CANARY, Arrive, counted
from tests.grants import change
from tests.mails import JONAS, KARIN, MAYA
from tests.seals import words

PAGES = ("", "messages/", "log/")
WHOLE = (JONAS, KARIN, MAYA, CANARY, "jonas.berg", "Lindqvist")


def happened(arrive: Arrive) -> Message:
    """One message to two people, of whom one proved their address, read it and looked at the file."""
    id_ = arrive(to=(JONAS, KARIN))
    reader = Reader.objects.get(message_id=id_, number=0)
    facts = {"message": id_, "reader": reader.pk}
    record("recipient.passcode_asked", **facts)
    record("recipient.passcode_failed", **facts, left=4)
    record("recipient.confirmed", **facts, method="passcode", device="phone", language="sv")
    record("message.opened", **facts, first=True, method="passcode")
    record("file.downloaded", **facts, file=1)
    counted()
    return Message.objects.get(pk=id_)


def saved(owner: Client, what: str, form: str, **more: str) -> str:
    answer = owner.post("/admin/reports/export/", {"what": what, "format": form, "days": "7", **more})
    assert isinstance(answer, StreamingHttpResponse)
    return b"".join(answer.streaming_content).decode()  # type: ignore[arg-type]


def test_the_figures_are_those_of_a_recount(owner: Client, arrive: Arrive) -> None:
    happened(arrive)
    arrive()
    arrive(subject="Lunch")
    counted()
    found = reporting.whole(reporting.asked({"days": "7"}), timezone.now())
    out = Message.objects.filter(direction=Message.Direction.OUT)
    assert found.protected == out.count() == sum(day.protected for day in found.days)
    assert found.recipients == Reader.objects.filter(message__in=out, role=Reader.Role.RECIPIENT).count()
    assert found.stored == sum(out.values_list("padded_size", flat=True))
    assert found.opened == Entry.objects.filter(kind="message.opened").count()
    assert found.of(reporting.Kind.SEALED) == {"user": found.protected}
    assert found.of(reporting.Kind.CAME) == {"protect": 2, "relay": 1}


def test_incidents_are_counted_by_their_severity_on_the_page_and_in_the_file(owner: Client, arrive: Arrive) -> None:
    about = happened(arrive).pk
    assert "Incidents reported" in words(owner.get("/admin/reports/").content)
    for severity in ("high", "low", "high", ""):
        record("incident.reported", message=about, rule="Cards", severity=severity, report="x", people=1, whole=False)
    counted()
    page = words(owner.get("/admin/reports/").content)
    assert re.search("Incidents reported, by severity .{0,80}High 2 Medium 0 Low 1 No severity 1", page)
    rows = csv.DictReader(io.StringIO(saved(owner, "figures", "csv")))
    found = {(row["brand"], row["word"]): row["number"] for row in rows if row["kind"] == "incident"}
    assert found == {("alder", "high"): "2", ("alder", "low"): "1", ("alder", ""): "1"}


def test_no_page_of_them_shows_a_whole_address_or_a_subject(owner: Client, arrive: Arrive) -> None:
    happened(arrive)
    for page in PAGES:
        text = owner.get(f"/admin/reports/{page}").content.decode()
        assert not [whole for whole in WHOLE if whole in text]
    log = owner.get("/admin/reports/log/").content.decode()
    assert "Message<wbr>Access" in log
    assert "Attachment<wbr>Download" in log
    assert "jo•••••<wbr>@" in log
    only = owner.get("/admin/reports/log/?operation=AttachmentDownload").content.decode()
    assert "<code>message.<wbr>opened</code>" not in only
    assert "<code>file.<wbr>downloaded</code>" in only


@pytest.mark.parametrize("what", ["figures", "messages", "activity"])
def test_what_is_saved_holds_no_whole_address_and_no_subject(owner: Client, arrive: Arrive, what: str) -> None:
    message = happened(arrive)
    for form in ("csv", "json"):
        text = saved(owner, what, form)
        assert not [whole for whole in WHOLE if whole in text]
        rows = list(csv.DictReader(io.StringIO(text))) if form == "csv" else json.loads(text)
        assert rows
        if what != "figures":
            assert {row["message"] for row in rows} == {str(message.pk)}
    told = Entry.objects.filter(kind="reports.exported").values_list("facts__what", "facts__format")
    assert set(told) == {(what, "csv"), (what, "json")}


def test_a_name_that_a_spreadsheet_would_run_is_a_text_in_the_file(owner: Client) -> None:
    Tally.objects.create(day=timezone.localdate(), kind="template", brand="alder", word="=cmd|' /c calc'!A1", number=1)
    assert "'=cmd|" in saved(owner, "figures", "csv")


def test_a_withdrawn_message_says_so_and_one_domain_of_two_people_is_not_named(owner: Client, arrive: Arrive) -> None:
    message = happened(arrive)
    text = owner.get("/admin/reports/messages/").content.decode()
    assert "<bdi>aldervalley.example</bdi>" in text, "our own domain"
    assert "mail.example" not in text
    withdrawing.withdraw(message.pk, "wrong")
    assert "Withdrawn" in owner.get("/admin/reports/messages/").content.decode()
    rule = owner.get("/admin/reports/messages/?method=rule").content.decode()
    assert str(message.pk) not in rule


@pytest.mark.parametrize(
    "period",
    ["days=8", "days=x", "from=2026-11-20&to=2026-11-01", "from=0001-01-01", "from=x", "from=2001-01-01&to=2026-01-01"],
)
def test_a_period_that_makes_no_sense_is_said_and_the_last_thirty_days_are_shown(owner: Client, period: str) -> None:
    for page in PAGES:
        answer = owner.get(f"/admin/reports/{page}?{period}")
        assert answer.status_code == 422
        assert "These are the last 30." in answer.content.decode()


def test_a_period_is_whole_days_and_stands_in_the_address() -> None:
    today = date(2026, 11, 26)
    assert reporting.asked({}, today).query() == "days=30"
    week = reporting.asked({"days": "7", "brand": "alder"}, today)
    assert (week.since, week.until) == (date(2026, 11, 20), today)
    own = reporting.asked({"from": "2026-10-01", "to": "9999-12-31"}, today)
    assert (own.since, own.until, own.query()) == (date(2026, 10, 1), today, "from=2026-10-01&to=2026-11-26")
    assert reporting.month_before(today) == reporting.Asked(date(2026, 10, 1), date(2026, 10, 31))


def test_a_brand_has_figures_of_its_own(owner: Client, arrive: Arrive) -> None:
    happened(arrive)
    assert reporting.figures(reporting.asked({"brand": "alder"}), timezone.now()).protected == 1
    assert reporting.figures(reporting.asked({"brand": "harbour"}), timezone.now()).protected == 0


def test_old_figures_are_no_figures(owner: Client, arrive: Arrive) -> None:
    happened(arrive)
    assert "1 protected message in 30 days." in owner.get("/admin/").content.decode()
    Entry.objects.create(at=timezone.now() - timedelta(hours=1), kind="message.opened", facts={})
    from portal.operations import tallying

    tallying.run(timezone.now())
    text = owner.get("/admin/").content.decode()
    assert "No data since" in text
    assert "protected message in" not in text


def test_a_chart_says_the_same_in_a_table() -> None:
    made = charts.columns("x", "Title", "Says", ["a", "b"], [("One", [3, 0]), ("Two", [1, 4])], head="Day")
    assert made.rows == (("a", 3, 1), ("b", 0, 4))
    assert made.most == 5
    assert sum(bar.height for bar in made.bars) == pytest.approx(charts.HEIGHT * 8 / 5, abs=0.1)
    assert [charts.nice(number) for number in (0, 1, 3, 6, 11, 1204)] == [1, 1, 5, 10, 20, 2000]


def test_the_monthly_mail_goes_once_to_whoever_wants_it_and_names_nobody(owner: Client, arrive: Arrive) -> None:
    happened(arrive)
    person = Person.objects.get(role=Person.Role.OWNER)
    assert people.address_of(person)
    today = timezone.localdate()
    next_month = (today.replace(day=28) + timedelta(days=7)).replace(day=1)
    assert owner.post("/admin/reports/mail/", {"on": "1"}).status_code == 303
    assert monthly.send(today) == 0, "the last month was over before they asked"
    assert monthly.send(next_month) == 1
    assert monthly.send(next_month) == 0
    send_due([Outbound.Kind.MONTHLY])
    row = Outbound.objects.get(kind=Outbound.Kind.MONTHLY)
    assert row.state == Outbound.State.SENT
    prepared = monthly.build(row)
    assert prepared is not None
    text = b"".join(prepared.data).decode()
    assert "Protected messages: 1" in text
    assert not [whole for whole in WHOLE if whole in text]
    change(Person.objects.filter(pk=person.pk), role=Person.Role.RULES)
    assert monthly.build(row) is None
    assert monthly.send((next_month.replace(day=28) + timedelta(days=7)).replace(day=1)) == 0
    assert Entry.objects.filter(kind="reports.mailed").count() == 1
    change(Person.objects.filter(pk=person.pk), role=Person.Role.OWNER)
    owner.post("/admin/reports/mail/", {"on": "0"})
    assert not monthly.is_wanted(person)
