"""The console room as a Django app."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "portal.console"
    label = "console"

    def ready(self) -> None:
        from portal.delivery.letters import register
        from portal.later import later

        register("brand_test", later("portal.console.brand_test_mail.build"))
