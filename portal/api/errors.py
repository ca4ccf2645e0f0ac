"""What the HTTP API refuses beside what every way in refuses (portal.ingest.errors)."""

from __future__ import annotations


class ApiError(Exception):
    """The family of this room: an HTTP status with a title and a sentence that says what to do next."""

    status = 400
    title = "The request cannot be answered"


class TokenRefused(ApiError):
    status = 401
    title = "A valid token is needed"

    def __init__(self) -> None:
        super().__init__('Send "Authorization: Bearer" with a token; `manage.py token create NAME` makes one.')


class MethodRefused(ApiError):
    status = 405
    title = "This method does not work here"

    def __init__(self, allowed: str = "POST") -> None:
        super().__init__(
            "Send the mail as the body of a POST request." if allowed == "POST" else f"Use {allowed} at this address."
        )
        self.allowed = allowed


class LengthMissing(ApiError):
    status = 411
    title = "The length of the body is missing"

    def __init__(self) -> None:
        super().__init__("Send a Content-Length header with the size of the mail in bytes.")


class TypeRefused(ApiError):
    status = 415
    title = "The body must be a mail"

    def __init__(self) -> None:
        super().__init__("Send a whole mail (RFC 5322) as the body, with Content-Type: message/rfc822.")


class BodyCut(ApiError):
    title = "The body ended too early"

    def __init__(self) -> None:
        super().__init__("Fewer bytes came than Content-Length announced: nothing was kept, send the mail again.")


class NameTaken(ApiError):
    def __init__(self) -> None:
        super().__init__("There is a token of this name. Choose another name, or remove that token first.")


class BulkTypeRefused(ApiError):
    status = 415
    title = "The body must be NDJSON or a zip archive"

    def __init__(self) -> None:
        super().__init__(
            "Send one JSON object a line with Content-Type: application/x-ndjson, or a zip of .eml files with "
            "Content-Type: application/zip."
        )


class RunUnknown(ApiError):
    status = 404
    title = "There is no such run"

    def __init__(self) -> None:
        super().__init__("No bulk run of this token is known by that name: use the address in the answer to its POST.")


class PageRefused(ApiError):
    title = "The page cannot be found"

    def __init__(self) -> None:
        super().__init__("after and limit must be whole numbers; follow the address in next to see the next page.")


class WebhookRefused(ApiError):
    title = "The webhook cannot be like this"
