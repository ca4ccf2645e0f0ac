"""Every action of a rule, done: by mail that goes through the spool and the pipeline, as the workers do it."""

from __future__ import annotations

import email
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from branding.models import Brand
from portal.audit.models import Entry
from portal.delivery.letters import Prepared, prepare
from portal.delivery.models import Outbound
from portal.directory import keeping
from portal.directory.models import Group, Source
from portal.directory.sealed import Held
from portal.ingest import holding, spool
from portal.ingest.errors import AwaitsApproval, IngestError
from portal.ingest.models import Spooled
from portal.mime.reading import Letter, read
from portal.rules import counting, live, publishing
from portal.rules.errors import BadRules
from portal.rules.models import Hits, Seen
from portal.vault.models import Message, Reader
from portal.vault.opening import open_message
from tests.grants import change
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import default_brand, put, reader_of, turn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_inside")]
S = Spooled.State
ARCHIVE = "archive@aldervalley.example"
OUTSIDE = {"if": "recipient_is", "place": "outside"}
LUNCH = {"if": "subject_words", "values": ["lunch"]}


def publish(*rules: dict[str, Any], mode: str = "first") -> None:
    """These rules are live."""
    document = {"format": 1, "mode": mode, "rules": [{"id": f"r{n}", **rule} for n, rule in enumerate(rules)]}
    publishing.publish(document, expected=publishing.live_number())
    live.forget()


def rule(*then: dict[str, Any], when: dict[str, Any] = LUNCH, name: str = "Lunch rule", **more: Any) -> dict[str, Any]:
    return {"name": name, "when": [when], "then": list(then), **more}


def left(row: Spooled, kind: str = "relay") -> list[Prepared]:
    """What leaves for a mail, as it is handed over."""
    found = [prepare(one) for one in Outbound.objects.filter(message=row.pk, kind=kind).order_by("made_at")]
    return [one for one in found if one is not None]


def letter(prepared: Prepared) -> Letter:
    return read(b"".join(prepared.data))


def accepted(row: Spooled) -> dict[str, Any]:
    return dict(Entry.objects.get(kind="message.accepted", message=row.pk).facts)


def accepted_last(row: Spooled) -> dict[str, Any]:
    return dict(Entry.objects.filter(kind="message.accepted", message=row.pk).latest("id").facts)


def test_without_published_rules_the_built_in_ones_hold() -> None:
    row = put(mail("[secure] Lunch"))
    assert row.state == S.DONE
    assert accepted(row)["rule"] == "tag in the subject"
    assert "version" not in accepted(row)


def test_a_rule_protects_with_template_level_date_and_delivery() -> None:
    publish(rule({"do": "protect", "template": "view-only", "level": 2, "open": 9, "delivery": "attachment"}))
    row = put(mail("Lunch"))
    message = Message.objects.get(pk=row.pk)
    opened = open_message(reader_of(message))
    assert (message.template, message.delivery, opened.rights.level) == ("view-only", "attachment", 2)
    assert not opened.rights.download
    assert message.open_until is not None
    day = timezone.localdate() + timedelta(days=9)
    assert timezone.localtime(message.open_until).date() == day
    facts = accepted(row)
    assert (facts["rule"], facts["version"], facts["why"]) == ("Lunch rule", 1, "subject_words")


def test_a_rule_chooses_the_brand_and_one_that_is_gone_holds_the_mail() -> None:
    default_brand()
    Brand.objects.create(slug="north", name="North", host="north.example")
    publish(rule({"do": "protect", "brand": "north"}))
    assert Message.objects.get(pk=put(mail("Lunch")).pk).brand.slug == "north"
    Brand.objects.filter(slug="north").update(archived_at=timezone.now())
    row = put(mail("Lunch"))
    assert row.state == S.HELD
    assert "brand" in row.last_error
    change(Brand.objects.filter(slug="north"), archived_at=None, host="north.invalid")
    assert put(mail("Lunch")).state == S.HELD, "it was never published, and its links would lead nowhere"


