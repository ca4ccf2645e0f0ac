"""Addresses of the sender's room. None holds anything a person wrote."""

from django.urls import path

from portal.sent import acting, adding, asked, defaults, lending, views

urlpatterns = [
    path("sent/", views.sent, name="sent-messages"),
    path("sent/<uuid:id_>/", views.message, name="sent-message"),
    path("sent/<uuid:id_>/withdraw/", acting.withdraw, name="sent-withdraw"),
    path("sent/<uuid:id_>/undo/", acting.undo, name="sent-undo"),
    path("sent/<uuid:id_>/date/", acting.date, name="sent-date"),
    path("sent/<uuid:id_>/rights/", acting.rights, name="sent-rights"),
    path("sent/<uuid:id_>/resend/", acting.resend, name="sent-resend"),
    path("sent/<uuid:id_>/add/", adding.add, name="sent-add"),
    path("sent/<uuid:id_>/more-time/", asked.no_more_time, name="sent-no-more-time"),
    path("sent/settings/", defaults.settings, name="sent-settings"),
    path("sent/delegates/", lending.everyone, name="sent-delegates"),
    path("sent/delegates/add/", lending.add, name="sent-delegate-add"),
    path("sent/delegates/<uuid:id_>/end/", lending.end, name="sent-delegate-end"),
    path("sent/asked/<uuid:id_>/", asked.other_address, name="sent-asked"),
]
