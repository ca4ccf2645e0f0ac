"""`manage.py rules …`: see, try, import, export, publish and go back; the rules that decide on every mail."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.directory import membership
from portal.ingest import knowing
from portal.mime.names import safe_file_name
from portal.operations.commands import sentences
from portal.rules import counting, deciding, publishing, replaying, sanity, trying, yamls
from portal.rules.compiling import RuleSet, compiled
from portal.rules.contents import Attachment
from portal.rules.limits import MOST_DOCUMENT_BYTES
from portal.rules.models import Version
from portal.rules.sentences import sentence

_MOST_MAIL = 150 << 20


class Command(BaseCommand):
    help = "The mail-flow rules: list, show, test on a mail, replay, import and export as YAML, publish, go back."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        chosen = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        chosen.add_parser("list", help="Each rule as a sentence, with its state and how often it spoke in 7 days.")
        chosen.add_parser("versions", help="All versions that were published.")
        shown = chosen.add_parser("show", help="One rule in full, as YAML.")
        shown.add_argument("name", metavar="RULE", help="its id or name")
        test = chosen.add_parser("test", help="What the rules make of a mail. Nothing is sent, stored or counted.")
        test.add_argument("file", type=Path, metavar="FILE.eml")
        test.add_argument("--from", dest="sender", metavar="A", help="envelope sender; else the From header")
        test.add_argument(
            "--to", dest="recipients", metavar="B", nargs="+", action="extend", help="recipients; else To"
        )
        test.add_argument("--rules", type=Path, metavar="FILE.yaml", help="these rules in place of the live ones")
        test.add_argument("--untrusted", action="store_true", help="as if it came from a stranger")
        replay = chosen.add_parser("replay", help="What other rules would have made of the last day's mail.")
        replay.add_argument("file", type=Path, metavar="FILE.yaml")
        replay.add_argument("--hours", type=int, default=24, metavar="N")
        _file(chosen.add_parser("import", help="Publish the rules of a YAML file."))
        exported = chosen.add_parser("export", help="The live rules, or an old version's, as YAML.")
        exported.add_argument("--version", dest="number", type=int, metavar="N")
        back = chosen.add_parser("rollback", help="Publish an old version anew; 0 are the built-in rules.")
        back.add_argument("number", type=int, metavar="N")
        for state, words in (("on", "Do what a rule orders."), ("off", "Leave it out."), ("log", "Only note it.")):
            chosen.add_parser(state, help=words).add_argument("name", metavar="RULE", help="its id or name")

    def handle(self, *_: object, verb: str, **options: Any) -> None:
        with sentences():
            for line in getattr(self, f"_{verb}")(options):
                self.stdout.write(line)

    def _list(self, options: dict[str, Any]) -> Iterator[str]:
        rules = _live()
        spoke = counting.hits()
        yield _title(rules)
        for number, rule in enumerate(rules.rules, 1):
            did, would = spoke.get((rule.id, False), 0), spoke.get((rule.id, True), 0)
            said = f"{did:,} times in 7 days" + (f", {would:,} only logged" if would else "")
            yield f"{number:>4}  {rule.state:<3}  {rule.id}: {rule.name}  ({said})"
            yield f"      {sentence(rule.document)}"

    def _versions(self, options: dict[str, Any]) -> Iterator[str]:
        rows = Version.objects.defer("document").order_by("-number")
        for row in rows:
            by = str(row.made_by) if row.made_by else "command line"
            yield f"{row.number:>5}  {timezone.localtime(row.made_at):%Y-%m-%d %H:%M}  {by}  {row.note}".rstrip()
        yield "    0  the built-in rules"

    def _show(self, options: dict[str, Any]) -> Iterator[str]:
        document = publishing.document_of(publishing.live_number())
        found = [one for one in document["rules"] if options["name"] in (one["id"], one["name"])]
        if not found:
            raise CommandError("There is no rule of this id or name; manage.py rules list shows them.")
        yield from (sentence(one) for one in found)
        yield yamls.written({**document, "rules": found})

    def _test(self, options: dict[str, Any]) -> Iterator[str]:
        rules = compiled(yamls.read(_read(options["rules"]))) if options["rules"] else _live()
        raw = _read(options["file"], _MOST_MAIL)
        tried = trying.Tried(options["sender"], options["recipients"], trusted=not options["untrusted"])
        facts = knowing.tried(raw, tried)
        yield _title(rules)
        for number, result in enumerate(deciding.explain(facts, rules), 1):
            mark = _mark(result)
            where = f"  [{'.'.join(map(str, result.path))}]" if result.path else ""
            yield f"{number:>4}  {mark:<12}  {result.name}: {result.words}{where}"
        yield from _outcome(deciding.decide(facts, rules, settings.LETTERLOCK.default_action))
        yield from map(_of_file, facts.contents.attachments)

    def _replay(self, options: dict[str, Any]) -> Iterator[str]:
        document = yamls.read(_read(options["file"]))
        default, hours = settings.LETTERLOCK.default_action, options["hours"]
        found = replaying.replay(document, default, hours=hours, directory=membership)
        yield (
            f"These rules would have locked {found.more:,} more of {found.looked:,} mails, and {found.fewer:,} fewer; "
            f"{found.other:,} in another way. Of {found.unsure:,} that is not known: what mail says is not kept."
        )
        for change in found.changes:
            sure = "" if change.sure else "  (not known)"
            yield f"{change.id}  {timezone.localtime(change.at):%Y-%m-%d %H:%M}  {change.was} -> {change.would}{sure}"

    def _import(self, options: dict[str, Any]) -> Iterator[str]:
        document = yamls.read(_read(options["file"]))
        rules = compiled(document)
        gone = _left_out(rules)
        if options["dry_run"]:
            sanity.check(rules)
            if gone:
                yield f"It takes out {gone}."
            yield f"{len(rules.rules):,} rules, which can be published. Nothing was changed."
            return
        if gone and not options["remove"]:
            raise CommandError(
                f"This file takes the place of all rules, and takes out {gone}. Nothing was changed. Begin with "
                "manage.py rules export and add yours, or say --remove."
            )
        expected = publishing.live_number() if options["expect"] is None else options["expect"]
        rules = publishing.publish(document, expected=expected, note=options["note"])
        yield f"Version {rules.version} with {len(rules.rules):,} rules is live; every worker has it in a few seconds."

    def _export(self, options: dict[str, Any]) -> Iterator[str]:
        number = publishing.live_number() if options["number"] is None else options["number"]
        document = compiled(publishing.document_of(number)).document
        yield f"# Rules of Letterlock, version {number}: docs/rules.md\n{yamls.written(document)}".rstrip("\n")

    def _rollback(self, options: dict[str, Any]) -> Iterator[str]:
        rules = publishing.roll_back(options["number"], expected=publishing.live_number())
        yield f"Version {rules.version} is live, with the rules of version {options['number']}."

    def _on(self, options: dict[str, Any]) -> Iterator[str]:
        yield _switched(options["name"], "on")

    def _off(self, options: dict[str, Any]) -> Iterator[str]:
        yield _switched(options["name"], "off")

    def _log(self, options: dict[str, Any]) -> Iterator[str]:
        yield _switched(options["name"], "log")


_READ = {
    "locked": "it has a password, and counts as a file that cannot be read",
    "unread": "it cannot be read",
    "partly": "{n:,} characters were read; it counts as a file that cannot be read",
    "cut": "{n:,} characters were read, and it has more",
    "read": "{n:,} characters were read",
    "empty": "it has no text of its own",
}


def _of_file(held: Attachment) -> str:
    read = _READ[held.outcome].format(n=len(held.text))
    program = "; it is a program" if held.executable else ""
    return f"  {safe_file_name(held.name, held.content_type)}: {read}{program}"


def _file(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE.yaml")
    parser.add_argument("--dry-run", action="store_true", help="only check them")
    parser.add_argument("--remove", action="store_true", help="also though live rules are not in it")
    parser.add_argument("--expect", type=int, metavar="N", help="only if version N still is the live one")
    parser.add_argument("--note", default="", metavar="TEXT", help="kept with the version")


def _left_out(rules: RuleSet) -> str:
    """Names of the live rules that these are without, built-in ones too; "" for none."""
    kept = {rule.id for rule in rules.rules}
    names = [f"“{rule.name}”" for rule in _live().rules if rule.id not in kept]
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _live() -> RuleSet:
    number = publishing.live_number()
    return compiled(publishing.document_of(number), number)


def _read(path: Path, most: int = MOST_DOCUMENT_BYTES) -> bytes:
    """One byte more than may be, so that too much is told as such."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        sys.exit(f"{path} cannot be read ({error.strerror}).")


