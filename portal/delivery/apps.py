"""The delivery room as a Django app."""

from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "portal.delivery"
    label = "delivery"

    def ready(self) -> None:
        from portal.delivery import notices, replies, reports, telling
        from portal.delivery.letters import register

        register("notice", notices.build)
        register("reply", replies.build)
        register("telling", telling.build)
        register("report", reports.build)
