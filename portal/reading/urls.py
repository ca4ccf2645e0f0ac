"""Addresses of the reading room. None holds anything a person wrote."""

from django.urls import path

from portal.reading import codes, files, inbox, inner, more_time, pages, pictures, posting, preview_pages, views

urlpatterns = [
    path("", views.start, name="start"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/hide/", inbox.hide, name="inbox-hide"),
    path("inbox/undo/", inbox.undo, name="inbox-undo"),
    path("open/", posting.open_file, name="open"),
    path("m/<str:link>", views.message, name="message"),
    path("m/<str:link>/more-time/", more_time.ask, name="more-time"),
    path("more-time/<str:token>", more_time.answer, name="more-time-answer"),
    path("m/<str:link>/code/", codes.code, name="code"),
    path("m/<str:link>/body", views.body, name="body"),
    # Beside "body", for what it shows is found from there: inline/1.
    path("m/<str:link>/body-<int:number>", inner.body, name="inner-body"),
    path("m/<str:link>/inner/<int:number>", inner.message, name="inner"),
    path("m/<str:link>/inline/<int:number>", files.inline, name="inline"),
    path("m/<str:link>/pictures", pictures.show, name="pictures"),
    path("m/<str:link>/picture/<int:number>", pictures.picture, name="picture"),
    path("m/<str:link>/file/<int:number>", files.download, name="file"),
    path("m/<str:link>/file/<int:number>/preview", preview_pages.preview, name="preview"),
    path("m/<str:link>/file/<int:number>/preview/<int:page>", preview_pages.preview, name="preview-page"),
    path("m/<str:link>/file/<int:number>/preview/<int:page>/picture", preview_pages.picture, name="preview-picture"),
    path("m/<str:link>/file/<int:number>/preview/<int:page>/text", preview_pages.text, name="preview-text"),
    path("m/<str:link>/mark.svg", preview_pages.mark, name="mark"),
    path("m/<str:link>/files", files.everything, name="files"),
    path("m/<str:link>/original", files.original, name="original"),
    *pages.urlpatterns,
]
