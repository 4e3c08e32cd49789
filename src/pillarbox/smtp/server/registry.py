"""The lists of all verbs and extensions. To add one: its module, its line here, its transcript."""

from __future__ import annotations

from pillarbox.smtp.server.extensions import (
    auth,
    binarymime,
    chunking,
    dsn,
    eightbitmime,
    enhancedstatuscodes,
    futurerelease,
    limits,
    pipelining,
    requiretls,
    size,
    smtputf8,
    starttls,
)
from pillarbox.smtp.server.verb import Dialect, Extension, Verb
from pillarbox.smtp.server.verbs import data, hello, mail, plain, rcpt, vrfy

VERBS: tuple[Verb, ...] = (
    hello.EHLO,
    hello.HELO,
    hello.LHLO,
    mail.VERB,
    rcpt.VERB,
    data.VERB,
    plain.RSET,
    plain.NOOP,
    plain.QUIT,
    plain.HELP,
    vrfy.VRFY,
    vrfy.EXPN,
)

# In the order in which EHLO names them.
EXTENSIONS: tuple[Extension, ...] = (
    size.EXTENSION,
    eightbitmime.EXTENSION,
    pipelining.EXTENSION,
    enhancedstatuscodes.EXTENSION,
    starttls.EXTENSION,
    auth.EXTENSION,
    smtputf8.EXTENSION,
    chunking.EXTENSION,
    binarymime.EXTENSION,
    dsn.EXTENSION,
    limits.EXTENSION,
    futurerelease.EXTENSION,
    requiretls.EXTENSION,
)


def _dialect() -> Dialect:
    verbs = [*VERBS, *(verb for extension in EXTENSIONS for verb in extension.verbs)]
    return Dialect(
        verbs={verb.name: verb for verb in verbs},
        extensions=EXTENSIONS,
        mail={row.keyword: (one, row) for one in EXTENSIONS for row in one.mail},
        rcpt={row.keyword: (one, row) for one in EXTENSIONS for row in one.rcpt},
    )


DIALECT = _dialect()
