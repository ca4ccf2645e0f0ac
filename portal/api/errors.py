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
    title = "Only POST works here"

    def __init__(self) -> None:
        super().__init__("Send the mail as the body of a POST request.")


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