def _title(rules: RuleSet) -> str:
    version = f"Version {rules.version}" if rules.version else "The built-in rules"
    return f"{version}; {'the first that matches decides' if rules.first_wins else 'all that match count, in order'}."


def _mark(result: deciding.Result) -> str:
    if not result.looked:
        return "not asked"
    if result.counts:
        return "matched" if result.matched else "for safety"
    return "only logged" if result.only_logged and result.matched else "no"


def _outcome(decision: Any) -> Iterator[str]:
    said = {
        "protect": "Protect it", "relay": "Pass it on", "refuse": "Refuse it", "hold": "Hold it for approval",
        "drop": "Delete it, and tell nobody",
    }  # fmt: skip
    yield f"{said[decision.action]} (rule: {decision.rule})."
    details = {
        "template": decision.imposed, "brand": decision.brand, "level": decision.level if decision.level > 1 else "",
        "open until": decision.open_until or ("for ever" if not decision.keeps_default_date else ""),
        "split": decision.split, "delivery": decision.delivery, "TLS": decision.tls,
        "copies to": ", ".join(decision.copies), "goes to": ", ".join(decision.redirect),
        "says": decision.text, "tells the sender": " / ".join(decision.words), "tags": ", ".join(decision.tags),
        "asks to approve": ", ".join(decision.approvers), "severity": decision.severity,
        "reports to": ", ".join(one for report in decision.reports for one in report.to),
        "changes": "header, subject or text" if decision.edits else "",
    }  # fmt: skip
    for name, value in details.items():
        if value and not (name == "open until" and decision.action != "protect"):
            yield f"  {name}: {value}"


def _switched(name: str, state: str) -> str:
    number = publishing.live_number()
    document = publishing.switched(publishing.document_of(number), name, state)
    rules = publishing.publish(document, expected=number, note=f"{name}: {state}")
    return f"Version {rules.version} is live; “{name}” is {state}."
