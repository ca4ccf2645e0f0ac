"""Addresses of the writing room."""

from django.urls import path

from portal.reading import actions
from portal.writing import views, write_to

urlpatterns = [
    *(path(f"m/<str:link>/{name}", views.write, {"kind": kind}, name=name) for kind, name in actions.PATHS.items()),
    path("m/<str:link>/sent/<uuid:answer>", views.sent, name="sent"),
    path("write/", write_to.write_to, name="write-to"),
    path("write/passcode/", write_to.passcode, name="write-passcode"),
    path("write/passcode/again/", write_to.again, name="write-again"),
    path("write/sent/", write_to.sent, name="write-sent"),
    path("write/<slug:slug>", write_to.write_to, name="write-to-department"),
]
