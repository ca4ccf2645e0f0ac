"""Addresses of the writing room."""

from django.urls import path

from portal.vault import unsent
from portal.writing import views

urlpatterns = [
    path("m/<str:link>/reply", views.write, {"kind": unsent.REPLY}, name="reply"),
    path("m/<str:link>/sent/<uuid:answer>", views.sent, name="sent"),
]