def test_a_refused_mail_ends_its_file_goes_and_its_sender_is_told_in_the_rules_words() -> None:
    publish(rule({"do": "refuse", "text": "Menus are not sent by mail."}))
    row = put(mail("Lunch"))
    assert row.state == S.REFUSED
    assert not Outbound.objects.filter(kind="relay").exists()
    assert not Message.objects.exists()
    with pytest.raises(IngestError):
        spool.open_spooled(row)
    (told,) = left(row, "tip")
    assert told.recipient == MAYA
    assert told.envelope_sender == ""
    found = letter(told)
    assert found.subject.startswith("Not sent: your message of ")
    assert found.text is not None
    assert "Menus are not sent by mail." in found.text
    assert "Lunch" not in found.text
    assert Entry.objects.get(kind="message.refused").facts == {"told": True, "rule": "Lunch rule"}


MAY = {"do": "refuse", "text": "Menus are not sent by mail.", "override": True}


def test_a_sender_sends_it_anyway_where_the_rule_allows_and_the_record_notes_it() -> None:
    publish(rule(MAY))
    (told,) = left(put(mail("Lunch")), "tip")
    text = " ".join((letter(told).text or "").split())
    assert "send it again with [override] at the beginning of its subject" in text
    assert "write [false positive] instead" in text
    row = put(mail("[Override] Lunch für alle"))
    assert row.state == S.RELAYING
    (one,) = left(row)
    assert letter(one).subject == "Lunch für alle", "no recipient sees the word"
    assert b"verride" not in b"".join(one.data).partition(b"\r\n\r\n")[0]
    noted = Entry.objects.get(kind="rule.overridden", message=row.pk)
    assert noted.facts == {"rule": "Lunch rule", "how": "wanted", "version": 1}
    mistaken = put(mail("[false positive] Lunch"))
    assert Entry.objects.get(kind="rule.overridden", message=mistaken.pk).facts["how"] == "mistaken"


def test_what_is_sent_anyway_meets_the_rules_behind_and_the_word_is_seen_by_nobody() -> None:
    publish(rule(MAY), rule({"do": "protect"}, when=OUTSIDE, name="All outside"))
    row = put(mail("[override] Lunch"))
    assert (row.state, accepted(row)["rule"]) == (S.DONE, "All outside"), row.last_error
    toc = open_message(reader_of(Message.objects.get(pk=row.pk))).toc
    assert toc.subject == "Lunch"


def test_a_firm_rule_stays_firm_and_its_sender_is_offered_nothing() -> None:
    publish(rule(MAY), rule({"do": "refuse", "text": "Never."}, name="Firm"), mode="all")
    for subject in ("Lunch", "[override] Lunch"):
        row = put(mail(subject))
        assert row.state == S.REFUSED
        assert accepted(row)["rule"] == "Firm"
        (told,) = left(row, "tip")
        assert "Never." in (letter(told).text or "")
        assert "override" not in (letter(told).text or "")


def test_a_stranger_and_a_machine_are_told_nothing() -> None:
    publish(rule({"do": "refuse", "text": "No."}))
    put(mail("Lunch"), sender=JONAS, trusted=False)
    put(mail("Lunch", headers=[("Auto-Submitted", "auto-generated")]))
    assert not Outbound.objects.exists()


def test_a_held_mail_waits_for_approval_and_trying_again_is_none() -> None:
    publish(rule({"do": "hold"}, {"do": "protect"}))
    row = put(mail("Lunch"))
    assert (row.state, row.approval) == (S.HELD, "asked")
    assert "Lunch rule" in row.last_error
    with pytest.raises(AwaitsApproval):
        holding.release(row)
    assert list(holding.release_all()) == []
    assert list(holding.held()) == [row]
    (told,) = left(row, "tip")
    assert letter(told).subject.startswith("Held back: ")
    holding.approve(row)
    row = turn(row.pk)
    assert row.state == S.DONE, row.last_error
    assert Message.objects.filter(pk=row.pk).exists()
    assert Entry.objects.filter(kind="message.approved", message=row.pk).exists()
    assert Outbound.objects.filter(kind="tip").count() == 1


def test_what_is_approved_and_not_protected_is_passed_on() -> None:
    publish(rule({"do": "hold"}))
    row = put(mail("Lunch"))
    holding.approve(row)
    assert turn(row.pk).state == S.RELAYING


