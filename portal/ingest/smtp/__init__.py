"""The door's dialogue: SMTP and LMTP for the organisation's own mail servers. 250 means that the mail is durable."""
