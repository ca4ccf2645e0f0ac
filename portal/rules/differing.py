"""Two rule sets compared, rule by rule, in sentences; and the changes of two people joined."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, ndiff

from portal.rules import yamls
from portal.rules.document import Document, Rule
from portal.rules.models import Version
from portal.rules.sentences import sentence

MOST_LINES = 12
MOST_VERSIONS = 30
"""So far back it is looked for who changed a rule last."""


@dataclass(frozen=True)
class Difference:
    """One thing that differs. `what` is "added", "removed", "changed", "moved", "mode" or "types"; of a rule, `id` and
    `name` say which. `before` and `after` tell it in words."""

    what: str
    id: str
    name: str
    before: str
    after: str


def differences(old: Document, new: Document) -> list[Difference]:
    """What one checked rule set has that the other has not, in the order of the new one."""
    before, after = _by_id(old), _by_id(new)
    moved = _moved([one for one in before if one in after], [one for one in after if one in before])
    places_before, places_after = list(before), list(after)
    found = []
    if old["mode"] != new["mode"]:
        found.append(Difference("mode", "", "", old["mode"], new["mode"]))
    if old["types"] != new["types"]:
        found.append(Difference("types", "", "", _slugs(old), _slugs(new)))
    for id_, rule in after.items():
        if id_ not in before:
            found.append(Difference("added", id_, rule["name"], "", told(rule)))
            continue
        if rule != before[id_]:
            found.append(Difference("changed", id_, rule["name"], *_both(before[id_], rule)))
        if id_ in moved:
            places = str(places_before.index(id_) + 1), str(places_after.index(id_) + 1)
            found.append(Difference("moved", id_, rule["name"], *places))
    return found + [
        Difference("removed", id_, rule["name"], told(rule), "") for id_, rule in before.items() if id_ not in after
    ]


def told(rule: Rule) -> str:
    """A rule's sentence, and when it counts if that is not always."""
    said = [sentence(rule)]
    if rule["state"] != "on":
        said.append("It is off." if rule["state"] == "off" else "It is only logged.")
    if rule["from"]:
        said.append(f"From {rule['from']}.")
    if rule["until"]:
        said.append(f"Until {rule['until']}.")
    return " ".join(said)


def _both(old: Rule, new: Rule) -> tuple[str, str]:
    """The two in words; where these are the same, as after a change in a long list, the lines of YAML that differ."""
    before, after = told(old), told(new)
    if old["name"] != new["name"]:
        before, after = f"“{old['name']}” {before}", f"“{new['name']}” {after}"
    if before != after:
        return before, after
    lines = list(ndiff(_lines(old), _lines(new)))
    return _only(lines, "- "), _only(lines, "+ ")


def _lines(rule: Rule) -> list[str]:
    return yamls.written({"format": 1, "mode": "first", "types": [], "rules": [rule]}).splitlines()


def _only(lines: Sequence[str], mark: str) -> str:
    found = [line[2:].strip() for line in lines if line.startswith(mark)]
    return "\n".join(found[:MOST_LINES] + (["…"] if len(found) > MOST_LINES else []))


def _slugs(document: Document) -> str:
    return ", ".join(str(one["slug"]) for one in document["types"])


def _by_id(document: Document) -> dict[str, Rule]:
    return {rule["id"]: rule for rule in document["rules"]}


def _moved(before: list[str], after: list[str]) -> Collection[str]:
    """Of rules that both have, the fewest that have gone to another place."""
    if before == after:
        return ()
    stayed = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    kept = {after[block.b + n] for block in stayed for n in range(block.size)}
    return set(after) - kept


def merged(base: Document, live: Document, draft: Document) -> Document:
    """A draft with what became live since it was begun; where both changed a rule, the draft's stays."""
    was, lives = _by_id(base), _by_id(live)
    rules = []
    for rule in draft["rules"]:
        if rule == was.get(rule["id"]):
            if rule["id"] in lives:
                rules.append(lives[rule["id"]])
        else:
            rules.append(rule)
    there = {rule["id"] for rule in rules}
    rules += [rule for id_, rule in lives.items() if id_ not in was and id_ not in there]
    parts = {name: (draft if draft[name] != base[name] else live)[name] for name in ("mode", "types")}
    return {**draft, **parts, "rules": rules}


def last_changed(document: Document) -> Mapping[str, Version]:
    """The version in which each rule became what it is in this document; rules that never were published, and those
    that have been so since before the last versions that are looked at, are left out."""
    waiting = _by_id(document)
    found: dict[str, Version] = {}
    newer: Version | None = None
    for version in Version.objects.order_by("-number")[:MOST_VERSIONS].iterator(chunk_size=5):
        here = _by_id(version.document)
        for id_ in [id_ for id_, rule in waiting.items() if here.get(id_) != rule]:
            waiting.pop(id_)
            if newer is not None:  # else it is not so in the live version: it is of the draft
                found[id_] = newer
        if not waiting:
            return found
        newer = version
    if newer is not None and newer.number == 1:
        found.update(dict.fromkeys(waiting, newer))
    return found
