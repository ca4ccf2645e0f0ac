"""Addresses of the writing room."""

from django.urls import path

from portal.reading import actions
from portal.writing import pieces, views

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
]
