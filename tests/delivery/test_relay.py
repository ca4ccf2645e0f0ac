"""Handing mail to a relay: each answer understood, nothing said twice, nothing kept of the relay's words."""

import socket
import tracemalloc
from dataclasses import replace
from uuid import uuid4

import pytest

from portal.delivery.errors import BadAddress, Deferred, LeaseLost, Refused
from portal.delivery.hop import relay_at
from portal.delivery.letters import Prepared
from portal.delivery.relay import UNCLEAR, SmtpRelay
from tests.delivery import relays

MAIL = b"Subject: hello\r\n\r\n.one dot\r\nend\r\n"


def mail(recipient="jonas.berg@mail.example", data=MAIL, sender="maya@aldervalley.example"):
    return Prepared.whole(sender, recipient, data)


def send(url, prepared=None, keep=lambda: None):
    relay = SmtpRelay(relay_at(url), "secure.aldervalley.example")
    try:
        return relay.send(uuid4(), prepared or mail(), keep)
    finally:
        relay.close()


@pytest.fixture
def unused_tcp_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@pytest.fixture
def relay():
    with relays.running() as running:
        yield running


def test_an_accepted_mail_arrives_byte_for_byte(relay):
    assert send(relay.url) == "250 2.0.0"
    (taken,) = relay.taken
    assert (taken.sender, taken.recipients, taken.data) == (
        "maya@aldervalley.example",
        ("jonas.berg@mail.example",),
        MAIL,
    )
    assert f"SIZE={len(MAIL)}" in taken.options
    assert "BODY=8BITMIME" in taken.options


def test_several_mails_share_one_connection_and_one_bad_one_does_not_spoil_it(relay):
    relay.answers["nobody@closed.example"] = "550 5.1.1 nobody@closed.example: unknown"
    way = SmtpRelay(relay_at(relay.url), "host.example")
    way.send(uuid4(), mail(), lambda: None)
    with pytest.raises(Refused):
        way.send(uuid4(), mail("nobody@closed.example"), lambda: None)
    way.send(uuid4(), mail("karin@post.example"), lambda: None)
    way.close()
    assert [taken.recipients for taken in relay.taken] == [("jonas.berg@mail.example",), ("karin@post.example",)]
    assert relay.sessions == 1


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_permanent_answer_refuses_the_mail(relay, verb):
    relay.answers[verb] = "550 5.7.1 jonas.berg@mail.example is not wanted"
    with pytest.raises(Refused) as refused:
        send(relay.url)
    assert refused.value.answer == "550 5.7.1"
    assert relay.taken == []


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", ["451 4.3.0 later", "452 4.2.2 full", "421 4.3.2 closing"])
def test_a_temporary_answer_defers_the_mail(relay, verb, answer):
    relay.answers[verb] = answer
    with pytest.raises(Deferred) as deferred:
        send(relay.url)
    assert deferred.value.answer == answer[:9]
    assert relay.taken == []


@pytest.mark.parametrize("code", ["530", "535"])
def test_a_relay_that_wants_a_login_blames_no_mail(relay, code):
    relay.answers["MAIL"] = f"{code} 5.7.0 Authentication required"
    with pytest.raises(Deferred):
        send(relay.url)


def test_no_word_of_the_relay_is_kept(relay):
    relay.answers["RCPT"] = "550 5.1.1 <jonas.berg@mail.example>: canary 4.4.4"
    with pytest.raises(Refused) as refused:
        send(relay.url)
    assert refused.value.answer == "550 5.1.1"
    assert "jonas" not in str(refused.value) + repr(refused.value)


def test_an_answer_without_an_enhanced_code_gives_its_code_alone(relay):
    relay.answers["RCPT"] = "550 5.1.1.1.1 strange"
    with pytest.raises(Refused) as refused:
        send(relay.url)
    assert refused.value.answer == "550"


def test_nobody_listening_defers(unused_tcp_port):
    with pytest.raises(Deferred) as deferred:
        send(f"smtp://127.0.0.1:{unused_tcp_port}")
    assert deferred.value.answer == "no connection"