def test_what_is_approved_is_protected_by_the_rules_behind_the_one_that_held_it() -> None:
    """The first rule that matches decides; once it is approved it decides nothing, and the next one does."""
    publish(rule({"do": "hold"}), rule({"do": "protect"}, when=OUTSIDE, name="All outside"))
    row = put(mail("Lunch"))
    assert row.state == S.HELD
    holding.approve(row)
    row = turn(row.pk)
    assert (row.state, accepted_last(row)["rule"]) == (S.DONE, "All outside"), row.last_error
    assert not Outbound.objects.filter(kind="relay").exists()


def test_a_rule_that_may_not_match_at_all_keeps_no_later_one_from_protecting() -> None:
    locked = {"if": "file_words", "values": ["patient"]}
    raw = mail("Scan", files=[("scan.pdf", "application/pdf", b"%PDF-1.7 this is no PDF that anybody could read")])
    publish(rule({"do": "require_tls"}, when=locked), rule({"do": "protect"}, when=OUTSIDE, name="All outside"))
    row = put(raw)
    assert row.state == S.DONE
    assert not Outbound.objects.filter(kind="relay").exists()


def test_required_tls_is_asked_for_each_recipient_and_all_the_way() -> None:
    publish(rule({"do": "require_tls"}))
    row = put(mail("Lunch"), JONAS, KARIN)
    assert set(Outbound.objects.filter(message=row.pk).values_list("tls", flat=True)) == {"verified"}
    assert all(one.require_tls for one in left(row))
    assert not any(one.require_tls for one in left(put(mail("Dinner"))))


def test_headers_and_subject_are_changed_and_all_else_stays_byte_for_byte() -> None:
    publish(
        rule(
            {"do": "add_header", "name": "X-Category", "value": "Müsli"},
            {"do": "remove_header", "name": "X-Old"},
            {"do": "prepend_subject", "text": "[Extern]"},
        )
    )
    raw = mail("Lunch für alle", headers=[("X-Old", "1")], files=[("menu.bin", "application/pdf", bytes(range(256)))])
    (one,) = left(put(raw))
    data = b"".join(one.data)
    found = read(data)
    fields = {name.lower(): value for name, value in found.headers}
    assert found.subject == "[Extern] Lunch für alle"
    assert fields["x-category"] == "Müsli"
    assert "x-old" not in fields
    assert data.partition(b"\r\n\r\n")[2] == raw.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("protect", [True, False])
def test_a_disclaimer_stands_beside_what_is_relayed_and_what_is_protected(protect: bool) -> None:
    then = [
        {"do": "disclaimer", "text": "Please do not print."},
        {"do": "disclaimer", "text": "First.", "at": "beginning"},
    ]
    publish(rule(*then, *([{"do": "protect"}] if protect else [])))
    row = put(mail("Lunch", "Soup and bread."))
    if protect:
        text = open_message(reader_of(Message.objects.get(pk=row.pk))).toc.text.here
    else:
        text = letter(left(row)[0]).text or ""
    assert text.index("First.") < text.index("Soup and bread.") < text.index("Please do not print.")


ALL_OF_MAYA = "%%displayname%%, %%Title%%, %%DEPARTMENT%% | %%Manager%% | %%Email%% | 100%%, %%Unknown%%"


def test_a_disclaimer_says_what_the_directory_says_of_its_sender_and_nothing_where_it_says_nothing() -> None:
    publish(rule({"do": "disclaimer", "text": ALL_OF_MAYA}))
    row = put(mail("Lunch"))
    assert f", ,  |  | {MAYA} | 100%%, %%Unknown%%" in (letter(left(row)[0]).text or "")
    known = {"name": "Maya <b>Lindqvist</b>\r\nBcc: x@evil.example", "title": "Dr", "manager": ARCHIVE}
    keeping.new_person(Held(MAYA, known), "csv", active=True).save()
    (one,) = left(put(mail("Lunch")))
    found = letter(one)
    assert f"Maya <b>Lindqvist</b> Bcc: x@evil.example, Dr,  | {ARCHIVE} | {MAYA}" in (found.text or "")
    assert not found.html, "a part of plain text: nothing in it is markup"


