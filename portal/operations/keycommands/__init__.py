"""The verbs of `manage.py keys`, one module each: `HELP`, `add_arguments(parser)` and `run(options, terminal) -> int`.

A module in this folder is a verb; its name is what is typed. `run` returns the exit status, and says by the room's
errors what cannot be done.
"""
