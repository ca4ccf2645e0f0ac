"""What a mail holds, as far as rules may look into it: its body's text, and its attachments with theirs.

Nothing is read before somebody asks for it: a rule that only asks for names costs no more than names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from portal.rules.reading import Reading
from portal.rules.sensitive import Found, SensitiveType, TooLong, scan

SCAN_SECONDS = 10.0
"""Of processor time that one mail is looked through for sensitive information: megabytes of numbers take more."""


def _nothing() -> Reading:
    return Reading()


@dataclass(eq=False)
class Attachment:
    """One file of a mail, of a message within it, or of a ZIP within those. A repr shows no name and no text."""

    name: str = field(repr=False)
    content_type: str
    """By its bytes where they tell, else as the mail says."""
    size: int
    executable: bool = False
    read: Callable[[], Reading] = field(default=_nothing, repr=False)

    @cached_property
    def reading(self) -> Reading:
        return self.read()

    @property
    def extension(self) -> str:
        """In lower case, without the dot; "" for a name without one."""
        return self.name.rpartition(".")[2].lower() if "." in self.name else ""

    @property
    def text(self) -> str:
        return self.reading.text

    @property
    def unreadable(self) -> bool:
        return self.reading.unreadable

    @property
    def truncated(self) -> bool:
        return self.reading.truncated

    @property
    def password_protected(self) -> bool:
        return self.reading.password_protected

    @property
    def properties(self) -> Mapping[str, str]:
        return self.reading.properties

    @property
    def outcome(self) -> str:
        """What came of reading it: `locked`, `unread`, `partly`, `cut`, `read`, or `empty`."""
        held = self.reading
        if held.password_protected or held.unreadable:
            return "locked" if held.password_protected else "partly" if held.text else "unread"
        return "cut" if held.truncated else "read" if held.text.strip() else "empty"


class Contents:
    """A mail's body and attachments, read when first asked for and kept from then on."""

    def __init__(
        self,
        body: Callable[[], str] | str = "",
        attachments: Callable[[], tuple[Attachment, ...]] | tuple[Attachment, ...] = (),
        are_listed: Callable[[], bool] = lambda: True,
        *,
        truncated: bool = False,
        charsets: Callable[[], frozenset[str]] = frozenset,
        is_sure: Callable[[], bool] = lambda: True,
    ) -> None:
        self._body, self._attachments, self._truncated = body, attachments, truncated
        self._are_listed = are_listed
        self._charsets = charsets
        self._is_sure = is_sure
        self._found: dict[str, Found | None] = {}
        self.was_looked_through = True
        """Whether all sensitive information that was asked for was looked for in all of the text."""

    @cached_property
    def body(self) -> str:
        """The text of the mail and of the messages within it."""
        return self._body if isinstance(self._body, str) else self._body()

    @cached_property
    def charsets(self) -> frozenset[str]:
        """The names of character sets that its parts declare, in lower case."""
        return self._charsets()

    @cached_property
    def attachments(self) -> tuple[Attachment, ...]:
        """With those of messages and ZIP files within, behind what holds them."""
        return self._attachments if isinstance(self._attachments, tuple) else self._attachments()

    @cached_property
    def are_listed(self) -> bool:
        """Whether all files of all ZIPs are among the attachments: not of one with very many, or a damaged one."""
        return bool(self.attachments is not None and self._are_listed() and self.is_sure)

    @cached_property
    def is_sure(self) -> bool:
        """Whether other programs see the same text and files in it (portal.mime.unseen)."""
        return self._is_sure()

    @cached_property
    def truncated(self) -> bool:
        """Whether there is more than was read (RULES: fail closed, as if the condition held). Reads all of it."""
        return self._truncated or any(held.truncated for held in self.attachments)

    def found(
        self, names: Collection[str], own: Mapping[str, SensitiveType] = MappingProxyType({})
    ) -> Mapping[str, Found]:
        """Sensitive information in body and attachments together, by slug of its type (portal.rules.sensitive.scan)."""
        missing = [name for name in names if name not in self._found]
        if missing:
            try:
                found = scan(self._everything, missing, own, SCAN_SECONDS)
            except TooLong as cut:
                self.was_looked_through, found = False, cut.found
            self._found.update({name: found.get(name) for name in missing})
        return {name: some for name in names if (some := self._found[name]) is not None}

    @cached_property
    def _everything(self) -> str:
        return "\n\n".join([self.body, *(held.text for held in self.attachments if held.text)])

    def __repr__(self) -> str:
        return "Contents(…)"