def test_nobody_learns_what_the_directory_says_by_writing_a_name_into_from() -> None:
    publish(rule({"do": "disclaimer", "text": "By %%Title%% %%Email%%."}))
    keeping.new_person(Held(MAYA, {"title": "Dr"}), "csv", active=True).save()
    row = put(mail("Lunch"), sender=JONAS, trusted=False)
    assert "By  ." in (letter(left(row)[0]).text or "")


def test_classification_and_spam_confidence_are_set_in_the_place_of_what_there_is() -> None:
    publish(rule({"do": "set_classification", "name": "Geheim ü"}, {"do": "set_spam_confidence", "value": -1}))
    raw = mail("Lunch", headers=[("X-Classification", "Internal"), ("X-Spam-Confidence", "9")])
    headers = letter(left(put(raw))[0]).headers
    assert [value for name, value in headers if name == "X-Classification"] == ["Geheim ü"]
    assert [value for name, value in headers if name == "X-Spam-Confidence"] == ["-1"]


def test_character_sets_are_those_that_any_part_declares() -> None:
    publish(rule({"do": "tag", "name": "cyrillic"}, when={"if": "charset_words", "values": ["koi8-r"]}))
    part = (
        b"From: maya.lindqvist@aldervalley.example\r\nTo: jonas.berg@mail.example\r\nSubject: Soup\r\n"
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b'--b\r\nContent-Type: text/plain; charset = "KOI8-R"\r\n\r\nx\r\n--b--\r\n'
    )
    assert accepted(put(part))["tags"] == "cyrillic"
    assert "tags" not in accepted(put(mail("Soup")))


SIGNED = (
    b"From: maya@aldervalley.example\r\nTo: jonas@mail.example\r\nSubject: Lunch\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nSoup.\r\n"
    b"--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n"
)


@pytest.mark.parametrize("how", ["wrap", "ignore", "refuse"])
def test_a_signed_mail_is_wrapped_left_alone_or_refused(how: str) -> None:
    publish(rule({"do": "disclaimer", "text": "Please do not print.", "if_signed": how}))
    row = put(SIGNED)
    if how == "refuse":
        assert row.state == S.REFUSED
        return
    data = b"".join(left(row)[0].data)
    assert SIGNED.partition(b"\r\n\r\n")[2] in data
    assert (b"Please do not print." in data) is (how == "wrap")
    assert (SIGNED in data) is (how == "wrap") or data.endswith(SIGNED)


def test_a_copy_goes_to_the_archive_and_what_is_redirected_to_nobody_else() -> None:
    publish(rule({"do": "copy_to", "addresses": [ARCHIVE, JONAS]}))
    assert sorted(one.recipient for one in left(put(mail("Lunch")))) == sorted([ARCHIVE, JONAS])
    publish(rule({"do": "redirect_to", "addresses": [ARCHIVE]}))
    assert [one.recipient for one in left(put(mail("Lunch")))] == [ARCHIVE]


def test_a_copy_goes_to_the_manager_and_the_record_says_where_none_is_known() -> None:
    publish(rule({"do": "copy_to", "manager": True}))
    assert accepted(put(mail("Lunch")))["no_manager"] is True
    keeping.new_person(Held(MAYA, {"manager": ARCHIVE}), "csv", active=True).save()
    row = put(mail("Lunch"))
    assert sorted(one.recipient for one in left(row)) == sorted([ARCHIVE, JONAS])
    assert "no_manager" not in accepted(row)


def test_a_copy_of_a_protected_mail_is_protected() -> None:
    publish(rule({"do": "protect"}, {"do": "copy_to", "addresses": [ARCHIVE]}))
    row = put(mail("Lunch"))
    readers = Reader.objects.filter(message=row.pk, role="recipient")
    assert readers.count() == 2
    assert not Outbound.objects.filter(kind="relay").exists()


def test_the_sender_is_told_that_it_was_protected() -> None:
    publish(rule({"do": "protect"}, {"do": "notify_sender", "text": "Menus are protected here."}))
    (told,) = left(put(mail("Lunch")), "tip")
    found = letter(told)
    assert found.subject.startswith("About your message of ")
    assert "Menus are protected here." in (found.text or "")


