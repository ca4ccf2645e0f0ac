"""Words of the documents of Office 97 to 2003, read without a program."""
