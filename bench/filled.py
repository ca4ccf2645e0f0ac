"""A data folder to look at through a browser's eyes, filled in a process of its own.

The argument is a JSON list of steps; printed is the JSON list of their answers. ["message"] and ["attachment", BYTES]
seal one and give the path of its page and a cookie that opens it. ["inbox", N] seals N messages to one address and
gives the inbox's path and cookie; ["office"] the same for the list of messages, and ["trace"] for
four ways to find a message. ["others", N] adds N rows of messages
and readers that nobody opens, by one statement each, and ["figures", N] what the record and its counts hold of N.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import django

Shown = list[str]


def message(html: str = "<p>Good news: the scan shows no new tear.</p>" * 20) -> Shown:
    from tests.mails import mail

    return _sealed(mail(html=html, files=[("a.txt", "text/plain", b"a" * 3000), ("b.txt", "text/plain", b"b")]))


def attachment(size: int) -> Shown:
    from tests.mails import mail

    page, cookie = _sealed(mail(files=[("scan.bin", "application/octet-stream", os.urandom(size))]))
    return [f"{page}/file/1", cookie]


def inbox(count: int) -> Shown:
    from tests import seals
    from tests.mails import mail

    made = [seals.seal(mail(f"[secure] Results, part {number}")) for number in range(count)]
    return ["/inbox/", _cookie(seals.reader_of(made[-1]))]


def office() -> Shown:
    from branding.models import Brand
    from portal.access import administrators, cookies, sessions

    person = administrators.owner("ada@aldervalley.example")
    token = sessions.begin(
        person, Brand.objects.get(is_default=True), keep=False, method="passkey", level=3, office=True
    )
    return ["/admin/messages/", f"{cookies.OFFICE}={token}"]


def trace() -> list[Shown]:
    """The office's ways to find a message: by its recipient, by its sender, by state and date, and its timeline."""
    from datetime import timedelta

    from django.utils import timezone

    from portal.access import administrators
    from portal.operations import searches
    from portal.operations.searches import Sought
    from portal.vault.models import Message, Reader
    from portal.vault.readers import address_of

    path, cookie = office()
    by = administrators.owner("ada@aldervalley.example")
    newest = Message.objects.order_by("-made_at").first()
    assert newest is not None
    Message.objects.filter(pk=newest.pk).update(state=Message.State.WITHDRAWN)
    since = (timezone.localdate() - timedelta(days=1)).isoformat()
    found = []
    for name, role in (("recipient", Reader.Role.RECIPIENT), ("sender", Reader.Role.AUTHOR)):
        address = address_of(newest.readers.filter(role=role)[0])
        found.append(f"{path}?search={searches.keep(by, Sought(**{name: address}))}")
    return [[one, cookie] for one in (*found, f"{path}?state=withdrawn&from={since}", f"{path}{newest.pk}/")]


def others(count: int) -> int:
    """Half of them older than what is there and half in between, in the same brand."""
    from django.db import connection

    from branding.models import Brand

    brand = Brand.objects.get(is_default=True).pk
    if connection.vendor == "sqlite":
        numbers = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s) "
        source, bytes32 = "numbers", "randomblob(32)"
        id_ = "printf('%%08x%%024x', 26738688, n + (SELECT count(*) FROM vault_message WHERE id LIKE '019800%%'))"
        made = "strftime('%%Y-%%m-%%d %%H:%%M:%%f000', 'now', '-' || (n / 10) || ' seconds', '-1 hour')"
    else:
        numbers, source, bytes32 = "", "generate_series(1, %s) AS numbers(n)", "sha256(random()::text::bytea)"
        id_ = "gen_random_uuid()"
        made = "now() - interval '1 hour' - n * interval '0.1 second'"
    blob = "x'00'" if connection.vendor == "sqlite" else "'\\x00'::bytea"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO vault_message (id, brand_id, direction, thread, state, made_at, rights, envelope,"  # noqa: S608 words of our own
            f" mail_id_lookup, split, padded_size, container, delivery) {numbers}"
            f"SELECT {id_}, {brand}, 'out', {id_ if connection.vendor == 'sqlite' else 'gen_random_uuid()'}, 'open',"
            f" {made}, {blob}, {blob}, {bytes32}, '', 1, {blob}, 'link' FROM {source}",
            [count],
        )
        random_id = "lower(hex(randomblob(16)))" if connection.vendor == "sqlite" else "gen_random_uuid()"
        false = "0" if connection.vendor == "sqlite" else "false"
        cursor.execute(
            f"INSERT INTO vault_reader (id, message_id, number, role, address, address_lookup, link, link_lookup,"  # noqa: S608 the same
            f" split_key, escrow, indexed) SELECT {random_id}, id, 0, 'recipient', {blob}, {bytes32}, {blob},"
            f" {bytes32}, {blob}, {blob}, {false} FROM vault_message"
            f" WHERE NOT EXISTS (SELECT 1 FROM vault_reader WHERE message_id = vault_message.id)"
        )
        if connection.vendor == "postgresql":  # by itself it does so a minute later; SQLite never does
            cursor.execute("VACUUM ANALYZE vault_message, vault_reader")
    return count


def figures(count: int) -> list[Shown]:
    """As many entries of the record over 90 days, the same number of daily counts whatever their number, and three
    pages of them."""
    from datetime import timedelta

    from django.db import connection
    from django.utils import timezone

    from portal.operations.counting import Kind
    from portal.operations.models import Tallied, Tally

    kind = "CASE n % 2 WHEN 0 THEN 'message.sealed' ELSE 'message.opened' END".replace("%", "%%")
    if connection.vendor == "sqlite":
        numbers = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s) "
        at = "strftime('%%Y-%%m-%%d %%H:%%M:%%f000', 'now', '-' || ((%s - n) * 7776000.0 / %s) || ' seconds')"
        source, id_ = "numbers", "lower(hex(randomblob(16)))"
        given = [count, count, count]
    else:
        numbers, source, id_ = "", "generate_series(1, %s) AS numbers(n)", "gen_random_uuid()"
        at = "now() - (%s - n) * (interval '90 days' / %s)"
        given = [count, count, count]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO audit_entry (at, kind, message, reader, facts) {numbers}"  # noqa: S608 words of our own
            f"SELECT {at}, {kind}, {id_}, {id_}, '{{}}' FROM {source}",
            given,
        )
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE audit_entry")
    today = timezone.localdate()
    Tally.objects.bulk_create(
        Tally(day=today - timedelta(days=day), kind=kind, brand=f"brand-{brand}", word=str(word), number=count)
        for day in range(90)
        for kind in Kind
        for brand in range(3)
        for word in range(10)
    )
    Tallied.objects.update_or_create(pk=1, defaults={"at": timezone.now()})
    cookie = office()[1]
    return [["/admin/", cookie], ["/admin/reports/?days=90", cookie], ["/admin/reports/log/", cookie]]


STEPS = {
    "message": message,
    "attachment": attachment,
    "inbox": inbox,
    "office": office,
    "trace": trace,
    "others": others,
    "figures": figures,
}


def _sealed(raw: bytes) -> Shown:
    from tests import seals

    reader = seals.reader_of(seals.seal(raw))
    return [seals.path_of(reader), _cookie(reader)]


def _cookie(reader: Any) -> str:
    from portal.access import cookies, people, sessions

    return f"{cookies.SESSION}={sessions.begin(people.of_reader(reader), reader.message.brand, keep=False)}"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    json.dump([STEPS[name](*given) for name, *given in json.loads(sys.argv[1])], sys.stdout)  # type: ignore[operator]
