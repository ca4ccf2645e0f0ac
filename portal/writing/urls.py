"""Addresses of the writing room."""

from django.urls import path

from portal.reading import actions
from portal.writing import deciding, pieces, views, write_to, write_to_passcode, write_to_sending

urlpatterns = [
    *(path(f"m/<str:link>/{name}", views.write, {"kind": kind}, name=name) for kind, name in actions.PATHS.items()),
    *(
        path(f"m/<str:link>/{name}/files", pieces.begin, {"kind": kind}, name=f"{name}-files")
        for kind, name in actions.PATHS.items()
    ),
    *(
        path(f"m/<str:link>/{name}/files/<str:file>", pieces.one, {"kind": kind}, name=f"{name}-file")
        for kind, name in actions.PATHS.items()
    ),
    path("m/<str:link>/sent/<uuid:answer>", views.sent, name="sent"),
    path("m/<str:link>/decide/", deciding.decide, name="decide"),
    path("m/<str:link>/decide/<slug:chosen>/", deciding.decide, name="decide-chosen"),
    path("write/", write_to.write_to, name="write-to"),
    path("write/passcode/", write_to_passcode.passcode, name="write-passcode"),
    path("write/passcode/again/", write_to_passcode.again, name="write-again"),
    path("write/sent/", write_to_sending.sent, name="write-sent"),
    path("write/<slug:slug>", write_to.write_to, name="write-to-department"),
]
