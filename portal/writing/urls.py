"""Addresses of the writing room."""

from django.urls import path

from portal.writing import views

urlpatterns = [
    path("m/<str:link>/reply", views.reply, name="reply"),
    path("m/<str:link>/sent/<uuid:answer>", views.sent, name="sent"),
]
