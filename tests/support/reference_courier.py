"""Debian's Courier IMAP and POP3, unpacked and never installed, from a temporary folder.

Its folders hang below INBOX with "." between the levels, it has neither LITERAL+ nor CONDSTORE nor
STATUS in LIST, and it refuses characters beyond the basic plane in names: a source unlike Dovecot.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support import unpacked

_PACKAGES = (
    "courier-base",
    "courier-imap",
    "courier-pop",
    "courier-authlib",
    "courier-authlib-userdb",
)
_OWNER = "mail"

_SCRIPT = """
mkdir -p /run/courier/authdaemon /etc/courier
cp "$1/authdaemonrc" "$1/userdb" /etc/courier/
chmod 600 /etc/courier/userdb
makeuserdb
for home in "$1"/homes/*; do
  [ -d "$home/Maildir" ] || maildirmake.courier "$home/Maildir"
done
chown -R {owner}:{owner} "$1/homes"
set -a
LANG=C.UTF-8
POP3AUTH="PLAIN LOGIN"
IMAP_CAPABILITY="IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT \\
THREAD=REFERENCES SORT QUOTA IDLE"
IMAP_KEYWORDS=1
IMAP_ACL=1
IMAP_USELOCKS=1
IMAP_CHECK_ALL_FOLDERS=0
IMAP_IDLE_TIMEOUT=60
IMAP_UMASK=022
libexec=/usr/lib/courier
$libexec/courier-authlib/authdaemond &
while [ ! -S /run/courier/authdaemon/socket ]; do sleep 0.05; done
serve="couriertcpd -address={host} -maxprocs=100 -maxperip=100 -nodnslookup -noidentlookup"
$serve {imap} $libexec/courier/imaplogin /usr/bin/imapd Maildir &
$serve {pop3} $libexec/courier/courierpop3login $libexec/courier/courierpop3d Maildir &
wait
"""

_AUTHDAEMONRC = """
authmodulelist="authuserdb"
authmodulelistorig="authuserdb"
daemons=3
authdaemonvar=/run/courier/authdaemon
"""


@dataclass(frozen=True, slots=True)
class CourierSettings:
    """What a test chooses."""

    imap: int
    pop3: int
    users: Mapping[str, str]  # login → password
    host: str = "127.0.0.1"


def missing_courier() -> str | None:
    """Why Courier can't run here, or None."""
    return unpacked.missing(_PACKAGES)


@contextlib.contextmanager
def running_courier(folder: Path, settings: CourierSettings) -> Iterator[subprocess.Popen[bytes]]:
    """Run it until the block ends. An account's mail is in `folder`/homes/LOGIN/Maildir."""
    owner = pwd.getpwnam(_OWNER)
    (folder / "homes").mkdir(parents=True)
    (folder / "authdaemonrc").write_text(_AUTHDAEMONRC)
    lines = []
    for login, password in settings.users.items():
        home = folder / "homes" / login
        home.mkdir()
        os.chown(home, owner.pw_uid, owner.pw_gid)
        fields = f"uid={owner.pw_uid}|gid={owner.pw_gid}|home={home}|mail={home}/Maildir"
        lines.append(f"{login}\t{fields}|systempw={_hashed(password)}\n")
    (folder / "userdb").write_text("".join(lines))
    script = _SCRIPT.format(
        owner=_OWNER, host=settings.host, imap=settings.imap, pop3=settings.pop3
    )
    ports = (settings.imap, settings.pop3)
    with unpacked.running_unpacked(folder, _PACKAGES, script, ports) as process:
        yield process


def _hashed(password: str) -> str:
    """As crypt(3) knows it."""
    done = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"],
        input=password,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
