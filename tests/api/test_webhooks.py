"""Webhooks: what is recorded is told, signed, in order, once, and until it is taken."""

from __future__ import annotations

import io
import json
import socket
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from standardwebhooks import Webhook as Receiver
from standardwebhooks import WebhookVerificationError

from portal.api import posting, telling, webhooks
from portal.api.errors import WebhookRefused
from portal.api.models import Delivery, Webhook
from portal.audit import erasing
from portal.audit.record import record
from portal.networks import may_be_dialled
from portal.operations import record_keeping

pytestmark = pytest.mark.django_db


class Program(ThreadingHTTPServer):
    """The other side: keeps what it was told and answers as it is asked to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_port}/in?key=KanarienSchluessel"

    def kinds(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.told]


class _Handler(BaseHTTPRequestHandler):
    server: Program

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append(({name.lower(): value for name, value in self.headers.items()}, body))
        status = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def program() -> Iterator[Program]:
    server = Program()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def happen(kind: str = "message.opened", **facts: Any) -> uuid.UUID:
    reader = uuid.uuid4()
    record(kind, message=uuid.uuid4(), reader=reader, **facts)
    record_keeping.sequence()
    return reader


def tell(after: timedelta = timedelta()) -> int:
    Delivery.objects.filter(state="waiting").update(due_at=timezone.now() - timedelta(seconds=1))
    return telling.tell(timezone.now() + after)


def add(program: Program, *events: str, name: str = "crm") -> tuple[Webhook, str]:
    return webhooks.add(name, program.url, events, private=True)


def test_what_is_recorded_is_told_in_order_and_verifies_with_the_secret_alone(program: Program) -> None:
    happen("message.sealed")
    _, secret = add(program)
    reader = happen(first=True)
    happen("file.downloaded", file=2)
    assert tell() == 2
    assert tell() == 0
    assert program.kinds() == ["message.opened", "file.downloaded"], "only what came after it was added"
    headers, body = program.told[0]
    told = Receiver(secret).verify(body.decode(), headers)
    assert (told["data"]["reader"], told["data"]["facts"]) == (str(reader), {"first": True})
    with pytest.raises(WebhookVerificationError):
        Receiver(secret).verify(body.decode().replace("true", "false"), headers)
    with pytest.raises(WebhookVerificationError):
        Receiver(secret).verify(body.decode(), headers | {"webhook-id": "msg_other"})


def test_only_the_kinds_that_were_asked_for_and_never_of_webhooks(program: Program) -> None:
    add(program, "message.*", "wrapper.bounced")
    for kind in ("message.opened", "wrapper.bounced", "wrapper.queued", "recipient.confirmed", "webhook.added"):
        happen(kind)
    tell()
    assert program.kinds() == ["message.opened", "wrapper.bounced"]


def test_what_is_not_taken_is_sent_again_under_the_same_id_until_it_is(program: Program) -> None:
    add(program)
    program.answers = [500, 302, 200]
    happen()
    assert [tell(), tell(), tell()] == [0, 0, 1]
    assert len({headers["webhook-id"] for headers, _ in program.told}) == 1
    assert len(program.told) == 3, "a redirect is not followed"
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.tries, delivery.answer) == ("delivered", 3, "200")


def test_it_is_given_up_after_three_days_and_can_be_sent_again(program: Program) -> None:
    add(program)
    happen()
    program.answers = [503] * (len(telling.PAUSES) + 1)
    waits = []
    for _ in range(len(telling.PAUSES) + 1):
        tell()
        waits.append(Delivery.objects.get().due_at - timezone.now())
    assert sum(telling.PAUSES, timedelta()) > timedelta(days=3)
    assert waits[1] > timedelta(minutes=4)
    assert Delivery.objects.get().state == "failed"
    assert tell() == 0
    said = io.StringIO()
    call_command("webhook", "redeliver", "crm", stdout=said)
    assert said.getvalue() == "1 delivery will be sent again at once.\n"
    assert tell() == 1
    record_keeping.sequence()
    assert tell() == 0, "that it was given up is told to nobody"


def test_one_that_is_away_holds_up_no_other(program: Program) -> None:
    add(program, name="a")
    webhooks.add("away", "http://127.0.0.1:1/", [], private=True)
    for _ in range(3):
        happen()
    assert tell() == 3
    assert Delivery.objects.filter(webhook__name="away").values_list("tries", flat=True).order_by("tries")[::1] == [
        0,
        0,
        1,
    ]


def test_switched_off_nothing_is_sent_and_nothing_forgotten(program: Program) -> None:
    hook, _ = add(program)
    webhooks.switch(hook, on=False)
    happen()
    assert tell() == 0
    webhooks.switch(hook, on=True)
    assert tell() == 1


def test_one_that_answers_gone_is_switched_off(program: Program) -> None:
    add(program)
    program.answers = [410]
    happen()
    tell()
    assert not Webhook.objects.get().on


def test_while_a_secret_changes_both_sign_and_a_day_later_only_the_new_one(program: Program) -> None:
    hook, old = add(program)
    new = webhooks.renew_secret(hook)
    happen()
    tell()
    headers, body = program.told[0]
    for secret in (old, new):
        Receiver(secret).verify(body.decode(), headers)
    hook.refresh_from_db()
    later = timezone.now() + webhooks.OLD_SECRET_FOR + timedelta(minutes=1)
    assert len(webhooks.where(hook).secrets(later)) == 1


def test_an_entry_that_was_erased_meanwhile_is_told_without_who(program: Program) -> None:
    add(program, "message.*")
    reader = happen(first=True)
    erasing.erase([reader], "request")
    tell()
    data = json.loads(program.told[0][1])["data"]
    assert (data["reader"], data["facts"]) == (None, {})


def test_an_address_of_the_own_network_is_not_reached_unless_allowed(program: Program) -> None:
    hook, _ = add(program)
    Webhook.objects.update(private=False)
    hook.refresh_from_db()
    assert telling.test(hook).answer == "its name leads into a private network"
    assert program.told == []


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "febf::1", "::ffff:169.254.169.254",
     "::169.254.169.254",
     "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::", "2001:0:a9fe:a9fe::1", "fd00:ec2::254",
     "fd20:ce::254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "::ffff:0:a9fe:a9fe", "fec0::1"],
)  # fmt: skip
def test_where_a_cloud_tells_its_passwords_is_not_reached_whatever_was_allowed(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (address, 80))])
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("It was connected to."))
    with pytest.raises(posting.NotPosted, match="link-local"):
        posting.post("http://crm.example.org/", b"{}", {}, private=True)


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "::ffff:10.0.0.1", "127.0.0.1", "::1"]
)
def test_the_own_network_is_reached_only_where_it_is_allowed(address: str) -> None:
    assert may_be_dialled(address, private=True)
    assert not may_be_dialled(address, private=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example/", "ftp://crm.example/", "https://", "https://me:secret@crm.example/", "https://a b/",
        "https://crm.example/#x", "https://crm.example:0/", "https://crm.example:x/", "https://crm.exämple/",
        "https://crm.example/" + "x" * 2000, "",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(WebhookRefused):
        webhooks.add("crm", url, [], private=False)


@pytest.mark.parametrize("event", ["", "message", "*", "message.opened.twice", "Message.opened", "a.b c"])
def test_an_event_that_is_none_is_refused(event: str) -> None:
    with pytest.raises(WebhookRefused):
        webhooks.add("crm", "https://crm.example/", [event], private=False)


def test_neither_address_nor_secret_lie_in_clear(program: Program) -> None:
    hook, secret = add(program)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM api_webhook")
        row = repr(cursor.fetchall())
    assert "KanarienSchluessel" not in row
    assert secret.removeprefix("whsec_") not in row
    assert "KanarienSchluessel" not in repr(webhooks.where(hook))


def test_the_command_from_adding_to_removing(program: Program) -> None:
    def run(*words: str) -> str:
        said = io.StringIO()
        call_command("webhook", *words, stdout=said)
        return said.getvalue().strip()

    assert "There is no webhook" in run("list")
    secret = run("add", "crm", program.url, "--event", "message.*", "--private")
    assert secret.startswith("whsec_")
    assert run("test", "crm") == "The test was taken: 204."
    Receiver(secret).verify(program.told[0][1].decode(), program.told[0][0])
    happen()
    tell()
    [shown] = [row for row in json.loads(run("deliveries", "crm", "--json")) if row["body"]["type"] != "test"]
    assert (shown["state"], shown["answer"]) == ("delivered", "204")
    assert run("redeliver", "crm", shown["id"]).startswith("1 delivery")
    listed = json.loads(run("list", "--json"))
    assert (listed[0]["waiting"], listed[0]["url"]) == (1, program.url.partition("?")[0])
    assert run("off", "crm") == "It is off."
    program.answers = [500]
    with pytest.raises(CommandError, match="not taken: 500"):
        run("test", "crm")
    assert run("on", "crm") == "It is on."
    assert run("secret", "crm") != secret
    with pytest.raises(CommandError, match="There is a webhook of this name"):
        run("add", "crm", "https://crm.example/")
    assert run("remove", "crm") == "It is removed."
    with pytest.raises(CommandError, match="There is no webhook"):
        run("test", "crm")


def test_old_deliveries_are_forgotten_but_none_that_waits(program: Program) -> None:
    add(program)
    happen()
    tell()
    program.answers = [500]
    happen()
    tell()
    assert telling.tidy(timezone.now()) == 0
    assert telling.tidy(timezone.now() + telling.KEPT + timedelta(minutes=1)) == 1
    assert Delivery.objects.get().state == "waiting"
