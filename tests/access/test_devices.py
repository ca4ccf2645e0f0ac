"""Browsers by what they say of themselves."""

from __future__ import annotations

import pytest

from portal.access import devices
from portal.access.models import Session

MOZILLA = "Mozilla/5.0 "
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko) "
BLINK = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
IPHONE = f"{MOZILLA}(iPhone; CPU iPhone OS 18_1 like Mac OS X) {WEBKIT}"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (f"{IPHONE}Version/18.1 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        (f"{IPHONE}CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1", "Chrome on iPhone"),
        (f"{IPHONE}FxiOS/133.0 Mobile/15E148 Safari/605.1.15", "Firefox on iPhone"),
        (f"{IPHONE}EdgiOS/131.0.0.0 Version/18.0 Mobile/15E148 Safari/604.1", "Edge on iPhone"),
        (f"{IPHONE}GSA/343.0 Mobile/15E148 Safari/604.1", "Google app on iPhone"),
        (f"{IPHONE}Mobile/15E148", "iPhone"),
        (f"{MOZILLA}(iPad; CPU OS 17_5 like Mac OS X) {WEBKIT}Version/17.5 Safari/604.1", "Safari on iPad"),
        (f"{MOZILLA}(Macintosh; Intel Mac OS X 10_15_7) {WEBKIT}Version/18.1 Safari/605.1.15", "Safari on Mac"),
        (f"{MOZILLA}(Linux; Android 10; K) {BLINK}Mobile Safari/537.36", "Chrome on Android"),
        (f"{MOZILLA}(Linux; Android 14; SM-S911B) {BLINK}SamsungBrowser/27.0 Mobile", "Samsung Internet on Android"),
        (f"{MOZILLA}(Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0", "Firefox on Android"),
        (f"{MOZILLA}(Windows NT 10.0; Win64; x64) {BLINK}Safari/537.36 Edg/131.0.0.0", "Edge on Windows"),
        (f"{MOZILLA}(Windows NT 10.0; Win64; x64) {BLINK}Safari/537.36 OPR/116.0.0.0", "Opera on Windows"),
        (f"{MOZILLA}(Windows NT 10.0; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Windows"),
        (f"{MOZILLA}(X11; CrOS x86_64 14541.0.0) {BLINK}Safari/537.36", "Chrome on Chromebook"),
        (f"{MOZILLA}(X11; Linux x86_64) {BLINK}Safari/537.36", "Chrome on Linux"),
        ("curl/8.10.1", ""),
        ("", ""),
        ("<script>alert(1)</script> on Windows", "Windows"),
        ("x" * 5000 + "Firefox/133.0 (Windows)", ""),
        ("\0" * 100, ""),
    ],
)
def test_a_browser_has_a_name_its_owner_knows(said: str, name: str) -> None:
    assert devices.named(said) == name


def test_every_name_fits_its_column() -> None:
    longest = Session._meta.get_field("device").max_length
    names = [devices.named(f"{browser} {system}") for browser, _ in devices.BROWSERS for system, _ in devices.SYSTEMS]
    assert max(map(len, names)) <= longest
    assert all(names)


@pytest.mark.parametrize(
    ("said", "sort"),
    [
        (f"{IPHONE}Version/18.1 Mobile/15E148 Safari/604.1", "phone"),
        (f"{MOZILLA}(Linux; Android 10; K) {BLINK}Mobile Safari/537.36", "phone"),
        (f"{MOZILLA}(Linux; Android 10; K) {BLINK}Safari/537.36", "tablet"),
        (f"{MOZILLA}(iPad; CPU OS 17_5 like Mac OS X) {WEBKIT}Version/17.5 Mobile/15E148 Safari/604.1", "tablet"),
        (f"{MOZILLA}(Windows NT 10.0; Win64; x64) {BLINK}Safari/537.36", "computer"),
        (f"{MOZILLA}(X11; Linux x86_64) {BLINK}Safari/537.36", "computer"),
        ("curl/8.10.1", "other"),
        ("", "other"),
    ],
)
def test_of_a_browser_only_its_sort_is_counted(said: str, sort: str) -> None:
    assert devices.sort_of(said) == sort
