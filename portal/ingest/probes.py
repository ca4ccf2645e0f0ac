"""Test mail that comes back: the doctor writes to an address of the portal's own, and its notice ends here.

The address is doctor-<32 digits>-<16 digits>@<public host>. The second number proves that the first is ours, so that no
stranger can make up an address at which mail ends without a trace.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from django.conf import settings

from portal.keys.service import keys
from portal.mime.addresses import normalise

if TYPE_CHECKING:  # the door asks whether an address has the form of one, and reads no mail
    from portal.mime.reading import Letter

RETURNED = "doctor.returned"
"""The entry of the record, about the probe's number."""
_ADDRESS = re.compile(r"doctor-([0-9a-f]{32})-([0-9a-f]{16})")


def new_address() -> tuple[UUID, str]:
    """A probe's number, and the address that only its notice comes back to."""
    number = uuid4()
    return number, f"doctor-{number.hex}-{_proof(number)}@{settings.LETTERLOCK.public_host}"


def has_form(local: str) -> bool:
    """Whether what stands before the @ is a probe's, true or forged; the door has no key to tell."""
    return _ADDRESS.fullmatch(local) is not None


def returned(letter: Letter, recipients: Sequence[str]) -> UUID | None:
    """The number of the probe whose notice this mail is; None for every other mail."""
    if len(recipients) != 1 or not any(
        name.lower() == "x-letterlock" and value.strip() == "notice" for name, value in letter.headers
    ):
        return None
    local, _, host = normalise(recipients[0]).rpartition("@")
    found = _ADDRESS.fullmatch(local)
    if found is None or host != settings.LETTERLOCK.public_host:
        return None
    number = UUID(hex=found[1])
    return number if hmac.compare_digest(_proof(number), found[2]) else None


def _proof(number: UUID) -> str:
    return keys().lookup("doctor", number.hex).hex()[:16]
