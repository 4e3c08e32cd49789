"""Mail out of files: mbox, Maildir, .eml, Google Takeout, and what `pillarbox export` wrote.

mbox, Maildir and .emlx hold mail with the line ends of files: each LF becomes the CR LF that the
message had on its way. Other files are taken octet by octet, but for an .eml without any CR, which
some program on Unix saved. Nothing is ever written to what is read.
"""
