"""A person's browser without a screen: cookies, forms with their CSRF token, and answers as they came."""

from __future__ import annotations

import http.client
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

from tests.mails import Mailbox, passcode_in
from tests.secrecy import EAR

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass
class Answer:
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass
class Person:
    """Talks to a portal at `origin`, like http://localhost:8000; follows 303 as browsers do."""

    origin: str
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, url: str, *, follow: bool = True, **headers: str) -> Answer:
        return self.ask("GET", url, follow=follow, headers=headers)

    def ask(
        self, method: str, url: str, *, body: bytes | None = None, follow: bool = True, headers: Mapping[str, str] = {}
    ) -> Answer:
        where = urlsplit(urljoin(self.origin, url))
        connection = http.client.HTTPConnection(where.hostname or "", where.port or 80, timeout=120)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            connection.request(method, where.path + (f"?{where.query}" if where.query else ""), body=body, headers=sent)
            response = connection.getresponse()
            for line in response.headers.get_all("Set-Cookie", []):
                for morsel in SimpleCookie(line).values():
                    if morsel.value:
                        EAR.secret("token of a cookie", morsel.value)
                        self.cookies[morsel.key] = morsel.value
                    else:
                        self.cookies.pop(morsel.key, None)
            seen = {name.title(): value for name, value in response.headers.items()}
            answer = Answer(response.status, seen, response.read(), where.geturl())
        finally:
            connection.close()
        if follow and answer.status in (302, 303):
            return self.get(urljoin(where.geturl(), answer.headers["Location"]))
        return answer

    def post(
        self,
        url: str,
        values: Mapping[str, str] | None = None,
        *,
        page: str | None = None,
        files: Iterable[tuple[str, str, bytes]] = (),
        follow: bool = True,
    ) -> Answer:
        """Post a form found on `page` (default: the URL itself); files are (field, name, bytes)."""
        found = _TOKEN.search(self.get(page or url).text)
        assert found, "there is no form on that page"
        fields = {"csrfmiddlewaretoken": found[1], **(values or {})}
        files = list(files)
        if files:
            kind, body = _multipart(fields, files)
        else:
            kind, body = "application/x-www-form-urlencoded", urlencode(fields).encode()
        return self.ask("POST", url, body=body, follow=follow, headers={"Content-Type": kind, "Origin": self.origin})

    def sign_in(self, link: str, mailbox: Mailbox, *, known: int = 0) -> Answer:
        """From a link to the open message by passcode; `known` passcodes came before."""
        path = urlsplit(link).path
        self.post(f"{path}/ask/", page=path)
        code = passcode_in(mailbox.wait("passcode", known + 1))
        return self.post(f"{path}/passcode/", {"code": code})


def _multipart(fields: Mapping[str, str], files: Iterable[tuple[str, str, bytes]]) -> tuple[str, bytes]:
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, file_name, data in files:
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        parts.append(head.encode() + data + b"\r\n")
    return f"multipart/form-data; boundary={boundary}", b"".join(parts) + f"--{boundary}--\r\n".encode()
