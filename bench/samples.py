"""Mails to measure with: usual in shape, the same in every run, of a given size."""

from __future__ import annotations

import base64
import os
import random
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

_SENTENCE = (
    "the invoice of last month is attached please tell us by Friday whether amounts and dates are right "
    "as agreed on the phone we have added the second delivery Müller asked about kind regards"
)
_WORDS = _SENTENCE.split()
_BLOCK = 57 * 16384  # whole lines of base64, 57 bytes each


def mail(size: int) -> bytes:
    """A mail of about `size` bytes (± 1 %), at least 8,000: text, HTML and one small attachment; lines end in CRLF."""
    empty = len(_mail(0))
    return _mail((size - empty) * 57 // 78)


def _mail(attached: int) -> bytes:
    chance = random.Random(1)
    message = EmailMessage(policy=SMTP)
    for hop in range(3):
        message["Received"] = (
            f"from mx{hop}.sender.example (mx{hop}.sender.example [192.0.2.{hop + 1}]) by mail.receiver.example"
            f" with ESMTPS id {chance.randbytes(8).hex()} for <b.larsen@receiver.example>;"
            f" Thu, 3 Jan 2030 10:0{hop}:00 +0100"
        )
    message["From"] = "Aylin Müller <aylin@sender.example>"
    message["To"] = "Bo Larsen <b.larsen@receiver.example>, office@receiver.example"
    message["Cc"] = "Accounts <accounts@sender.example>"
    message["Subject"] = "Invoice for December – please check"
    message["Date"] = "Thu, 3 Jan 2030 10:00:00 +0100"
    message["Message-ID"] = "<9f2c@sender.example>"
    message["In-Reply-To"] = "<41aa@receiver.example>"
    message["References"] = "<0b17@sender.example> <41aa@receiver.example>"
    message.set_content(_prose(chance, 1500))
    paragraphs = "".join(f'<p style="margin:0 0 12px">{_prose(chance, 300)}</p>' for _ in range(8))
    message.add_alternative(f"<html><body><h1>Invoice</h1>{paragraphs}</body></html>", subtype="html")
    message.add_attachment(chance.randbytes(attached), maintype="application", subtype="pdf", filename="invoice.pdf")
    message.set_boundary("=_outer_0001")
    (inner, _) = message.iter_parts()
    inner.set_boundary("=_inner_0001")
    return message.as_bytes()


def _prose(chance: random.Random, length: int) -> str:
    text = ""
    while len(text) < length:
        text += " ".join(chance.choice(_WORDS) for _ in range(12)) + ".\n"
    return text


def large_mail(path: Path, size: int) -> None:
    """Write a mail of `size` bytes (± 2 MiB) with one attachment, as it goes over the wire: CRLF, no dot to stuff."""
    with path.open("wb") as file:
        file.write(
            b"From: Aylin <aylin@sender.example>\r\nTo: b.larsen@receiver.example\r\nSubject: Drawings\r\n"
            b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="=_outer_0001"\r\n\r\n'
            b"--=_outer_0001\r\nContent-Type: text/plain\r\n\r\nThe drawings are attached.\r\n"
            b"--=_outer_0001\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n"
            b'Content-Disposition: attachment; filename="drawings.zip"\r\n\r\n'
        )
        while file.tell() < size - _BLOCK:
            file.write(base64.encodebytes(os.urandom(_BLOCK)).replace(b"\n", b"\r\n"))
        file.write(b"--=_outer_0001--\r\n")
