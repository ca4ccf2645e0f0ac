"""What SCIM requests are refused with (RFC 7644 section 3.12)."""

from __future__ import annotations

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(Exception):
    """Status, kind (`scimType`, table 9) and a sentence that quotes nothing of the request."""

    def __init__(self, status: int, sentence: str, kind: str = "") -> None:
        super().__init__(sentence)
        self.status, self.kind = status, kind

    def document(self) -> dict[str, object]:
        told: dict[str, object] = {"schemas": [ERROR], "status": str(self.status), "detail": str(self)}
        return {**told, "scimType": self.kind} if self.kind else told


def not_found() -> ScimError:
    return ScimError(404, "There is no such resource here.")


def bad_value(sentence: str) -> ScimError:
    return ScimError(400, sentence, "invalidValue")
