"""The writing room as a Django app."""

from django.apps import AppConfig


class WritingConfig(AppConfig):
    name = "portal.writing"
    label = "writing"

    def ready(self) -> None:
        from portal.delivery.letters import register
        from portal.writing.notes import note

        register("note", note)
