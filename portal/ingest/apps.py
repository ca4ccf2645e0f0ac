"""The ingest room as a Django app."""

from django.apps import AppConfig


class IngestConfig(AppConfig):
    name = "portal.ingest"
    label = "ingest"

    def ready(self) -> None:
        from portal.access import grants
        from portal.delivery.letters import register
        from portal.ingest.granted import KIND
        from portal.later import later

        grants.register(KIND)

        register("relay", later("portal.ingest.letters.relayed"))
        register("refusal", later("portal.ingest.refusals.build"))
        register("tip", later("portal.ingest.tips.build"))