def test_a_rule_that_is_only_logged_is_recorded_and_nothing_is_done() -> None:
    publish(rule({"do": "refuse", "text": "No."}, state="log"), rule({"do": "protect"}, name="Second"))
    row = put(mail("Lunch"))
    assert row.state == S.DONE
    would = Entry.objects.get(kind="rule.would_match")
    assert would.facts == {"rule": "Lunch rule", "action": "refuse", "version": 1, "why": "subject_words"}
    assert counting.hits() == {("r0", True): 1, ("r1", False): 1}


def test_all_rules_that_match_count_until_one_stops_and_the_strictest_decides() -> None:
    publish(
        rule({"do": "pass_on"}, {"do": "tag", "name": "one"}, name="One"),
        rule({"do": "protect", "level": 2, "open": 30}, {"do": "tag", "name": "two"}, name="Two"),
        rule({"do": "protect", "open": 3}, {"do": "stop"}, name="Three"),
        rule({"do": "refuse", "text": "No."}, name="Four"),
        mode="all",
    )
    row = put(mail("Lunch"))
    message = Message.objects.get(pk=row.pk)
    assert open_message(reader_of(message)).rights.level == 2
    assert message.open_until is not None
    assert timezone.localtime(message.open_until).date() == timezone.localdate() + timedelta(days=3)
    facts = accepted(row)
    assert (facts["rule"], facts["rules"], facts["tags"]) == ("Two", 3, "one, two")


def test_a_text_that_cannot_be_read_counts_as_matched_where_a_rule_protects() -> None:
    locked = {"if": "file_words", "values": ["patient"]}
    raw = mail("Scan", files=[("scan.pdf", "application/pdf", b"%PDF-1.7 this is no PDF that anybody could read")])
    publish(rule({"do": "protect"}, when=locked))
    row = put(raw)
    assert (row.state, accepted(row).get("unsure")) == (S.DONE, True)
    publish(rule({"do": "pass_on"}, {"do": "tag", "name": "x"}, when=locked))
    assert "tags" not in accepted(put(raw))


def test_protection_is_taken_off_an_answer_to_our_own_message_and_off_no_other_mail() -> None:
    first = mail("[secure] Results")
    put(first)
    number = email.message_from_bytes(first)["Message-ID"]
    answer = mail("Re: Results", headers=[("In-Reply-To", number)])
    assert put(answer).state == S.DONE, "without the rule it stays protected"
    taken_off = rule({"do": "remove_protection"}, when={"if": "answers_protected"}, name="Off")
    publish(taken_off, rule({"do": "protect"}, when=OUTSIDE, name="All"))
    assert put(answer).state == S.RELAYING
    assert put(mail("Re: Results")).state == S.DONE


AWAY = [{"addresses": ["me@evil.example"], "do": "copy_to"}, {"addresses": ["me@evil.example"], "do": "redirect_to"}]


@pytest.mark.parametrize(
    ("then", "to"),
    [
        *(([{"do": "remove_protection"}, away], MAYA) for away in AWAY),
        ([{"do": "pass_on"}, AWAY[0]], MAYA),
        ([{"do": "pass_on"}], "other@mail.example"),
        ([{"do": "tag", "name": "seen"}], "other@mail.example"),
        ([], "other@mail.example"),
    ],
    ids=["copied", "redirected", "passed on and copied", "passed on", "tagged", "no rule"],
)
def test_what_a_reader_wrote_here_never_leaves_the_organisation_in_clear(then: list[dict[str, Any]], to: str) -> None:
    first = mail("[secure] Results")
    put(first)
    when = {"if": "answers_protected", "anywhere": True} if then else LUNCH
    publish(rule(*(then or [{"do": "protect"}]), when=when, name="Off"))
    answer = mail("Re: Results", headers=[("In-Reply-To", email.message_from_bytes(first)["Message-ID"])])
    thread = Message.objects.get().pk
    writer = spool.SpoolWriter.begin(spool.Envelope(JONAS, (to,), "reply", trusted=True, thread=thread), len(answer))
    writer.write(answer)
    row = turn(writer.commit())
    assert row.state == S.DONE, row.last_error
    assert not Outbound.objects.filter(kind="relay", message=row.pk).exists()


