"""What a rule set may hold at most: each limit is told when it is passed, and none can be changed by a rule."""

from __future__ import annotations

MOST_RULES = 1000
MOST_DEPTH = 6
"""Groups inside groups, the outermost counted."""
MOST_CONDITIONS = 200
"""Of one rule, exceptions included."""
MOST_ACTIONS = 20
MOST_VALUES = 1024
"""Words, addresses, domains, networks or groups in one list."""
MOST_PATTERNS = 100
LONGEST_WORD = 128
LONGEST_PATTERN = 1000
LONGEST_NAME = 100
LONGEST_NOTE = 1000
LONGEST_TEXT = 500
"""What a refusal, a hold or a word to the sender says."""
LONGEST_DISCLAIMER = 5000
LONGEST_HEADER_VALUE = 500
MOST_DOCUMENT_BYTES = 1 << 20
"""Of a whole rule set, as JSON or YAML."""
MOST_TREE = 64
"""Levels of lists and mappings in a file that is read."""
PATTERN_MEMORY = 256 << 20
"""Bytes that one set of patterns may take when it is compiled."""
MOST_SCANNED = 64 << 20
"""Characters of one text that words and patterns look at; beyond them it counts as not readable."""
