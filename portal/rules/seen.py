"""Facts of the last days' mail, kept to try other rules on: who to whom, how large, which headers; nothing it says.

They are sealed like addresses everywhere, and gone after KEPT_DAYS. A condition that looks at what is not kept cannot
be told when a rule is tried on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import cbor2
from django.utils import timezone

from portal.keys.service import keys
from portal.mime.addresses import parse_list
from portal.rules.contents import Attachment, Contents
from portal.rules.decision import Decision
from portal.rules.facts import Facts
from portal.rules.models import Seen
from portal.rules.overriding import written
from portal.rules.triggers import HEADER, has_tag

KEPT_DAYS = 3
_LABEL = "rules-seen"
_MOST_RECIPIENTS, _MOST_FILES, _MOST_HEADERS, _LONGEST = 500, 50, 200, 500
_ADDRESSES = frozenset({"from", "to", "cc"})
_VALUES = frozenset(
    {
        "auto-submitted", "content-class", "content-type", "importance", "msip_labels", "priority", "sensitivity",
        "x-autoforward", "x-autoreply", "x-ms-exchange-generated-message-source", "x-priority", "x-spam-score",
    }
)  # fmt: skip
"""Headers whose values are kept; of all others that they are there."""
_TOLD = _VALUES | _ADDRESSES
_NOT_KEPT = frozenset({"subject", "body", "file_texts", "names"})


class _Unknown:
    """What of a mail is not known from these facts, in the words of portal.rules.conditions.kind.Kind.needs."""

    def __contains__(self, needs: object) -> bool:
        if isinstance(needs, str) and needs.startswith("header:"):
            return needs.removeprefix("header:") not in _VALUES
        return needs in _NOT_KEPT


UNKNOWN = _Unknown()


def kept(id_: UUID, facts: Facts, decision: Decision) -> Seen:
    """The row of one mail. Raises key errors."""
    names = list(dict.fromkeys(name for name, _ in facts.headers if name not in _TOLD))[:_MOST_HEADERS]
    values = [(name, value[:_LONGEST]) for name, value in facts.headers if name in _VALUES]
    addresses = [(name, _addresses(value)) for name, value in facts.headers if name in _ADDRESSES]
    held = {
        "sender": facts.sender,
        "to": list(facts.recipients[:_MOST_RECIPIENTS]),
        "trusted": facts.trusted,
        "inside": list(facts.inside_domains),
        "size": facts.size,
        "refers": facts.refers_to_protected,
        "here": facts.written_here,
        "peer": facts.peer,
        "protections": list(facts.protections),
        "type": facts.content_type,
        "names": names,
        "values": [*values[:_MOST_HEADERS], *addresses[:_MOST_HEADERS]],
        "tagged": has_tag(facts.subject),
        "overrides": written(facts.subject),
        "files": [
            [file.extension[:20], file.content_type, file.size, file.executable]
            for file in facts.contents.attachments[:_MOST_FILES]
        ],
        "action": decision.action,
        "rules": [[rule.id, rule.only_logged] for rule in decision.matched[:50]],
        "version": decision.version,
    }
    return Seen(id=id_, at=timezone.now(), facts=keys().seal_field(_LABEL, id_, cbor2.dumps(held)))


def _addresses(value: str) -> str:
    return ", ".join(box.address for box in parse_list(value)[:_MOST_RECIPIENTS])


@dataclass(frozen=True)
class Past:
    """A mail of the last days: what is known of it, and what was decided."""

    id: UUID
    facts: Facts
    action: str
    rules: tuple[tuple[str, bool], ...]


def opened(row: Seen) -> Past:
    """Raises key errors."""
    held = cbor2.loads(keys().open_field(_LABEL, row.id, bytes(row.facts)))
    headers = [(name, "v=1" if name == HEADER else "") for name in held["names"]]
    words = ["secure"] if held["tagged"] else []
    subject = " ".join(f"[{word}]" for word in (*words, *held.get("overrides", ())))
    files = tuple(
        Attachment(f".{extension}" if extension else "", kind, size, executable)
        for extension, kind, size, executable in held["files"]
    )
    facts = Facts(
        subject=subject,
        headers=(*headers, *((name, value) for name, value in held["values"])),
        sender=held["sender"],
        recipients=tuple(held["to"]),
        trusted=held["trusted"],
        inside_domains=tuple(held["inside"]),
        size=held["size"],
        refers_to_protected=held["refers"],
        written_here=held["here"],
        today=row.at.date(),
        peer=held["peer"],
        protections=tuple(held["protections"]),
        content_type=held["type"],
        contents=Contents("", files),
    )
    return Past(row.id, facts, held["action"], tuple((rule, logged) for rule, logged in held["rules"]))
