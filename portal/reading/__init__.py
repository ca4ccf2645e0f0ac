"""Inbox, message page, files."""
