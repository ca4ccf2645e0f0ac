"""`manage.py audit VERB`: the signed record, its head and key, export, verification, erasing, and grants."""

from __future__ import annotations

import sys
import uuid
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from portal.audit import erasing, exporting, guarding, verifying
from portal.audit.errors import AuditError, NothingSigned
from portal.audit.models import Head
from portal.audit.record import record
from portal.keys.service import keys
from portal.operations import record_keeping
from portal.operations.commands import sentences
from portal.operations.errors import OperationsError

_OWNS = "SELECT pg_has_role(%s, relowner, 'USAGE') FROM pg_class WHERE relname = 'audit_entry'"
REASONS = ("request", "retention", "court")


class Command(BaseCommand):
    help = "Show, export, verify and guard the record of everything that matters."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        chosen = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        chosen.add_parser("head", help="The newest signed head; who keeps it elsewhere can show later rewriting.")
        chosen.add_parser("key", help="The key that verifies heads, in one line.")
        verify = chosen.add_parser("verify", help="Hold every entry against the tree and all signed heads.")
        verify.add_argument("--head", type=Path, metavar="FILE", help="a head that was kept elsewhere")
        _export(chosen.add_parser("export", help="Write the record to a file that can be verified offline."))
        erase = chosen.add_parser("erase", help="Erase who and how from all entries about a reader.")
        erase.add_argument("reader", type=uuid.UUID, nargs="+", metavar="READER", help="ids, as manage.py trace shows")
        erase.add_argument("--reason", choices=REASONS, required=True)
        grant = chosen.add_parser("grant", help="Let a PostgreSQL role add to the record and never change it.")
        grant.add_argument("role")

    def handle(self, *_: object, **options: Any) -> None:
        verbs = {"head": _head, "key": _key, "verify": _verify, "export": _write, "erase": _erase, "grant": _grant}
        with sentences():
            lines, status = verbs[options["verb"]](options)
        for line in lines:
            self.stdout.write(line)
        if status:
            sys.exit(status)


Answer = tuple[list[str], int]


def _export(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--format", choices=exporting.FORMATS, default="jsonl", help="the default, jsonl, proves itself"
    )
    parser.add_argument("--since", type=_moment, metavar="TIME", help="entries from then on, like 2026-11-01")
    parser.add_argument("--until", type=_moment, metavar="TIME", help="entries before then")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a file that does not exist yet")


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"“{text}” is no time like 2026-11-01 or 2026-11-01T08:30:00Z.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _head(_: dict[str, Any]) -> Answer:
    newest = Head.objects.order_by("-size").first()
    if newest is None:
        raise NothingSigned
    return [newest.note.rstrip("\n")], 0


def _key(_: dict[str, Any]) -> Answer:
    return [record_keeping.key_line()], 0


def _verify(options: dict[str, Any]) -> Answer:
    kept = options["head"].read_text() if options["head"] else ""
    found = verifying.verify(keys().head_signer().public, kept)
    if found.faults:
        return [*found.faults, "The record was changed. Compare it with an export or a backup from before."], 1
    heads = "1 signed head" if found.heads == 1 else f"{found.heads:,} signed heads"
    said = [f"{_entries(found.entries)} and {heads}: all as recorded."]
    if found.erased:
        said.append(f"Of {_entries(found.erased)} the personal part was erased; what is left is as recorded.")
    if found.waiting:
        said.append(f"Not signed yet: {_entries(found.waiting)}.")
    return said, 0


def _write(options: dict[str, Any]) -> Answer:
    path: Path = options["out"]
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            written = exporting.export(
                file, options["format"], record_keeping.key_line(), options["since"], options["until"]
            )
    except FileExistsError:
        raise OperationsError(f"{path} exists already. Name a new file.") from None
    except AuditError:
        path.unlink()
        raise
    record("audit.exported", entries=written, format=options["format"])
    return [f"{_entries(written)} written to {path}."], 0


def _erase(options: dict[str, Any]) -> Answer:
    done = erasing.erase(options["reader"], options["reason"])
    return [f"Who and how was erased from {_entries(done)}."], 0 if done else 1


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number:,} entries"


def _grant(options: dict[str, Any]) -> Answer:
    if connection.vendor != "postgresql":
        raise OperationsError("Only PostgreSQL has roles. SQLite's file is guarded by triggers and by its owner alone.")
    tables = connection.introspection.table_names()
    with connection.cursor() as cursor:
        cursor.execute(_OWNS, [options["role"]])
        if cursor.fetchone()[0]:
            raise OperationsError("This role owns the record's tables, so nothing can be kept from it. Name another.")
        for statement in guarding.grants(options["role"], tables):
            cursor.execute(statement)
    return [f"{options['role']} may use everything, and only add to the record. Put it in LETTERLOCK_DATABASE_URL."], 0
