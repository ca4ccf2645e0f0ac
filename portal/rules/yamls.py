"""Rules as YAML, for people and version control: read without anything that could run, refer or grow."""

from __future__ import annotations

from typing import Any

import yaml

from portal.rules.document import Document
from portal.rules.errors import BadRules, Problem
from portal.rules.limits import MOST_DOCUMENT_BYTES, MOST_TREE
from portal.rules.shortening import short

_MOST_EVENTS = 400_000
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where the wheel has it, which is ten times as fast."""


class _Loader(yaml.SafeLoader):
    """Values and nothing else; a day stays a text, and a key that is there twice is an error, not the last one."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str) and type(key) is not bool:
            raise _bad("every name in it must be a word")
        # YAML 1.1 reads a bare on, off, yes and no as true and false.
        name = key if isinstance(key, str) else ("on" if key else "off")
        if name in found:
            raise _bad(f"“{name[:60]}” stands twice in one mapping (line {key_node.start_mark.line + 1})")
        found[name] = loader.construct_object(value_node, deep=True)
    return found


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: str(node.value))


def _bad(sentence: str) -> BadRules:
    return BadRules([Problem((), f"The file cannot be used: {sentence}.")])


def read(text: bytes) -> Any:
    """The document in a file, not checked yet.

    Raises BadRules: too large, no YAML, anchors and aliases, tags, or too deep.
    """
    if len(text) > MOST_DOCUMENT_BYTES:
        raise _bad(f"it may have at most {MOST_DOCUMENT_BYTES >> 10:,} KiB")
    try:
        written = text.decode("utf-8-sig")
        _look(written)
        found = yaml.load(written, Loader=_Loader)  # noqa: S506 (a subclass of the safe loader)
    except UnicodeDecodeError:
        raise _bad("it is not UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise _bad(f"it is not YAML that can be read{where}") from None
    except (RecursionError, ValueError):
        raise _bad("it is not YAML that can be read") from None
    return _states(found)


def _look(written: str) -> None:
    """Refuse what could grow or refer, before anything is built."""
    depth = 0
    for number, event in enumerate(yaml.parse(written, Loader=_PARSER)):
        if number > _MOST_EVENTS:
            raise _bad("it has too many values")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _bad("it may hold no anchors and aliases; write things out")
        if getattr(event, "tag", None):
            raise _bad("it may hold no tags (!)")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MOST_TREE:
                raise _bad(f"it may be at most {MOST_TREE} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _states(found: Any) -> Any:
    """`state: off` is read as false."""
    if isinstance(found, dict) and isinstance(found.get("rules"), list):
        for rule in found["rules"]:
            if isinstance(rule, dict) and type(rule.get("state")) is bool:
                rule["state"] = "on" if rule["state"] else "off"
    return found


class _Writer(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def written(document: Document) -> str:
    """A checked document as YAML, without what is as it is anyway."""
    return yaml.dump(short(document), Dumper=_Writer, sort_keys=False, allow_unicode=True, width=110)
