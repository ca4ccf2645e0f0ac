"""File names are safe on every disk and in every header."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.mime.names import content_disposition, safe_file_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\temp\\x.doc", "x.doc"),
        ("C:evil.exe", "C_evil.exe"),
        ("con", "_con.pdf"),
        ("NUL.txt", "_NUL.txt"),
        ("aux .txt", "_aux .txt"),
        ("COM¹.txt", "_COM¹.txt"),
        ("CONSOLE.txt", "CONSOLE.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\r\nSet-Cookie: x.pdf", "a Set-Cookie_ x.pdf"),
        ("invoice.pdf          .exe", "invoice.pdf .exe"),
        ("..", "file.pdf"),
        ("", "file.pdf"),
        (".htaccess", "htaccess.pdf"),
        ("name.pdf. . ", "name.pdf"),
        ("Ünïcödé 文件.pdf", "Ünïcödé 文件.pdf"),
        ("U\u0308ber.pdf", "Über.pdf"),
        ('a<b>|"?*.pdf', "a_b_____.pdf"),
        ("\ud800.pdf", "pdf.pdf"),
    ],
)
def test_names_become_safe(name: str, safe: str) -> None:
    assert safe_file_name(name, "application/pdf") == safe


def test_long_names_keep_their_extension() -> None:
    assert safe_file_name("x" * 1000 + ".pdf", "") == "x" * 176 + ".pdf"
    assert safe_file_name("文" * 1000 + ".docx", "").endswith("文.docx")
    assert len(safe_file_name("." + "x" * 1000, "").encode()) == 180


@pytest.mark.parametrize(
    ("content_type", "name"),
    [("image/png", "picture.png"), ("message/rfc822", "message.eml"), ("text/calendar", "text.ics"), ("x/y", "file")],
)
def test_a_missing_name_comes_from_the_type(content_type: str, name: str) -> None:
    assert safe_file_name("", content_type) == name


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=300), st.sampled_from(["application/pdf", "", "x/y"]))
def test_any_name_becomes_safe_and_stays_so(name: str, content_type: str) -> None:
    safe = safe_file_name(name, content_type)
    assert safe and len(safe.encode()) <= 180
    assert not set(safe) & set('/\\<>:"|?*')
    assert safe.strip(". ") == safe
    assert not any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in safe)
    assert not set(safe) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u200b\ufeff")
    assert safe_file_name(safe, content_type) == safe


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=100))
def test_the_download_header_is_one_line_of_visible_ascii(name: str) -> None:
    value = content_disposition(name)
    assert re.fullmatch(r"attachment; filename=\"[ !#-\[\]-~]*\"; filename\*=UTF-8''[A-Za-z0-9!#$&+.^_`|~%-]*", value)


def test_the_download_header_names_the_file_twice() -> None:
    assert content_disposition("Über 1%.pdf") == (
        "attachment; filename=\"_ber 1_.pdf\"; filename*=UTF-8''%C3%9Cber%201%25.pdf"
    )
