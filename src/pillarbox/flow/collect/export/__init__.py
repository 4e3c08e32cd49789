"""All mail of an account given back: as files in a zip, or into another IMAP server.

The zip holds what other programs read (mbox, a Maildir or .eml files), and beside it pillarbox.json
and a list for each folder, from which another Pillarbox makes the same account again.
"""
