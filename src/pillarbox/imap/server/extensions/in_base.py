"""Extensions that IMAP4rev2 took in: the base commands do what they say; here it is only said."""

from __future__ import annotations

from pillarbox.imap.server.command import Extension
from pillarbox.imap.server.commands.mailbox_changes import parse_uses

EXTENSIONS = (
    Extension(rfc=3501, capabilities=("IMAP4rev1",), before_login=True),
    Extension(rfc=9051, capabilities=("IMAP4rev2",), before_login=True, enable=("IMAP4REV2",)),
    # RFC 7888 §5: a server says LITERAL+ or LITERAL-, never both; the first allows more.
    Extension(rfc=7888, capabilities=("LITERAL+",), before_login=True),
    Extension(rfc=4959, capabilities=("SASL-IR",), before_login=True),
    Extension(rfc=5161, capabilities=("ENABLE",), before_login=True),
    Extension(rfc=2177, capabilities=("IDLE",)),
    Extension(rfc=2342, capabilities=("NAMESPACE",)),
    Extension(rfc=3348, capabilities=("CHILDREN",)),
    Extension(rfc=3691, capabilities=("UNSELECT",)),
    Extension(rfc=4315, capabilities=("UIDPLUS",), response_codes=("APPENDUID", "COPYUID")),
    Extension(rfc=3502, capabilities=("MULTIAPPEND",)),
    Extension(rfc=6851, capabilities=("MOVE",)),
    Extension(rfc=5258, capabilities=("LIST-EXTENDED",)),
    Extension(rfc=5819, capabilities=("LIST-STATUS",)),
    Extension(
        rfc=6154,
        capabilities=("SPECIAL-USE", "CREATE-SPECIAL-USE"),
        create_params={"USE": parse_uses},
        response_codes=("USEATTR",),
    ),
    Extension(rfc=8438, capabilities=("STATUS=SIZE",)),
    Extension(rfc=5530, response_codes=("UNAVAILABLE", "AUTHENTICATIONFAILED", "SERVERBUG")),
)