def test_a_relay_that_could_not_be_reached_is_not_tried_again_for_every_mail(unused_tcp_port):
    way = SmtpRelay(relay_at(f"smtp://127.0.0.1:{unused_tcp_port}"), "host.example")
    with pytest.raises(Deferred):
        way.open()
    with relays.running() as another:
        way._peer = relay_at(another.url)
        with pytest.raises(Deferred):
            way.send(uuid4(), mail(), lambda: None)
        assert another.sessions == 0


def test_a_greeting_that_refuses_service_defers():
    with relays.scripted("554 5.3.2 no service here") as (url, _), pytest.raises(Deferred) as deferred:
        send(url)
    assert deferred.value.answer == "554 5.3.2"


GREETING = ("220 relay.example", "250 relay.example")


@pytest.mark.parametrize(
    "script",
    [
        (None,),
        ("220 relay.example", None),
        (*GREETING, None),
        (*GREETING, "250 ok", None),
        (*GREETING, "250 ok", "250 ok", None),
        (*GREETING, "250 ok", "250 ok", "354 go", None),
    ],
)
def test_a_connection_cut_before_the_end_mark_defers(script):
    big = mail(data=b"x" * 76 + b"\r\n" + b"y" * 5_000_000)
    with relays.scripted(*script) as (url, _), pytest.raises(Deferred) as deferred:
        send(url, big)
    assert deferred.value.answer in ("no connection", "connection lost", UNCLEAR)


def test_silence_after_the_whole_mail_is_marked_as_unclear():
    script = (*GREETING, "250 ok", "250 ok", "354 go")
    with relays.scripted(*script, b"") as (url, _), pytest.raises(Deferred) as deferred:
        send(url)
    assert deferred.value.answer == UNCLEAR


def test_a_lost_lease_stops_the_mail_before_it_is_accepted(relay):
    calls = []

    def keep():
        calls.append(1)
        if len(calls) > 6:
            raise LeaseLost

    with pytest.raises(LeaseLost):
        send(relay.url, Prepared("a@b.example", "c@d.example", (b"x" * 100_000 + b"\r\n" for _ in range(50))), keep)
    assert relay.taken == []


def test_an_error_while_the_mail_is_written_leaves_nothing_at_the_relay(relay):
    def pieces():
        yield b"Subject: half\r\n\r\n" + b"x" * 200_000
        raise RuntimeError

    with pytest.raises(RuntimeError):
        send(relay.url, Prepared("a@b.example", "c@d.example", pieces()))
    assert relay.taken == []


def test_tls_is_used_when_offered_though_nobody_signed_the_certificate(tmp_path):
    with relays.running(tls_context=relays.tls_context(tmp_path)) as relay:
        send(relay.url)
        assert relay.taken[0].tls


def test_a_relay_whose_tls_does_not_work_gets_nothing_in_clear():
    script = ("220 relay.example", "250-relay.example\r\n250 STARTTLS", "220 go ahead", "this is no TLS")
    with relays.scripted(*script) as (url, heard), pytest.raises(Deferred) as deferred:
        send(url)
    assert deferred.value.answer in ("TLS failed, validation-failure", "no connection")
    assert not any(line.startswith(b"MAIL") for line in heard)


def test_a_login_is_made_with_the_name_and_password_of_the_url(tmp_path):
    context = relays.tls_context(tmp_path)
    with relays.running(credentials=("portal", "p%40ss"), tls_context=context) as relay:
        url = relay.url.replace("p%40ss", "p%2540ss")
        assert send(url) == "250 2.0.0"
        with pytest.raises(Deferred) as deferred:
            send(url.replace("portal", "somebody"))
        assert deferred.value.answer.startswith("535")
        assert "p%40ss" not in repr(SmtpRelay(relay_at(url), "")) + repr(relay_at(url)) + str(deferred.value)


def test_a_password_never_crosses_a_network_in_clear():
    greeting = ("220 relay.example", "250-relay.example\r\n250 AUTH PLAIN LOGIN")
    # 127.1 is this computer, but not by a name that says so.
    with relays.scripted(*greeting) as (url, heard), pytest.raises(Deferred) as deferred:
        send(url.replace("//127.0.0.1", "//user:secret@127.1"))
    assert deferred.value.answer == "no TLS for the login"
    assert len(heard) == 2
    assert not any(b"AUTH" in line for line in heard)


