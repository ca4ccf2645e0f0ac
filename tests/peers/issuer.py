"""An OpenID Connect issuer in this process that can also lie: its tokens say what a test wants, signed as it wants."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

CLIENT, SECRET = "letterlock-test", "s3cret of the client: 50% +"


@cache
def key(name: str) -> RSAKey | ECKey | OKPKey:
    """A key for the whole run, of the curve that its name begins with: making one of RSA takes a tenth of a second."""
    if name.startswith("P-"):
        return ECKey.generate_key(name, {"kid": name, "use": "sig"}, private=True)
    if name.startswith("Ed"):
        return OKPKey.generate_key(name, {"kid": name, "use": "sig"}, private=True)
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"}, private=True)


class Issuer:
    """Listens on a free port of 127.0.0.1. What a test sets on it holds from its next answer on."""

    def __init__(self) -> None:
        issuer = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(*issuer.get(self.path, dict(self.headers)))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._answer(*issuer.exchange(dict(parse_qsl(body)), self.headers.get("Authorization", "")))

            def _answer(self, status: int, document: object) -> None:
                body = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", f"{issuer.url}/moved")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.url = f"http://localhost:{self._server.server_port}"
        self.reset()

    def reset(self) -> None:
        self.name = self.url
        """What it says its issuer is; a test of Microsoft's gives it a place for the tenant."""
        self.signs, self.publishes = "first", ["first"]
        self.key_facts: dict[str, str] = {}
        """What is said of each published key besides."""
        self.header: dict[str, Any] = {}
        self.signature = ""
        """In place of a real one: `none`, or `HS256` with the public key."""
        self.claims: dict[str, Any] = {}
        self.drops: set[str] = set()
        """Claims that the ID token lacks; the address is then told by userinfo."""
        self.userinfo: dict[str, Any] = {}
        self.discovery: dict[str, Any] = {}
        self.answers: dict[str, tuple[int, object]] = {}
        """Status and document by the end of the path, instead of the right ones."""
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}

    def grant(self, location: str, *, claims: dict[str, Any], **more: str) -> str:
        """What the person does at the sign-in page: the path and query that the browser is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        code = secrets.token_urlsafe(24)
        self._codes[code] = asked
        self.claims = claims
        query = urlencode({"code": code, "state": asked["state"], **more})
        return f"{urlsplit(asked['redirect_uri']).path}?{query}"

    def get(self, path: str, headers: dict[str, str]) -> tuple[int, object]:
        self.asked.append(path)
        for end, answer in self.answers.items():
            if path.endswith(end):
                return answer
        if path.endswith("/.well-known/openid-configuration"):
            return 200, self._document()
        if path == "/jwks":
            return 200, {"keys": [{**key(name).as_dict(private=False), **self.key_facts} for name in self.publishes]}
        if path == "/me" and headers.get("Authorization", "").startswith("Bearer "):
            return 200, {"sub": "subject", **self.claims, **self.userinfo}
        return 404, {}

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, object]:
        self.asked.append("/token")
        if "/token" in self.answers:
            return self.answers["/token"]
        name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if (unquote(name), unquote(secret)) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        asked = self._codes.pop(form["code"], None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "access", "token_type": "Bearer", "id_token": self.token(asked["nonce"])}

    def token(self, nonce: str) -> str:
        now = int(time.time())
        usual = {"iss": self.name, "aud": CLIENT, "sub": "subject", "nonce": nonce, "iat": now, "exp": now + 300}
        claims = {name: value for name, value in {**usual, **self.claims}.items() if name not in self.drops}
        header = {"alg": "RS256", "kid": self.signs, **self.header}
        if self.signature:
            return self._forged(header, claims)
        return jwt.encode(header, claims, key(self.signs), algorithms=[header["alg"]])

    def _forged(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        import hmac

        parts = [json.dumps(part).encode() for part in ({**header, "alg": self.signature}, claims)]
        text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        mark = hmac.digest(key(self.signs).as_pem(private=False), text, "sha256") if self.signature == "HS256" else b""
        return (text + b"." + base64.urlsafe_b64encode(mark).rstrip(b"=")).decode()

    def _document(self) -> dict[str, Any]:
        return {
            "issuer": self.name,
            "authorization_endpoint": f"{self.url}/auth",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/me",
            "jwks_uri": f"{self.url}/jwks",
            **self.discovery,
        }

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
