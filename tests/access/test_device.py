"""A challenge as a django-otp device."""

from __future__ import annotations

import django_otp
import pytest
from django_otp.models import Device, VerifyNotAllowed

from portal.access.models import Challenge
from portal.delivery.models import Outbound
from portal.vault.models import Reader
from tests.access.visitors import Clock, Visitor, mails, newest_code, other_than


@pytest.fixture
def device(visitor: Visitor, reader: Reader) -> Challenge:
    visitor.ask(reader)
    found: Challenge = Challenge.objects.get()
    return found


def test_it_is_an_interactive_device_that_django_otp_finds(device: Challenge) -> None:
    assert isinstance(device, Device)
    assert device.is_interactive()
    assert Device.from_persistent_id(device.persistent_id) == device
    assert device in list(django_otp.devices_for_user(device.user))


def test_django_otp_verifies_its_token_once(device: Challenge) -> None:
    code = newest_code()
    assert django_otp.verify_token(device.user, device.persistent_id, other_than(code)) is None
    assert django_otp.verify_token(device.user, device.persistent_id, code) == device
    assert django_otp.verify_token(device.user, device.persistent_id, code) is None


def test_it_says_why_no_token_is_allowed(device: Challenge, clock: Clock) -> None:
    assert device.verify_is_allowed() == (True, None)
    for _ in range(5):
        assert not device.verify_token(other_than(device.code()))
    assert device.verify_is_allowed() == (False, {"reason": VerifyNotAllowed.N_FAILED_ATTEMPTS, "failure_count": 5})
    assert not device.verify_token(device.code())
    Challenge.objects.update(guesses=0)
    device.refresh_from_db()
    clock.forward(minutes=16)
    assert device.verify_is_allowed() == (
        False,
        {"error_message": "That passcode is too old. Ask for a new one."},
    )
    assert not device.verify_token(device.code())


def test_generating_a_challenge_queues_a_mail_and_tells_no_code(device: Challenge) -> None:
    Outbound.objects.all().delete()
    told = device.generate_challenge()
    assert told == f"Enter it on the page that shows the reference {device.reference}."
    assert len(mails()) == 1


def test_a_stale_copy_of_a_device_cannot_verify_the_digits_of_an_older_round(
    device: Challenge, visitor: Visitor, reader: Reader, clock: Clock
) -> None:
    old = device.code()
    clock.forward(minutes=1)
    visitor.ask(reader)
    assert not device.verify_token(old)
    assert Challenge.objects.get().used_at is None


def test_whatever_is_given_as_a_token_is_refused_and_not_an_error(device: Challenge) -> None:
    for junk in ("", "x" * 10_000, "\0", "１２", "-" * 8):
        Challenge.objects.update(guesses=0)
        device.refresh_from_db()
        assert not device.verify_token(junk)