@pytest.mark.parametrize("to", ["postmaster@mail.example", "abuse@aldervalley.example"])
def test_no_rule_locks_mail_to_those_who_keep_mail_going(to: str) -> None:
    publish(rule({"do": "protect"}, when=OUTSIDE), rule({"do": "hold"}, when=LUNCH))
    assert put(mail("Lunch"), to).state == S.RELAYING
    assert put(mail("[secure] Lunch"), to).state == S.RELAYING


def test_a_bounce_passes_and_the_portals_own_mail_comes_back_unlocked() -> None:
    publish(
        rule({"do": "protect"}, when=OUTSIDE),
        rule({"do": "hold"}, when={"if": "header_exists", "name": "X-Letterlock"}),
    )
    report = [("Content-Type", 'multipart/report; report-type=delivery-status; boundary="x"')]
    bounce = b"From: <>\r\nTo: jonas@mail.example\r\nSubject: Lunch\r\n" + b"".join(
        f"{name}: {value}\r\n".encode() for name, value in report
    )
    assert put(bounce + b"\r\n--x--\r\n", sender="").state == S.RELAYING
    sealed = put(mail("Soup"))
    (notice,) = left(sealed, "notice")
    again = put(b"".join(notice.data), notice.recipient, sender=notice.envelope_sender)
    assert again.state == S.RELAYING
    assert accepted(again)["rule"] == "seal"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (
            rule({"do": "protect"}, when={"if": "everything"}, name="All"),
            "“All” would protect ordinary mail",
        ),
        (rule({"do": "hold"}, when={"if": "sender_is", "place": "inside"}, name="In"), "Rule 1 “In” would hold"),
        (rule({"do": "copy_to", "addresses": ["x@localhost.example"]}, name="Loop"), "in a circle"),
    ],
)
def test_rules_that_would_lock_what_must_pass_cannot_be_published(bad: dict[str, Any], said: str) -> None:
    Brand.objects.create(slug="own", name="Own", host="localhost.example", is_default=True)
    with pytest.raises(BadRules, match=said):
        publish(bad)
    assert publishing.live_number() == 0


def test_facts_that_are_kept_say_nothing_of_what_a_mail_says() -> None:
    put(mail("A most secret subject", "A most secret text."))
    row = Seen.objects.get()
    assert JONAS.encode() not in bytes(row.facts)
    from portal.rules.seen import opened

    kept = opened(row)
    assert kept.facts.sender == MAYA
    assert "secret" not in repr(vars(kept.facts))
    assert kept.facts.subject == ""


def test_what_is_kept_and_counted_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    publish(rule({"do": "tag", "name": "x"}))
    for _ in range(3):
        put(mail("Lunch"))
    yesterday = timezone.localdate() - timedelta(days=1)
    Hits.objects.update(day=yesterday)
    Seen.objects.update(at=timezone.now() - timedelta(days=9))
    counting.tidy()
    assert list(Hits.objects.values_list("rule", "day", "only_logged", "number")) == [("r0", yesterday, False, 3)]
    assert not Seen.objects.exists()


@pytest.mark.parametrize("condition", ["recipient_group", "sender_group"])
def test_a_group_that_is_gone_from_the_directory_protects_rather_than_nobody(condition: str) -> None:
    in_group = {"if": condition, "values": ["patients"]}
    publish(rule({"do": "protect"}, when=in_group), rule({"do": "tag", "name": "x"}, when=in_group))
    group = Group.objects.create(slug="patients", name="Patients", source=Source.SCIM)
    assert put(mail("Lunch")).state == S.RELAYING, "nobody is in it"
    group.delete()
    row = put(mail("Lunch"))
    assert (row.state, accepted(row)["unsure"]) == (S.DONE, True)
    publish(rule({"do": "protect"}, when=LUNCH, **{"except": [in_group]}))
    assert put(mail("Lunch")).state == S.DONE
