"""Addresses of the demo; every one of them is 404 when it is off. None holds a mail address."""

from django.urls import path

from portal.operations.demo import views

urlpatterns = [
    path("demo/", views.doors, name="demo"),
    path("demo/sent/<uuid:id_>/", views.sent, name="demo-sent"),
    path("demo/administrator/", views.administrator, name="demo-administrator"),
    path("demo/mail/", views.mail, name="demo-mail"),
    path("demo/mail/<slug:box>/", views.mail, name="demo-box"),
    path("demo/mail/one/<str:id_>/", views.one, name="demo-one"),
    path("demo/mail/one/<str:id_>/text/", views.one, {"tab": "text"}, name="demo-text"),
    path("demo/mail/one/<str:id_>/source/", views.one, {"tab": "source"}, name="demo-source"),
    path("demo/mail/one/<str:id_>/html/", views.framed, name="demo-html"),
]
