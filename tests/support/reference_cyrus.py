"""Debian's Cyrus IMAP and POP3, unpacked and never installed, from a temporary folder.

Set up as Debian does it: folders hang below INBOX with "." between the levels, names may not hold
quotes or slashes. Unlike Courier it has LITERAL+, CONDSTORE, QRESYNC and COMPRESS. Any password is
right: its SASL library's `alwaystrue` asks for no database.
"""

from __future__ import annotations

import contextlib
import imaplib
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support import unpacked

_PACKAGES = ("cyrus-common", "cyrus-imapd", "cyrus-pop3d")
_ADMIN = "cyrus"
_NUMBER, _GROUP = 8126, 8  # compiled in by name only; the number is ours, the group Debian's mail

_SCRIPT = """
echo '{admin}:x:{number}:{group}::/nonexistent:/usr/sbin/nologin' >> /etc/passwd
cp "$1/imapd.conf" "$1/cyrus.conf" /etc/
mkdir -p /run/cyrus/socket /run/cyrus/proc /run/cyrus/lock "$1/state" "$1/spool" "$1/sieve"
chown -R {number}:{group} /run/cyrus "$1/state" "$1/spool" "$1/sieve"
/usr/lib/cyrus/bin/makedirs >/dev/null
exec /usr/lib/cyrus/bin/master -C /etc/imapd.conf -M /etc/cyrus.conf -p /run/cyrus/master.pid -D
"""

_IMAPD_CONF = """
configdirectory: {folder}/state
defaultpartition: default
partition-default: {folder}/spool
proc_path: /run/cyrus/proc
mboxname_lockpath: /run/cyrus/lock
altnamespace: no
unixhierarchysep: no
virtdomains: off
allowplaintext: yes
sasl_pwcheck_method: alwaystrue
sasl_mech_list: PLAIN LOGIN
admins: {admin}
sievedir: {folder}/sieve
popminpoll: 0
umask: 077
"""

_CYRUS_CONF = """
START {{
  recover cmd="ctl_cyrusdb -r"
}}
SERVICES {{
  imap cmd="imapd -U 30" listen="{host}:{imap}" prefork=0 maxchild=50
  pop3 cmd="pop3d -U 30" listen="{host}:{pop3}" prefork=0 maxchild=50
}}
EVENTS {{
  checkpoint cmd="ctl_cyrusdb -c" period=30
}}
"""


@dataclass(frozen=True, slots=True)
class CyrusSettings:
    """What a test chooses. Logins hold no dot: that is the delimiter."""

    imap: int
    pop3: int
    users: Mapping[str, str]  # login → password, of which any is right
    host: str = "127.0.0.1"


def missing_cyrus() -> str | None:
    """Why Cyrus can't run here, or None."""
    return unpacked.missing(_PACKAGES)


@contextlib.contextmanager
def running_cyrus(folder: Path, settings: CyrusSettings) -> Iterator[subprocess.Popen[bytes]]:
    """Run `master` until the block ends; every user has an INBOX."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "imapd.conf").write_text(_IMAPD_CONF.format(folder=folder, admin=_ADMIN))
    (folder / "cyrus.conf").write_text(
        _CYRUS_CONF.format(host=settings.host, imap=settings.imap, pop3=settings.pop3)
    )
    script = _SCRIPT.format(admin=_ADMIN, number=_NUMBER, group=_GROUP)
    ports = (settings.imap, settings.pop3)
    with unpacked.running_unpacked(folder, _PACKAGES, script, ports) as process:
        with imaplib.IMAP4(settings.host, settings.imap) as admin:
            admin.login(_ADMIN, "any")
            for login in settings.users:
                admin.create(f"user.{login}")
        yield process
