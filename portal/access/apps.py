"""The access room as a Django app."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "portal.access"
    label = "access"

    def ready(self) -> None:
        from branding import sealing
        from portal.access import granted, granted_brand, grants
        from portal.delivery import asking, telling, tongue
        from portal.delivery.letters import register
        from portal.later import later

        grants.register(*granted.KINDS, granted_brand.KIND)
        sealing.hand_in(grants)
        register("passcode", later("portal.access.letters.passcode"))
        register("invitation", later("portal.access.invitations.invitation"))
        for kind in ("passkey", "kept"):
            register(kind, later("portal.access.alerts.alert"))
        register("alarm", later("portal.access.alarms.build"))
        register("request", later("portal.access.sender_requests.build"))
        register("opened", later("portal.access.receipts.build"))
        register("digest", later("portal.access.openings.build"))
        register("delegated", later("portal.access.delegates.build"))
        telling.register_page(later("portal.access.senders.page_of"))
        asking.register(later("portal.access.ways.asks_for"))
        tongue.register(later("portal.access.language.of_readers"))
