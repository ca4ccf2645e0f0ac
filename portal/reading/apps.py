"""The reading room as a Django app."""

from django.apps import AppConfig


class ReadingConfig(AppConfig):
    name = "portal.reading"
    label = "reading"

    def ready(self) -> None:
        from portal.reading import wording
        from portal.rules.contents import readers

        readers["application/pdf"] = wording.of_pdf
