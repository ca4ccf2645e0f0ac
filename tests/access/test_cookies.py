"""Cookies behind https: tied to the one host, closed to scripts and to other sites."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = """
import django; django.setup()
from django.conf import settings
from django.http import HttpResponse
from portal.access import back, cookies
names = (cookies.SESSION, cookies.BROWSER, cookies.TRUSTED, cookies.OFFICE, cookies.SENDER, back.COOKIE)
for name in names:
    response = HttpResponse()
    cookies.write(response, name, cookies.new_token(), 60)
    print(name, response.cookies[name].OutputString().replace(response.cookies[name].coded_value, ""), sep="|")
    cookies.drop(response, name)
    print(name, response.cookies[name].OutputString(), sep="|")
print(*(getattr(settings, f"CSRF_COOKIE_{what}") for what in ("NAME", "SECURE", "HTTPONLY", "SAMESITE")))
"""


def test_on_a_public_address_every_cookie_is_of_this_host_alone(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "LETTERLOCK_DATA": str(tmp_path),
        "LETTERLOCK_PUBLIC_URL": "https://secure.aldervalley.example/",
        "LETTERLOCK_RELAY_URL": "smtp://127.0.0.1:25",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    *written, form = done.stdout.splitlines()
    assert len(written) == 12
    for line in written:
        name, _, text = line.partition("|")
        flags = {part.strip().lower() for part in text.split(";")[1:]}
        assert name.startswith("__Host-")
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= flags
        assert not any(flag.startswith("domain") for flag in flags)
    assert form == "__Host-csrf True True Lax"
