"""`POST /rules/test`: what the rules would decide about a mail, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Callable

from branding.models import Brand
from portal.api.scopes import Scope
from portal.audit.models import Entry
from portal.ingest.models import Spooled
from portal.ingest.spoolfolder import folder
from tests.api.conftest import Program, body_of, refused
from tests.mails import JONAS, MAYA, mail

Make = Callable[..., Program]


def fields(subject: str = "Hello", **more: object) -> dict[str, object]:
    return {"from": MAYA, "to": [JONAS], "subject": subject, "text": "All is well.", **more}


def test_the_decision_comes_with_why_rule_by_rule_and_nothing_is_kept(program: Make) -> None:
    trying = program(Scope.RULES_TEST)
    before = Entry.objects.count(), sorted(folder().glob("*-*"))
    tagged = body_of(trying.post("/rules/test", fields("[secure] Hello")))
    assert tagged["action"] == "protect"
    (spoke,) = [rule for rule in tagged["rules"] if rule["name"] == tagged["rule"]]
    assert (spoke["matched"], spoke["counts"]) == (True, True)
    plain = body_of(trying.post("/rules/test", fields()))
    assert plain["rule"] != tagged["rule"]
    silent = next(rule for rule in plain["rules"] if rule["id"] == spoke["id"])
    assert silent["matched"] is False
    assert silent["why"]
    assert (Entry.objects.count(), sorted(folder().glob("*-*"))) == before
    assert not Spooled.objects.exists()


def test_a_whole_mail_is_tried_alike(program: Make) -> None:
    trying = program(Scope.RULES_TEST)
    whole = trying.ask("POST", "/rules/test", mail("[secure] Hello", "x"), "message/rfc822")
    assert body_of(whole)["action"] == "protect"
    asked = fields(protect={"level": 2, "open_until": "2020-01-01"})
    unusable = body_of(trying.post("/rules/test", asked))
    assert unusable["action"] == "refuse"
    assert "until must be a day" in unusable["reason"]


def test_what_no_way_in_would_take_is_refused(program: Make, brands: tuple[Brand, Brand]) -> None:
    trying = program(Scope.RULES_TEST)
    parts = b"Content-Type: multipart/mixed; boundary=b\r\n" + mail("x", "y") + b"--b\r\n\r\n" * 1001
    assert "1,000 parts" in refused(trying.ask("POST", "/rules/test", parts, "message/rfc822"), 422)
    assert refused(trying.post("/rules/test", fields(to=["nobody"])), 422)
    restricted = program(Scope.RULES_TEST, brand=brands[1])
    assert "only for the brand quay" in refused(restricted.post("/rules/test", fields()), 403)
