"""What a sender asks to be told about a delivery: the parameters of SMTP's DSN extension (RFC 3461)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Dsn:
    """One recipient's wishes, as they came and still in xtext where the RFC says so; "" where nothing was asked."""

    notify: str = ""
    """NEVER, or any of SUCCESS, FAILURE and DELAY with commas between (section 4.1), in upper case."""
    original_recipient: str = field(default="", repr=False)
    """ORCPT, like rfc822;jonas@mail.example (section 4.2)."""
    returned: str = ""
    """RET: FULL or HDRS, what of the mail a report may hold (section 4.3). The same for all recipients of a mail."""
    envelope_id: str = field(default="", repr=False)
    """ENVID, the sender's own name for this mail (section 4.4)."""
