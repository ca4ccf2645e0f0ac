"""Commands of the directory room."""
