"""Addresses of the writing room."""

from django.urls import path

from portal.reading import actions
from portal.writing import views

urlpatterns = [
    *(path(f"m/<str:link>/{name}", views.write, {"kind": kind}, name=name) for kind, name in actions.PATHS.items()),
    path("m/<str:link>/sent/<uuid:answer>", views.sent, name="sent"),
]
