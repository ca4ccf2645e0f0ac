"""The reading room as a Django app."""

from django.apps import AppConfig


class ReadingConfig(AppConfig):
    name = "portal.reading"
    label = "reading"

    def ready(self) -> None:
        from portal.later import later
        from portal.rules.reading import readers

        readers["application/pdf"] = later("portal.reading.wording.of_pdf")
