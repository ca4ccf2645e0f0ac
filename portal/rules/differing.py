"""Two rule sets compared, rule by rule, in sentences; and the changes of two people joined."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, ndiff

from portal.rules import own_kinds, yamls
from portal.rules.document import Document, Rule
from portal.rules.models import Version
from portal.rules.own_kinds import Kind
from portal.rules.sentences import sentence

MOST_LINES = 12
MOST_VERSIONS = 30
"""So far back it is looked for who changed a rule last."""


@dataclass(frozen=True)
class Difference:
    """One thing that differs. `what` is "added", "removed", "changed" or "moved" of a rule, "kind added", "kind
    removed" or "kind changed" of an own kind of sensitive information, "mode", or "types" for their order; `id` and
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
    found += _kinds(old["types"], new["types"])
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


def _kinds(old: Sequence[Kind], new: Sequence[Kind]) -> list[Difference]:
    before, after = {one["slug"]: one for one in old}, {one["slug"]: one for one in new}
    found = []
    for slug, kind in after.items():
        if slug not in before:
            found.append(Difference("kind added", slug, kind["name"], "", own_kinds.told(kind)))
        elif kind != before[slug]:
            found.append(Difference("kind changed", slug, kind["name"], *_both_kinds(before[slug], kind)))
    found += [
        Difference("kind removed", slug, kind["name"], own_kinds.told(kind), "")
        for slug, kind in before.items()
        if slug not in after
    ]
    if not found and list(old) != list(new):
        found.append(Difference("types", "", "", ", ".join(before), ", ".join(after)))
    return found


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
    return _lines_of_both({"rules": [old]}, {"rules": [new]})


def _both_kinds(old: Kind, new: Kind) -> tuple[str, str]:
    before, after = own_kinds.told(old), own_kinds.told(new)
    if old["name"] != new["name"]:
        before, after = f"“{old['name']}” {before}", f"“{new['name']}” {after}"
    if before != after:
        return before, after
    return _lines_of_both({"types": [own_kinds.ordered(old)]}, {"types": [own_kinds.ordered(new)]})


def _lines_of_both(old: Document, new: Document) -> tuple[str, str]:
    empty = {"format": 1, "mode": "first", "types": [], "rules": []}
    before, after = (yamls.written({**empty, **one}).splitlines() for one in (old, new))
    lines = list(ndiff(before, after))
    return _only(lines, "- "), _only(lines, "+ ")


def _only(lines: Sequence[str], mark: str) -> str:
    found = [line[2:].strip() for line in lines if line.startswith(mark)]
    return "\n".join(found[:MOST_LINES] + (["…"] if len(found) > MOST_LINES else []))


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
    """A draft with what became live since it was begun; where both changed a rule or a kind, the draft's stays."""
    return {
        **draft,
        "mode": draft["mode"] if draft["mode"] != base["mode"] else live["mode"],
        "types": _merged(base["types"], live["types"], draft["types"], "slug"),
        "rules": _merged(base["rules"], live["rules"], draft["rules"], "id"),
    }


def _merged(base: Sequence[Rule], live: Sequence[Rule], draft: Sequence[Rule], key: str) -> list[Rule]:
    was, lives = {one[key]: one for one in base}, {one[key]: one for one in live}
    found = []
    for one in draft:
        if one != was.get(one[key]):
            found.append(one)
        elif one[key] in lives:
            found.append(lives[one[key]])
    there = {one[key] for one in found}
    return found + [one for id_, one in lives.items() if id_ not in was and id_ not in there]


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
