"""What the forms of this room post."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.http import QueryDict

from portal.access.codes import LONGEST_TYPED
from portal.mime.addresses import LONGEST


@dataclass(frozen=True)
class PasscodeForm:
    """R3. `code` as typed: the page shows it again beside an error, so that it can be compared with the mail."""

    code: str = field(repr=False)
    keep: bool

    @classmethod
    def of(cls, posted: QueryDict) -> PasscodeForm:
        return cls(posted.get("code", "")[:LONGEST_TYPED], "keep" in posted)


@dataclass(frozen=True)
class AddressForm:
    """The neutral page's."""

    address: str = field(repr=False)

    @classmethod
    def of(cls, posted: QueryDict) -> AddressForm:
        return cls(posted.get("address", "").strip()[: LONGEST + 1])
