"""docs/door.md says what the door does: its limits and what it offers are those of the code."""

from __future__ import annotations

import re

from portal.ingest.received import MAX_HOPS, MAX_PASSES
from portal.ingest.smtp import limits
from portal.mime.limits import MAX_DEPTH, MAX_HEADER_BYTES, MAX_PARTS
from tests.servers import ROOT

PAGE = (ROOT / "docs" / "door.md").read_text()


def row(name: str) -> str:
    """What the page's table of limits says of one thing."""
    found = re.search(rf"^\| {re.escape(name)} \| (.+) \|$", PAGE, re.MULTILINE)
    assert found, name
    return found[1]


def test_the_limits_are_those_of_the_code() -> None:
    assert row("sessions, in each process").startswith(f"{limits.MAX_SESSIONS:,}, and {limits.MAX_STRANGERS} from")
    assert row("one command line") == (
        f"{limits.COMMAND_BYTES:,} bytes, {limits.COMMAND_SECONDS:.0f} s ({limits.STRANGER_SECONDS:.0f} s while no "
        f"connector fits); a line that has no end after {limits.FLOOD_BYTES >> 10} KiB closes the connection"
    )
    assert row("its header, its parts").startswith(
        f"{MAX_HEADER_BYTES:,} bytes in one header, {MAX_PARTS:,} parts, {MAX_DEPTH} levels of parts"
    )
    assert (limits.MAIL_SECONDS, limits.SLOWEST, limits.DATA_SECONDS) == (600, 1024, 300)
    assert row("its time").startswith("ten minutes of waiting for it and a second more for every KiB, five minutes")
    assert row("failed logins") == (
        f"{limits.MAX_LOGIN_FAILURES} in a session, {limits.MAX_PEER_FAILURES} from one address in ten minutes"
    )
    assert row("errors, unknown commands") == f"{limits.MAX_ERRORS}, {limits.MAX_UNKNOWN}"
    assert row("commands in a row without a mail") == str(limits.MAX_IDLE_COMMANDS)


def test_circles_end_where_the_page_says() -> None:
    assert f"passed more than {MAX_HOPS} servers" in PAGE
    assert MAX_PASSES == 2
    assert "for the third time" in PAGE
