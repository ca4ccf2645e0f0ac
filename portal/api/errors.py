"""What the HTTP API refuses beside what every way in refuses (portal.ingest.errors)."""

from __future__ import annotations

from portal.ingest.errors import NotTaken


class ApiError(Exception):
    """The family of this room: an HTTP status with a title and a sentence that says what to do next."""

    status = 400
    title = "The request cannot be answered"

    def headers(self) -> dict[str, str]:
        """What the answer's header says beside."""
        return {}


REALM = 'Bearer realm="letterlock"'


class TokenRefused(ApiError):
    """The same for a token that is unknown, expired or revoked; without one, no code says so (RFC 6750 §3.1)."""

    status = 401
    title = "A valid token is needed"

    def __init__(self, *, given: bool) -> None:
        self._given = given
        super().__init__(
            "This token is not known here, or has expired, or was revoked; `manage.py token create NAME` makes another."
            if given
            else 'Send "Authorization: Bearer" with a token; `manage.py token create NAME` makes one.'
        )

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": f'{REALM}, error="invalid_token"' if self._given else REALM}


class ScopeMissing(ApiError):
    status = 403
    title = "The token may not do this"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs a token with the scope {scope}; `manage.py token list` shows what each may do.")
        self._scope = scope

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{self._scope}"'}


class TooManyRequests(ApiError):
    status = 429
    title = "Too many requests"

    def __init__(self, limit: int, seconds: int) -> None:
        super().__init__(
            f"A token may make {limit:,} requests a minute; try again in {seconds} seconds. "
            "Many mails in bulk are one request."
        )
        self._seconds = seconds

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self._seconds)}


class TokenUnknown(ApiError):
    def __init__(self) -> None:
        super().__init__("There is no token of this name; `manage.py token list` shows them.")


class TokenCannotBe(ApiError):
    title = "The token cannot be like this"


class MethodRefused(ApiError):
    status = 405
    title = "This method does not work here"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"Use {allowed} at this address.")
        self.allowed = allowed

    def headers(self) -> dict[str, str]:
        return {"Allow": self.allowed}


class LengthMissing(ApiError):
    status = 411
    title = "The length of the body is missing"

    def __init__(self) -> None:
        super().__init__("Send a Content-Length header with the size of the body in bytes.")


class BodyCut(ApiError):
    title = "The body ended too early"

    def __init__(self) -> None:
        super().__init__("Fewer bytes came than Content-Length announced: send the mail again.")


class BodyTooLarge(ApiError):
    status = 413
    title = "The body is too large"

    def __init__(self, most: int) -> None:
        super().__init__(f"This body may have at most {most:,} bytes.")


class JsonRefused(ApiError):
    title = "The body is not usable JSON"

    def __init__(self, sentence: str) -> None:
        super().__init__(f"{sentence} Send one JSON object (RFC 8259).")


class FieldRefused(ApiError):
    """A field is not as it must be. `where` is its name, like attachments[0].name; "" for the whole."""

    status = 422
    title = "A field is not usable"

    def __init__(self, where: str, sentence: str) -> None:
        self.told = (where, sentence)
        super().__init__(f"{where or 'The body'} {sentence}.")


class ParameterRefused(FieldRefused):
    status = 400
    title = "A parameter of the address is not usable"


class KindRefused(ApiError):
    status = 415
    title = "The body has another type than is read here"

    def __init__(self, kinds: str) -> None:
        super().__init__(f"Send the body with Content-Type: {kinds}.")


class NothingHere(ApiError):
    """The same for what is not there and for what another brand has."""

    status = 404
    title = "Nothing is there"

    def __init__(self) -> None:
        super().__init__("Nothing at this address is known to this token; /api/v1/openapi.json lists all addresses.")


class DayRefused(ApiError):
    status = 422
    title = "This cannot be a message's last day"


class OtherMail(ApiError):
    status = 422
    title = "Another mail was sent under this key"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key came with another mail before: choose a new key for a new mail.")


class NameTaken(ApiError):
    def __init__(self) -> None:
        super().__init__("There is a token of this name. Choose another name, or revoke that token first.")


class RunUnknown(ApiError):
    status = 404
    title = "There is no such run"

    def __init__(self) -> None:
        super().__init__("No bulk run of this token is known by that name: use the address in the answer to its POST.")


class WebhookRefused(ApiError):
    title = "The webhook cannot be like this"


class OtherBrand(NotTaken):
    status = 403
    title = "The token is for another brand"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"This token sends only for the brand {slug}: From, Sender and the sender named beside must be at "
            "its domains."
        )


class EntryGone(ApiError):
    title = "The entry is gone"

    def __init__(self) -> None:
        super().__init__("The entry that this delivery tells of is not in the record any more: manage.py audit verify.")
