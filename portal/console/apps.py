"""The console room as a Django app."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "portal.console"
    label = "console"

    def ready(self) -> None:
        from portal.console import brand_test_mail
        from portal.delivery.letters import register

        register("brand_test", brand_test_mail.build)
