"""The delivery room as a Django app."""

from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "portal.delivery"
    label = "delivery"

    def ready(self) -> None:
        from portal.delivery.letters import register
        from portal.later import later

        register("notice", later("portal.delivery.notices.build"))
        register("reply", later("portal.delivery.replies.build"))
        register("large", later("portal.delivery.large.build"))
        register("telling", later("portal.delivery.telling.build"))
        register("report", later("portal.delivery.reports.build"))