def test_a_password_is_not_given_to_a_relay_that_cannot_prove_its_name(tmp_path):
    options = {"credentials": ("portal", "secret"), "tls_context": relays.tls_context(tmp_path)}
    with relays.running(**options) as relay, pytest.raises(Deferred) as deferred:
        send(relay.url.replace("127.0.0.1", "127.1"))
    assert deferred.value.answer == "TLS failed, certificate-not-trusted"


def test_a_mail_over_the_announced_size_is_refused_before_it_is_sent():
    with relays.running(data_size_limit=1000) as relay:
        with pytest.raises(Refused) as refused:
            send(relay.url, mail(data=b"x" * 1001))
        assert refused.value.answer == "552 5.3.4"


def test_eight_bit_mail_passes_unchanged_where_it_may_and_is_refused_where_not():
    eight_bit = mail(data="Subject: grüße\r\n\r\nÄrger\r\n".encode())
    with relays.running() as relay:
        send(relay.url, eight_bit)
        assert relay.taken[0].data == b"".join(eight_bit.data)
    with relays.running(decode_data=True) as relay:
        with pytest.raises(Refused) as refused:
            send(relay.url, eight_bit)
        assert (refused.value.answer, relay.taken) == ("554 5.6.3", [])
        assert send(relay.url) == "250 2.0.0"


def test_an_address_in_another_script_needs_a_relay_that_takes_it():
    written = mail("jürgen@mail.example")
    with relays.running(enable_SMTPUTF8=True) as relay:
        send(relay.url, written)
        assert relay.taken[0].recipients == ("jürgen@mail.example",)
        assert "SMTPUTF8" in relay.taken[0].options
    with relays.running(enable_SMTPUTF8=False) as relay, pytest.raises(Refused) as refused:
        send(relay.url, written)
    assert refused.value.answer == "553 5.6.7"


def test_a_header_in_utf_8_goes_only_to_a_relay_that_takes_it():
    written = replace(mail(data="Subject: grüße\r\n\r\nend\r\n".encode()), utf8=True)
    with relays.running(enable_SMTPUTF8=True) as relay:
        send(relay.url, written)
        assert "SMTPUTF8" in relay.taken[0].options
    with relays.running(enable_SMTPUTF8=False) as relay, pytest.raises(Refused) as refused:
        send(relay.url, written)
    assert (refused.value.answer, relay.taken) == ("553 5.6.7", [])


def test_a_domain_in_another_script_goes_in_its_ascii_form(relay):
    send(relay.url, mail("info@bücher.example"))
    assert relay.taken[0].recipients == ("info@xn--bcher-kva.example",)


@pytest.mark.parametrize("smtputf8", [False, True])
def test_a_domain_goes_to_no_other_one_that_older_rules_make_of_it(smtputf8):
    """`strasse.example` may be anybody's, and would get the passcodes of `straße.example`."""
    with relays.running(enable_SMTPUTF8=smtputf8) as relay:
        send(relay.url, mail("jürgen@straße.example" if smtputf8 else "info@straße.example"))
        assert [one.rpartition("@")[2] for one in relay.taken[0].recipients] == ["xn--strae-oqa.example"]


def test_a_large_mail_is_streamed_in_constant_memory():
    line = b"x" * 998 + b"\r\n"
    script = ("220 relay.example", "250-relay.example\r\n250 8BITMIME", "250 ok", "250 ok", "354 go", b"250 2.0.0 ok")
    with relays.scripted(*script) as (url, _):
        tracemalloc.start()
        try:
            assert send(url, Prepared("a@b.example", "c@d.example", (line for _ in range(40_000)))) == "250 2.0.0"
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 4_000_000


@pytest.mark.parametrize(
    "address", ["a@b.example>\r\nRCPT TO:<x@y.example", "a\nb@c.example", "<a@b.example>", "a\x00@b.c", ""]
)
def test_an_address_cannot_become_another_command(address):
    with pytest.raises(BadAddress):
        Prepared.whole("maya@aldervalley.example", address, MAIL)


def test_a_mail_shows_nothing_of_itself_when_printed():
    assert repr(mail()) == f"Prepared(size={len(MAIL)})"


def test_the_null_sender_is_sent_as_such(relay):
    send(relay.url, mail(sender=""))
    assert relay.taken[0].sender in ("", "<>")
