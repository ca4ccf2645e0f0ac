"""Moving a keyring to another root key while it is in use: each object sealed anew, one compare-and-swap at a time."""

from __future__ import annotations

from collections.abc import Iterator

from portal.keys.errors import KeyDestroyed, NoSuchKey, VersionConflict
from portal.keys.keyring import Keyring
from portal.keys.objects import sealed_under
from portal.keys.provider import Provider

_ATTEMPTS = 1000


def left_to_move(keyring: Keyring, to: Provider) -> list[str]:
    """The objects that are not sealed under `to` yet. Reads headers only, and asks `to` once an object."""
    return [name for name in keyring.names() if not _is_under(keyring, name, to)]


def move(keyring: Keyring, moved: Keyring, to: Provider, names: list[str]) -> Iterator[str]:
    """Seal the named objects under `to`; yields each when it is done. Safe to interrupt and to run twice or at once.

    `moved` is the same keyring with `to` as its provider. Objects that were destroyed meanwhile stay destroyed.
    """
    for name in names:
        _move_one(keyring, moved, to, name)
        yield name


def _move_one(keyring: Keyring, moved: Keyring, to: Provider, name: str) -> None:
    for _ in range(_ATTEMPTS):
        if _is_under(keyring, name, to):
            return
        try:
            version, content = keyring.read(name)
            moved.replace(name, content, expected=version)
        except (KeyDestroyed, NoSuchKey):
            return
        except VersionConflict:
            continue  # a puncture came between: what it wrote is what has to be moved
        return
    raise VersionConflict


def _is_under(keyring: Keyring, name: str, to: Provider) -> bool:
    try:
        return sealed_under(to, name, keyring.header(name))
    except (KeyDestroyed, NoSuchKey):
        return True
