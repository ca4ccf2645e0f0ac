"""What a person does with a page of the office: signs in, opens it, reads it, and posts its form."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.test import Client

from branding.models import Brand
from portal.access import administrators, cookies, sessions
from portal.access.roles import Role

HOST = "localhost:8000"


def browser(brand: Brand, cookie: str = "", token: str = "") -> Client:
    client = Client(HTTP_HOST=HOST)
    if token:
        client.cookies[cookie] = token
    return client


def someone(brand: Brand, name: str, role: Role = Role.RULES) -> Client:
    person = administrators.add(f"{name}@aldervalley.example", role, by=None)
    return browser(brand, cookies.OFFICE, sessions.begin(person, brand, keep=False, method="passkey", office=True))


def form(page: str, start: str = 'class="brand-form"') -> dict[str, Any]:
    """What the page's form posts if nobody touches it."""
    text = page[page.index(start) :]
    text = text[: text.index("</form>")]
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", text):
        read = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if read.get("type") in ("radio", "checkbox") and " checked" not in tag:
            continue
        found.setdefault(read["name"], []).append(unescape(read.get("value", "")))
    for name, inside in re.findall(r'<select [^>]*name="([^"]*)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', inside)
        opened = re.search(r'<option value="([^"]*)"', inside)
        found[name] = [chosen[1] if chosen else opened[1] if opened else ""]
    for name, inside in re.findall(r'<textarea [^>]*name="([^"]*)"[^>]*>\n?(.*?)</textarea>', text, re.DOTALL):
        found[name] = [unescape(inside)]
    return found


def shown(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, answer.content.decode()
    return str(answer.content.decode())


def said(answer: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())
