"""The writing room as a Django app."""

from django.apps import AppConfig


class WritingConfig(AppConfig):
    name = "portal.writing"
    label = "writing"

    def ready(self) -> None:
        from portal.delivery.letters import register
        from portal.later import later

        register("note", later("portal.writing.notes.note"))
