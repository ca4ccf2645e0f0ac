"""The inbox leads back to what was begun and not sent, and to nobody else's."""

from __future__ import annotations

import pytest

from portal.vault.models import Message, Reader
from tests.mails import JONAS, KARIN, mail
from tests.seals import path_of, reader_of, seal, signed_in, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> Reader:
    return reader_of(seal(mail("[secure] Results"), JONAS, KARIN))


def test_a_draft_is_a_line_that_leads_to_its_form(reader: Reader) -> None:
    client = signed_in(reader)
    assert "Drafts" not in words(client.get("/inbox/").content), "a chip for nothing would only ask to be understood"
    client.post(f"{path_of(reader)}/reply", {"do": "save", "message": "canary-words"})
    inbox = client.get("/inbox/").content.decode()
    assert "Drafts 1" in words(inbox.encode())
    assert 'href="/inbox/?show=drafts"' in inbox
    drafts = client.get("/inbox/?show=drafts").content.decode()
    assert f'href="{path_of(reader)}/reply"' in drafts
    assert "Draft of a reply" in words(drafts.encode())
    assert "Results" in drafts
    assert "canary-words" not in drafts
    assert "/inbox/hide/" not in drafts, "what is hidden is a conversation"


def test_it_is_their_own_and_goes_with_the_message(reader: Reader) -> None:
    client, karin = signed_in(reader), signed_in(reader_of(reader.message, KARIN))
    client.post(f"{path_of(reader)}/reply", {"do": "save", "message": "x"})
    assert "Drafts" not in words(karin.get("/inbox/").content)
    assert path_of(reader) not in karin.get("/inbox/?show=drafts").content.decode()
    Message.objects.update(state=Message.State.WITHDRAWN)
    page = client.get("/inbox/?show=drafts").content
    assert "Drafts 0" in words(page)
    assert "Nothing here" in words(page)
