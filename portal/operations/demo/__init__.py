"""The demo: an organisation to look at, three doors to walk through, and a mailbox for everyone in it."""
