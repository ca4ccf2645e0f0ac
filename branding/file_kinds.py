"""What a file is, in a word that everyone knows, by the ending of its name: nothing of what is in it is looked at."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_BY_ENDINGS: dict[str, Promise] = {
    "pdf": _("PDF"),
    "jpg jpeg png gif bmp heic heif webp avif tif tiff svg": _("Picture"),
    "mp4 mov avi mkv webm m4v 3gp mpg mpeg wmv": _("Video"),
    "mp3 m4a wav ogg oga opus aac amr flac wma": _("Sound recording"),
    "doc docx docm dot dotx": _("Word document"),
    "odt rtf txt pages": _("Text document"),
    "xls xlsx xlsm xlsb ods csv numbers": _("Spreadsheet"),
    "ppt pptx pps ppsx odp key": _("Presentation"),
    "ics": _("Calendar event"),
    "vcf": _("Contact"),
    "eml msg": _("Saved email"),
    "html htm": _("Web page"),
    "zip": _("ZIP file"),
}
_BY_ENDING = {ending: word for endings, word in _BY_ENDINGS.items() for ending in endings.split()}
_ANY = _("File")


def kind_of(name: str) -> str:
    """“Picture” for “knee.jpg”, in the language of the page; “File” for what few people know by its ending."""
    return str(_BY_ENDING.get(name.rpartition(".")[2].lower() if "." in name else "", _ANY))
