"""Ways in which passcodes fail elsewhere: loops, races, restarts, and times that differ from what is said."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from branding.models import Brand
from portal.access import cookies, models, passcodes
from portal.access.models import Asked, Challenge, Failed, Session
from portal.audit.models import Entry
from portal.vault import readers
from portal.vault.models import Reader
from tests.access.visitors import Clock, Visitor, code_in, mails, newest_code, other_than, words
from tests.servers import Redis

ROOT = Path(__file__).resolve().parent.parent.parent


def test_a_loop_of_asking_and_guessing_ends_at_the_budget_whatever_browser_and_network(
    brand: Brand, reader: Reader, clock: Clock
) -> None:
    began = clock.moment
    turn = 0
    while clock.moment - began < timedelta(hours=23):
        turn += 1
        stranger = Visitor(brand)  # a new browser in a new network each time
        stranger.client.defaults["REMOTE_ADDR"] = f"10.{turn % 250}.{turn // 250}.9"
        if stranger.ask(reader).status_code == 303:
            wrong = other_than(Challenge.objects.latest("id").code())
            for _ in range(7):
                stranger.enter(reader, wrong)
        clock.forward(minutes=20)
    assert turn > 60
    assert Asked.objects.count() <= 12
    assert Failed.objects.count() == 30
    assert not Session.objects.exists()
    hours = [began + timedelta(minutes=minute) for minute in range(0, 23 * 60, 10)]
    assert max(Failed.objects.filter(at__gt=h, at__lte=h + timedelta(hours=1)).count() for h in hours) <= 10


def test_the_life_that_is_said_is_the_life_that_is_kept(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    clock.moment = clock.moment.replace(hour=14, minute=2, second=0, microsecond=0)
    visitor.ask(reader)
    challenge = Challenge.objects.get()
    assert challenge.expires_at - challenge.sent_at == models.LIFE == timedelta(minutes=15)
    part = mails()[0].get_body(("plain",))
    assert part is not None
    assert "It works until 14:17 UTC (15 minutes)" in " ".join(part.get_content().split())
    assert "It works until 14:17." in words(visitor.see(reader))
    clock.forward(minutes=14, seconds=59)
    assert challenge.refusal(clock.moment) is None
    clock.forward(seconds=1)
    assert challenge.refusal(clock.moment) is not None


def test_the_mail_says_another_life_when_there_is_another(
    visitor: Visitor, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passcodes, "LIFE", timedelta(minutes=10))
    visitor.ask(reader)
    (mail,) = mails()
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        assert "(10 minutes)" in part.get_content()


def test_the_digits_open_the_preheader_and_stand_together(visitor: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    (mail,) = mails()
    html = mail.get_body(("html",))
    assert html is not None
    body = html.get_content().partition("<body")[2]
    first = re.search(r">\s*([^<\s][^<]*)<", body)
    assert first is not None
    assert first[1].startswith(f"{code_in(mail)} is your passcode. It works until ")
    assert body.count(code_in(mail)) == 2


def test_no_title_and_no_address_of_a_page_tells_a_code_or_a_mailbox(
    visitor: Visitor, reader: Reader, clock: Clock
) -> None:
    link = readers.link_of(reader)
    visitor.ask(reader)
    code = newest_code()
    pages = [visitor.see(reader), visitor.enter(reader, other_than(code)), visitor.ask(reader)]
    pages += [visitor.get(f"/m/{link}"), visitor.get("/m/"), visitor.find("jonas.berg@mail.example")]
    pages += [visitor.post("/m/", address="jonas.berg@"), visitor.enter(reader, code), visitor.get("/settings/")]
    for page in pages:
        titles = re.findall(r"<title>(.*?)</title>", page.content.decode(), re.DOTALL)
        addresses = [*re.findall(r'(?:href|action|src)="([^"]*)"', page.content.decode()), page.get("Location", "")]
        for told in (*titles, *addresses):
            assert not re.search(rf"{code}|jonas|mail\.example|%40|@", told), told
        assert page["Referrer-Policy"] == "same-origin"
    assert Session.objects.exists()


PROGRAM = """
import os, sys
data, database, broker, browser, *codes = sys.argv[1:]
os.environ.update(LETTERLOCK_DATA=data, LETTERLOCK_DATABASE_URL=database, LETTERLOCK_BROKER_URL=broker)
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
import django; django.setup()
from portal.access import passcodes
from portal.access.errors import AccessError
from portal.vault.models import Reader
reader = Reader.objects.select_related("message__brand").get()
here = passcodes.Browser(bytes.fromhex(browser))
for code in codes:
    try: passcodes.check(reader.message.brand, reader, here, code)
    except AccessError as error: print(type(error).__name__)
    else: print("in")
try: passcodes.ask(passcodes.Claim.of_reader(reader), here)
except AccessError as error: print(type(error).__name__)
else: print("sent")
"""


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
def test_budgets_survive_a_restart_and_a_flush_of_redis(brand: Brand, reader: Reader, redis: Redis) -> None:
    import redis as client

    visitor = Visitor(brand)
    visitor.ask(reader)
    code = newest_code()
    for _ in range(4):
        visitor.enter(reader, other_than(code))
    browser = cookies.digest(visitor.cookie(cookies.BROWSER)).hex()
    database = f"sqlite:///{connection.settings_dict['NAME']}"

    def restarted(*codes: str) -> list[str]:
        arguments = [str(settings.LETTERLOCK.data), database, redis.url, browser, *codes]
        program: list[Any] = [sys.executable, "-c", PROGRAM, *arguments]
        done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
        return done.stdout.split()

    Asked.objects.update(at=Asked.objects.get().at - timedelta(minutes=2))
    assert restarted() == ["sent"]
    with client.Redis(port=redis.port) as line:
        assert line.dbsize() > 0, "the wake-up went to this Redis"
        line.flushall()
        assert line.dbsize() == 0
    code = Challenge.objects.get().code()
    assert restarted(other_than(code), code) == ["PasscodeDead", "PasscodeDead", "TooManyTries"]
    assert Failed.objects.count() == 5
    assert Asked.objects.count() == 2
    assert Entry.objects.filter(kind="recipient.confirmed").count() == 0
