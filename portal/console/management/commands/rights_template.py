"""`manage.py rights_template list|add|set|archive|publish|export|import`: rights with a name (docs/rights.md)."""

from __future__ import annotations

import json
import sys
from argparse import BooleanOptionalAction
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.operations.commands import sentences
from portal.vault import template_editing as editing
from portal.vault import templates, usage
from portal.vault.models import RightsTemplate
from portal.vault.template_editing import TemplateChanged, TemplateRefused, Wanted
from portal.vault.templates import NAMES
from portal.vault.usage import UnknownUsage

Closes, State = RightsTemplate.Closes, RightsTemplate.State


class Command(BaseCommand):
    help = "Look at and change rights templates, which brands, rules and senders choose (docs/rights.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        verbs.add_parser("list", help="show them all")
        add = verbs.add_parser("add", help="a new one, published at once; what is not granted is refused")
        change = verbs.add_parser("set", help="change what is named, and leave the rest")
        for verb in (add, change, verbs.add_parser("archive", help="let senders choose it no more")):
            verb.add_argument("slug", help="its short name")
        verbs.add_parser("publish", help="let them choose it again").add_argument("slug", help="its short name")
        verbs.add_parser("export", help="all of them as JSON, to the standard output")
        verbs.add_parser("import", help="add and change those of an export").add_argument(
            "file", help="- for the input"
        )
        for verb in (add, change):
            verb.add_argument("--name", action="append", help="what readers are told: For the board, or de=Vorstand")
            verb.add_argument("--note", action="append", help="what it means, likewise; de= alone removes it")
            verb.add_argument(
                "--usage", help="rights by a level (viewer …), a set (encrypt-only …) or usage rights with commas"
            )
            for name in NAMES:
                verb.add_argument(f"--{name.replace('_', '-')}", dest=name, action=BooleanOptionalAction, default=None)
            verb.add_argument("--level", type=int, choices=(1, 2, 3), help="how sure of the reader (docs/assurance.md)")
            verb.add_argument(
                "--closes", metavar="WHEN", help="brand, never, a number of days or a day like 2026-12-17"
            )
            verb.add_argument(
                "--for", dest="scope", action="append", help="a domain, an address or group:NAME; all for all"
            )
            verb.add_argument("--place", type=int, metavar="N", help="0 to 1000, the lowest first")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        try:
            with sentences():
                getattr(self, f"_{verb}")(**options)
        except (TemplateRefused, UnknownUsage) as refused:
            raise CommandError(str(refused)) from None
        except TemplateChanged:
            raise CommandError(
                "Somebody else changed this template in this moment. Look at it, and try again."
            ) from None

    def _list(self, **options: Any) -> None:
        for row in templates.everyone():
            self._show(row)

    def _add(self, slug: str, **options: Any) -> None:
        self._show(editing.add(_changed(Wanted(slug), options)))

    def _set(self, slug: str, **options: Any) -> None:
        row = templates.template(slug)
        self._show(editing.change(_changed(editing.of(row), options), row.version))

    def _archive(self, slug: str, **options: Any) -> None:
        self._show(editing.set_state(slug, State.ARCHIVED))

    def _publish(self, slug: str, **options: Any) -> None:
        self._show(editing.set_state(slug, State.PUBLISHED))

    def _export(self, **options: Any) -> None:
        documents = [editing.as_document(row) for row in templates.everyone()]
        self.stdout.write(json.dumps({"rights_templates": documents}, indent=2, ensure_ascii=False))

    def _import(self, file: str, **options: Any) -> None:
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
            documents = json.loads(text)["rights_templates"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CommandError(f"This is no export of rights templates ({type(error).__name__}).") from None
        for row in editing.take_all(documents):
            self._show(row)

    def _show(self, row: RightsTemplate) -> None:
        rights = templates.rights_of(row)
        granted = ", ".join(name.replace("_", "-") for name in NAMES if getattr(rights, name)) or "reading alone"
        state = "" if row.state == State.PUBLISHED else " (archived)"
        whom = f"; for {', '.join(row.scope)}" if row.scope else ""
        self.stdout.write(f"{row.slug}{state}: “{templates.name_of(row)}”; {granted}; level {rights.level}{whom}")
        self.stdout.write(f"  usage rights: {', '.join(usage.codes_of(rights))}")


def _changed(wanted: Wanted, options: dict[str, Any]) -> Wanted:
    rights = dict(wanted.rights)
    if options["usage"]:
        rights |= {name: getattr(usage.named(options["usage"]), name) for name in NAMES}
    rights |= {name: options[name] for name in NAMES if options[name] is not None}
    scope = [one for one in options["scope"] or [] if one != "all"]
    return replace(
        wanted,
        names=_texts(wanted.names, options["name"]),
        notes=_texts(wanted.notes, options["note"]),
        rights=rights,
        level=options["level"] or wanted.level,
        scope=scope if options["scope"] else wanted.scope,
        place=wanted.place if options["place"] is None else options["place"],
        **_closing(options["closes"]),
    )


def _closing(said: str | None) -> dict[str, Any]:
    if said is None:
        return {}
    if said in (Closes.BRAND, Closes.NEVER):
        return {"closes": said}
    if said.isascii() and said.isdigit():
        return {"closes": Closes.DAYS, "open_days": int(said)}
    try:
        return {"closes": Closes.DATE, "last_day": date.fromisoformat(said)}
    except ValueError:
        raise CommandError("Messages close by the brand, never, after a number of days, or on 2026-12-17.") from None


def _texts(before: Any, said: list[str] | None) -> dict[str, str]:
    found = dict(before)
    for one in said or ():
        language, equals, text = one.partition("=")
        if not equals or language not in editing.LANGUAGES:
            language, text = "en", one
        found[language] = text
    return found
