"""Recipes: how to put Letterlock behind a mail server, with an installation's own values filled in."""
