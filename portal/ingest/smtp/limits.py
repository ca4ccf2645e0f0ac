"""How much, how long and how often a client of the door may; for one door process, where nothing else is said."""

COMMAND_SECONDS = 300.0
"""For one whole command line, not for each byte of it (RFC 5321 §4.5.3.2.7)."""
STRANGER_SECONDS = 30.0
"""The same while a client has shown nothing that a connector asks for."""
PROXY_SECONDS = 10.0
HANDSHAKE_SECONDS = 30.0
DATA_SECONDS = 300.0
"""For the next bytes of a mail."""
MAIL_SECONDS = 600.0
SLOWEST = 1024
"""A whole mail may keep the door waiting for MAIL_SECONDS and a second more for every SLOWEST bytes: one byte each
five minutes would hold a place for ever (slow loris)."""
CLOSING_SECONDS = 10.0
"""How long a closed connection may take to read the last reply."""
COMMIT_SECONDS = 3600.0
COMMAND_BYTES = 2048
"""Longest command line: 512 (RFC 5321 §4.5.3.1.4), paths in UTF-8 (RFC 6531 §3.4), and ORCPT's 500 (RFC 3461 §4.2)."""
LOGIN_BYTES = 12_288
"""Longest line of AUTH (RFC 4954 §4)."""
FLOOD_BYTES = 64 * 1024
"""A line that has no end after so many bytes is no command: the connection closes."""
READ_BYTES = 128 * 1024
THREAD_FROM_BYTES = 64 * 1024
"""Up to here a mail is sealed in memory on the loop; from here a thread seals and writes: the disk may be slow."""
MAX_SESSIONS = 1000
MAX_STRANGERS = 50
"""Sessions from networks that no connector lists; they can keep no listed one out."""
MAX_ERRORS = 20
MAX_UNKNOWN = 5
MAX_IDLE_COMMANDS = 100
"""Commands in a row that bring no mail nearer, like NOOP: a way to hold a place for ever."""
MAX_LOGIN_FAILURES = 3
"""In one session; then it ends."""
MAX_PEER_FAILURES = 10
PEER_FAILURE_SECONDS = 600.0
"""Failed logins from one address at all door processes of a host in that time; then none is tried until it is over."""
