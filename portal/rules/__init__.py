"""Mail-flow rules: facts about a mail in, a decision out."""
