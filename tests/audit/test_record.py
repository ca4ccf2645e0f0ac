"""The signed record: it grows in batches, proves itself offline, and shows every change that anyone makes to it."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from portal.audit import erasing, exporting, heads, leaves, merkle, proving, sequencing, verifying
from portal.audit.errors import AuditError, HeadRefused
from portal.audit.models import Block, Entry, Head, Leaf, Tree
from portal.audit.record import Event, record, record_each
from portal.keys.service import keys
from portal.operations import record_keeping
from portal.operations.tasks import sequence as task
from tests.servers import ROOT

pytestmark = pytest.mark.django_db
READER, OTHER = uuid.uuid4(), uuid.uuid4()
NOW = datetime(2026, 11, 17, 14, 48, tzinfo=UTC)


def add(number: int = 1, reader: uuid.UUID = READER) -> None:
    record_each(Event("message.opened", uuid.uuid4(), reader, {"first": index == 0}) for index in range(number))


def sequence(now: datetime = NOW, batch: int = sequencing.BATCH) -> int:
    return sequencing.sequence(now, "secure.example.org/audit", keys().head_signer(), batch)


def public() -> bytes:
    return keys().head_signer().public


def found(kept: str = "") -> list[str]:
    return verifying.verify(public(), kept).faults


@pytest.fixture
def _guards() -> None:
    """Verification says when the database's guards are gone; in a test's database they are."""
    from portal.audit import guarding

    guarding.install(connection)
    yield  # type: ignore[misc]
    guarding.remove(connection)


guards = pytest.mark.usefixtures("_guards")


def test_what_is_recorded_becomes_part_of_the_tree_and_its_head_is_signed() -> None:
    add(3)
    assert sequence() == 3
    head = heads.read(Head.objects.get().note, public())
    hashes = [merkle.leaf_hash(sequencing.data_of(entry)) for entry in Entry.objects.order_by("id")]
    assert (head.origin, head.size, head.root) == ("secure.example.org/audit", 3, merkle.root(hashes))
    assert sequence() == 0
    assert Head.objects.count() == 1


def test_batches_follow_one_another_and_every_proof_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencing, "BLOCK", 4)
    monkeypatch.setattr(proving, "BLOCK", 4)
    added = []
    for number in (1, 6, 4, 12):
        add(number)
        while count := sequence(batch=5):
            added.append(count)
    assert added == [1, 5, 1, 4, 5, 5, 2]
    assert Block.objects.count() == 5
    signed = {head.size: heads.read(head.note, public()).root for head in Head.objects.all()}
    size = max(signed)
    for leaf in Leaf.objects.all():
        proof = proving.inclusion(leaf.index, size)
        assert merkle.included(bytes(leaf.hash), leaf.index, size, proof, signed[size])
    for old, root in signed.items():
        assert merkle.consistent(old, root, size, signed[size], proving.consistency(old, size))


def test_an_entry_whose_transaction_ends_late_is_not_forgotten() -> None:
    add(3)
    late = Entry.objects.order_by("id").first()
    assert late is not None
    with connection.cursor() as cursor:  # not committed yet: nobody else sees it
        cursor.execute("UPDATE audit_entry SET id = -id WHERE id = %s", [late.id])
    sequence()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_entry SET id = -id WHERE id = %s", [-late.id])
    assert sequence(NOW + timedelta(seconds=2)) == 1
    sequence(NOW + 2 * sequencing.LATE)
    add()
    sequence(NOW + 4 * sequencing.LATE)
    assert Tree.objects.get().settled >= late.id
    with connection.cursor() as cursor:  # later than anything should be
        cursor.execute("UPDATE audit_leaf SET entry = -1 WHERE entry = %s", [late.id])
    assert sequence(NOW + 5 * sequencing.LATE) == 0
    assert sequence(NOW + sequencing.SEARCH + timedelta(minutes=1)) == 1


@guards
def test_all_is_well_with_an_untouched_record() -> None:
    add(5)
    sequence()
    kept = Head.objects.get().note
    add(2)
    sequence()
    add(1)
    result = verifying.verify(public(), kept)
    assert (result.faults, result.entries, result.heads, result.waiting) == ([], 7, 3, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE audit_entry SET kind = 'message.sealed' WHERE id = {id}", "Entry {id} is not as it was recorded."),
        ("UPDATE audit_entry SET at = '2020-01-01 00:00:00' WHERE id = {id}", "Entry {id} is not as it was recorded."),
        ("UPDATE audit_entry SET message = NULL WHERE id = {id}", "Entry {id} is not as it was recorded."),
        ("UPDATE audit_entry SET reader = NULL WHERE id = {id}", "Entry {id} is not as it was recorded."),
        ("""UPDATE audit_entry SET facts = '{{"x":1}}' WHERE id = {id}""", "Entry {id} is not as it was recorded."),
        ("DELETE FROM audit_entry WHERE id = {id}", "Entry {id} is missing."),
        ("DELETE FROM audit_leaf WHERE entry = {id}", "Leaf 2 is missing: the next one is 3."),
    ],
)
def test_a_change_by_sql_is_found(change: str, said: str) -> None:
    add(6)
    sequence()
    third = Entry.objects.order_by("id")[2].id
    with connection.cursor() as cursor:
        cursor.execute(change.format(id=third))
    assert said.format(id=third) in found()


@pytest.mark.parametrize("kept", ["reader", "facts", "salt"])
def test_who_marks_an_entry_as_erased_cannot_have_it_say_something_else(kept: str) -> None:
    add(6)
    sequence()
    victim = Entry.objects.order_by("id")[2]
    sealed = leaves.commitment(bytes(victim.salt or b""), victim.reader, victim.facts)
    erased: dict[str, object] = {"reader": None, "facts": {}, "salt": None}
    said: dict[str, object] = {"reader": uuid.uuid4(), "facts": {"first": False}, "salt": bytes(16)}
    Entry.objects.filter(pk=victim.pk).update(sealed=sealed, **erased)
    assert [fault for fault in found() if "Entry" in fault] == []
    Entry.objects.filter(pk=victim.pk).update(**{kept: said[kept]})
    assert f"Entry {victim.pk} is marked as erased and says something all the same." in found()


def test_who_makes_leaves_and_roots_anew_cannot_make_the_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    add(6)
    sequence()
    kept = Head.objects.get().note
    victim = Entry.objects.order_by("id")[2]
    Entry.objects.filter(pk=victim.pk).update(facts={"first": True, "x": 1})
    victim.refresh_from_db()
    Leaf.objects.filter(entry=victim.pk).update(hash=merkle.leaf_hash(sequencing.data_of(victim)))
    assert "The head of 6 entries was signed over other entries than these." in found()
    # With the heads taken out as well, one that was kept elsewhere says so.
    Head.objects.all().delete()
    assert "The head that was kept elsewhere was signed over other entries than these." in found(kept)


def test_entries_cut_off_the_end_are_missed() -> None:
    add(6)
    sequence()
    kept = Head.objects.get().note
    Entry.objects.all().delete()
    Leaf.objects.filter(index__gte=3).delete()
    Head.objects.all().delete()
    assert any("kept elsewhere speaks of more entries" in sentence for sentence in found(kept))


def test_what_was_signed_by_another_key_is_refused() -> None:
    add()
    sequence()
    note = Head.objects.get().note
    for changed in (note.replace("\n1\n", "\n2\n"), note.replace("audit\n", "other\n"), note[:-40], "", "x\n\ny"):
        with pytest.raises(HeadRefused):
            heads.read(changed, public())
    with pytest.raises(HeadRefused, match="another key"):
        heads.read(note, bytes(31) + b"\1")


@guards
def test_erasing_takes_who_and_how_and_leaves_the_tree_whole() -> None:
    add(3)
    add(2, OTHER)
    sequence()
    assert erasing.erase([READER], "request") == 3
    sequence()
    result = verifying.verify(public())
    assert (result.faults, result.erased) == ([], 3)
    assert not Entry.objects.filter(reader=READER).exists()
    erased = Entry.objects.order_by("id")[0]
    assert (erased.facts, erased.salt) == ({}, None)
    assert Entry.objects.get(kind="audit.erased").facts == {"entries": 3, "reason": "request"}
    # What is left of an erased entry is still proved.
    from portal.audit import guarding

    guarding.remove(connection)
    Entry.objects.filter(pk=erased.pk).update(kind="message.sealed")
    assert f"Entry {erased.id} is not as it was recorded." in found()


def run_tool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "tools" / "verify_audit.py", *arguments], capture_output=True, text=True
    )


def test_an_export_proves_itself_offline_and_each_change_is_found(tmp_path: Path) -> None:
    add(5)
    sequence()
    kept, old = tmp_path / "kept.txt", tmp_path / "old.txt"
    kept.write_text(Head.objects.get().note)
    add(4, OTHER)
    erasing.erase([READER], "court")
    sequence()
    path = tmp_path / "record.jsonl"
    said = io.StringIO()
    call_command("audit", "export", out=path, stdout=said)
    key = record_keeping.key_line()
    assert said.getvalue() == f"10 entries written to {path}.\n"
    assert Entry.objects.filter(kind="audit.exported").exists()
    good = run_tool(path, "--key", key, "--head", kept)
    assert (good.returncode, good.stdout.split(" as ")[0]) == (0, "All 10 entries are"), good

    lines = path.read_text().splitlines()

    def broken(change: str, lines: list[str], *more: str | Path) -> None:
        old.write_text("\n".join(lines))
        result = run_tool(old, *more)
        assert result.returncode == 1, (change, result)

    entry = json.loads(lines[7])
    for name, value in {
        "kind": "message.sealed",
        "at": "2020",
        "reader": None,
        "facts": {},
        "index": 1,
        "proof": [],
    }.items():
        broken(name, [*lines[:7], json.dumps(entry | {name: value}), *lines[8:]])
    broken("taken out", [*lines[:3], *lines[4:]], "--head", kept)
    broken("twice", [*lines, lines[1]])
    broken("head", [lines[0].replace("\\n10\\n", "\\n9\\n"), *lines[1:]])
    another = heads.key_line("secure.example.org/audit", bytes(31) + b"\1")
    assert run_tool(path, "--key", another).returncode == 1
    old.write_text("{}")
    assert run_tool(old).returncode == 2
    assert "Of 5 of them it does not say who and how" in good.stdout, good.stdout


def test_an_export_that_says_more_than_was_signed_is_refused(tmp_path: Path) -> None:
    add(3)
    sequence()
    out, path = io.StringIO(), tmp_path / "forged.jsonl"
    exporting.export(out, "jsonl", record_keeping.key_line(), None, None)
    lines, key = out.getvalue().splitlines(), record_keeping.key_line()

    def told(*lines: str, key: str = key) -> int:
        path.write_text("\n".join(lines) + "\n")
        return run_tool(path, *(("--key", key) if key else ())).returncode

    def forged(before: str, after: str) -> list[str]:
        assert before in lines[2]
        return [*lines[:2], lines[2].replace(before, after, 1), *lines[3:]]

    assert told(*lines) == 0
    assert told(*lines, key="") == 3  # by its own word alone
    kind, facts = '"kind":', '"facts":{'
    assert told(*forged(kind, '"kind":"message.withdrawn","kind":')) == 2  # some programs read the first
    assert told(*forged(facts, '"facts":{"by":"somebody else"},"facts":{')) == 2
    assert told(*forged(kind, '"note":"approved by the board","kind":')) == 2
    assert told(*forged(kind, '"sealed":null,"kind":')) == 2
    assert told(lines[0].replace("{", '{"checked":"by the auditor",', 1), *lines[1:]) == 2
    assert told(lines[0], lines[2], lines[1], lines[3]) == 1
    entry = json.loads(lines[2])
    assert told(*lines[:2], json.dumps(entry | {"index": True}), lines[3]) == 1
    stretched = [base64.b64encode(base64.b64decode(entry["proof"][0]) + b"x").decode(), *entry["proof"][1:]]
    assert told(*lines[:2], json.dumps(entry | {"proof": stretched}), lines[3]) == 1
    # A text may hold what only some call a line end; the record has such facts of rules' names.
    assert told(*lines[:2], lines[2] + "\u2028", lines[3]) == 2


def test_a_part_of_the_record_proves_itself_too(tmp_path: Path) -> None:
    add(3)
    Entry.objects.filter(kind="message.opened").update(at=NOW - timedelta(days=9))
    add(2)
    sequence()
    out = io.StringIO()
    since = timezone.now() - timedelta(days=1)
    assert exporting.export(out, "jsonl", record_keeping.key_line(), since, None) == 2
    path = tmp_path / "part.jsonl"
    path.write_text(out.getvalue())
    assert run_tool(path).stdout.startswith("2 of 5 entries are as")


def test_csv_and_cef_hold_the_same_entries() -> None:
    add(2)
    record("message.damaged", message=uuid.uuid4(), reason="a=b|c\nd")
    sequence()
    table, lines = io.StringIO(), io.StringIO()
    exporting.export(table, "csv", "", None, None)
    exporting.export(lines, "cef", "", None, None)
    assert table.getvalue().split("\r\n")[0] == "id,at,kind,message,reader,facts"
    assert table.getvalue().count("\r\n") == 4
    written = lines.getvalue().splitlines()
    assert len(written) == 3
    assert written[0].startswith("CEF:0|Letterlock|Letterlock|1|message.opened|message.opened|2|rt=")
    assert written[2].split("|")[6] == "6"
    assert written[2].endswith('msg={"reason": "a\\=b|c\\\\nd"}')


def test_nothing_is_exported_before_anything_was_signed() -> None:
    with pytest.raises(AuditError, match="Nothing was signed yet"):
        exporting.export(io.StringIO(), "jsonl", "", None, None)


def test_old_heads_are_kept_one_an_hour() -> None:
    for minutes in (0, 10, 20, 70, 300):
        add()
        sequence(NOW + timedelta(minutes=minutes))
    assert sequencing.thin_heads(NOW + timedelta(minutes=300)) == 2
    assert list(Head.objects.order_by("size").values_list("size", flat=True)) == [2, 4, 5]


def test_the_task_signs_under_the_public_host() -> None:
    add()
    task()
    assert heads.read(Head.objects.get().note, public()).origin == record_keeping.origin()
    assert heads.read_key(record_keeping.key_line()) == (record_keeping.origin(), public())


def test_verify_by_command_says_what_is_wrong_and_fails() -> None:
    add(2)
    sequence()
    Entry.objects.filter(pk=Entry.objects.order_by("id")[0].pk).update(kind="message.sealed")
    said = io.StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("audit", "verify", stdout=said)
    assert "is not as it was recorded." in said.getvalue()
