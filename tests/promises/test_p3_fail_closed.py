"""P3: when what protects a message is missing or broken, the message waits or is refused; it never leaves in clear."""

from __future__ import annotations

import smtplib
import time
from pathlib import Path

import pytest

from tests.loaded import Loaded
from tests.mails import JONAS, MAYA, Mailbox, link_in, mail, send, until
from tests.person import Person
from tests.promises.test_p2_no_plaintext_at_rest import files_in
from tests.servers import Portal

pytestmark = pytest.mark.servers
SECRET = "nobody may see this on the way"
QUICK = {"LETTERLOCK_DEMO": "off", "LETTERLOCK_KEY_CACHE_SECONDS": "1", "LETTERLOCK_SWEEP_SECONDS": "1"}


def keys_alone_are_ill(portal: Portal) -> bool:
    """Whether the health page says so."""
    status, states = portal.health()
    return status == 503 and states["keys"] != "ok" and states["database"] == "ok"


def leaked(portal: Portal) -> bool:
    return any(SECRET.encode() in content for _, content in files_in(portal.outbox))


def test_mail_waits_while_the_root_key_is_gone_and_goes_on_when_it_is_back(tmp_path: Path) -> None:
    with Loaded(tmp_path / "data", **QUICK) as portal:
        key, aside = portal.data / "root.key", portal.data / "root.key.aside"
        jonas = Mailbox(portal.outbox, JONAS)
        send(portal.smtp, mail("[secure] One", SECRET))
        link = link_in(jonas.wait("notice"))
        person = Person(portal.url)
        person.sign_in(link, jonas)
        key.rename(aside)
        gone = time.monotonic()
        until(lambda: keys_alone_are_ill(portal), 15, "503 from the health page for keys alone")
        # What the workers have opened they may use for as long as LETTERLOCK_KEY_CACHE_SECONDS says.
        until(lambda: time.monotonic() > gone + 1.5, 5, "end of the keys' time in memory")

        # The door needs no secret key: mail is taken, sealed, and waits.
        id_ = send(portal.smtp, mail("[secure] Two", SECRET))
        until(lambda: "root key" in (portal.trace(id_)["last_error"] or ""), 15, "reason why it waits")
        assert len(jonas.mails("notice")) == 1
        unreadable = person.get(link)
        assert unreadable.status == 503
        assert SECRET not in unreadable.text
        assert "Retry-After" in unreadable.headers

        aside.rename(key)
        until(lambda: portal.health()[0] == 200, 30, "200 from the health page")
        jonas.wait("notice", 2, seconds=40)
        assert SECRET in person.get(link).text
        assert not leaked(portal)


def test_a_keyring_that_is_gone_is_never_made_again(tmp_path: Path) -> None:
    portal = Portal(tmp_path / "data", **QUICK)
    with portal:
        send(portal.smtp, mail("[secure] One", SECRET))
        Mailbox(portal.outbox, JONAS).wait("notice")
    (portal.data / "keyring").rename(tmp_path / "keyring")
    failed = portal.manage("prepare", check=False)
    assert failed.returncode != 0
    assert "keyring" in failed.stderr + failed.stdout
    assert not (portal.data / "keyring").exists()
    (tmp_path / "keyring").rename(portal.data / "keyring")
    with portal:
        assert portal.health()[0] == 200


def test_the_door_refuses_mail_when_it_has_no_key_to_seal_it_to(tmp_path: Path) -> None:
    with Portal(tmp_path / "data", **QUICK) as portal:
        aside = tmp_path / "aside"
        aside.mkdir()
        (portal.data / "keyring").rename(aside / "keyring")
        with smtplib.SMTP(*portal.smtp, timeout=120) as smtp, pytest.raises(smtplib.SMTPResponseException) as refused:
            smtp.sendmail(MAYA, [JONAS], mail("[secure] One", SECRET))
        assert refused.value.smtp_code in (451, 421)
        assert list((portal.data / "spool").glob("*")) == []
        (aside / "keyring").rename(portal.data / "keyring")
        send(portal.smtp, mail("[secure] One", SECRET))
        Mailbox(portal.outbox, JONAS).wait("notice")
        assert not leaked(portal)
