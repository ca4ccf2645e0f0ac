"""The ingest room as a Django app."""

from django.apps import AppConfig


class IngestConfig(AppConfig):
    name = "portal.ingest"
    label = "ingest"

    def ready(self) -> None:
        from portal.delivery.letters import register
        from portal.ingest import refusals, tips
        from portal.ingest.letters import relayed

        register("relay", relayed)
        register("refusal", refusals.build)
        register("tip", tips.build)
