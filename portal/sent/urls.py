"""Addresses of the sender's room. None holds anything a person wrote."""

from django.urls import path

from portal.sent import acting, views

urlpatterns = [
    path("sent/", views.sent, name="sent-messages"),
    path("sent/<uuid:id_>/", views.message, name="sent-message"),
    path("sent/<uuid:id_>/withdraw/", acting.withdraw, name="sent-withdraw"),
    path("sent/<uuid:id_>/undo/", acting.undo, name="sent-undo"),
    path("sent/<uuid:id_>/date/", acting.date, name="sent-date"),
    path("sent/<uuid:id_>/rights/", acting.rights, name="sent-rights"),
    path("sent/<uuid:id_>/resend/", acting.resend, name="sent-resend"),
]
