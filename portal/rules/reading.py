"""What was read from one file, and who reads which format for the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Reading:
    """What was read from one file."""

    text: str = field(default="", repr=False)
    unreadable: bool = False
    """Nothing can be said about its text: no format that is read here, damaged, or locked."""
    truncated: bool = False
    """There is more text than was read."""
    properties: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """Of a document: title, author, keywords and the like, and its custom ones; names in lower case."""
    password_protected: bool = False
    executable: bool = False
    """It holds a program (a file of a ZIP)."""


Reader = Callable[[bytes, int, float], Reading]
"""What reads one format: the file, the most characters, the most seconds."""
readers: dict[str, Reader] = {}
"""By media type, for formats that are read in a room above (portal.reading has the sandbox); handed in at start."""
