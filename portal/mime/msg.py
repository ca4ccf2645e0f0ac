"""Opens .msg, the files in which Outlook saves a message (MS-OXMSG, in a compound file: MS-CFB)."""

from __future__ import annotations

import struct

from portal.mime import mapi
from portal.mime.compound import Compound
from portal.mime.errors import NotReadable
from portal.mime.mapi import Item, Properties

_LIST = "__properties_version1.0"
_STREAM = "__substg1.0_"
_MOST_STREAMS = 5000
_EMBEDDED = f"{_STREAM}{mapi.DATA:04X}{mapi.OBJECT:04X}"
# Bytes before the list: in a message, in one within it, in a file or recipient (MS-OXMSG §2.4.1).
_OF_MESSAGE, _OF_EMBEDDED, _OF_OTHERS = 32, 24, 8

Tree = dict[str, "Tree | None"]


def read(data: bytes) -> Item:
    """The message in a .msg file. Raises NotReadable."""
    if len(data) > mapi.LARGEST:
        raise NotReadable("Outlook message")
    reader = _Reader(Compound(data))
    if _LIST not in reader.tree:
        raise NotReadable("Outlook message")  # a document of Word, say
    try:
        return reader.item((), reader.tree, _OF_MESSAGE, 0)
    except (struct.error, ValueError, OverflowError, RecursionError):
        raise NotReadable("Outlook message") from None


class _Reader:
    """Reads the streams of one file."""

    def __init__(self, compound: Compound) -> None:
        self._stream = compound.stream
        self.tree: Tree = {}
        if len(compound.paths) > _MOST_STREAMS:
            raise NotReadable("Outlook message")
        for path in compound.paths:
            below = self.tree
            for name in path[:-1]:
                inner = below.setdefault(name, {})
                if inner is None:
                    raise NotReadable("Outlook message")  # a stream and a folder of one name
                below = inner
            below[path[-1]] = None

    def item(self, path: tuple[str, ...], tree: Tree, skip: int, depth: int) -> Item:
        item = Item(self._properties(path, tree, skip))
        for name in sorted(tree):
            below = tree[name]
            if below is None:
                continue
            if name.startswith("__recip_"):
                item.recipients.append(self._properties((*path, name), below, _OF_OTHERS))
            elif name.startswith("__attach_") and len(item.files) < mapi.MOST_FILES:
                self._file(item, (*path, name), below, depth)
        return item

    def _file(self, item: Item, path: tuple[str, ...], tree: Tree, depth: int) -> None:
        held = self._properties(path, tree, _OF_OTHERS)
        inner = tree.get(_EMBEDDED)
        if inner is None:
            data = held.pop(mapi.DATA, b"")
            item.files.append((held, data if isinstance(data, bytes) else b""))
        elif _LIST in inner and depth < mapi.DEEPEST:
            item.files.append((held, self.item((*path, _EMBEDDED), inner, _OF_EMBEDDED, depth + 1)))

    def _properties(self, path: tuple[str, ...], tree: Tree, skip: int) -> Properties:
        found: Properties = {}
        if _LIST in tree:
            data = self._stream((*path, _LIST))
            for place in range(skip, len(data) - 15, 16):
                kind, id_, _flags = struct.unpack_from("<HHI", data, place)
                value = mapi.fixed(kind, data[place + 8 : place + 16]) if kind in mapi.FIXED else None
                if value is not None:
                    found[id_] = value
        for name, below in tree.items():
            if below is None and name.startswith(_STREAM) and len(name) == len(_STREAM) + 8:
                id_, kind = int(name[-8:-4], 16), int(name[-4:], 16)
                if kind in (mapi.STRING8, mapi.UNICODE, mapi.BINARY) and id_ in mapi.WANTED:
                    found[id_] = mapi.variable(kind, self._stream((*path, name)))
        return found
