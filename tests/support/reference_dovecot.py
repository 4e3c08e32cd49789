"""Debian's Dovecot, from a temporary folder on free loopback ports.

It is the judge of the interop tests (they must pass against it) and the neighbour in the
benchmarks. Needs root, since Dovecot changes to its own users; nothing under /etc is read.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.server import wait_for_port

MAIL_USER = "mail"
_MAIL_LOCATION = {
    "maildir": "maildir:~/Maildir",
    "mdbox": "mdbox:~/mdbox",
    "sdbox": "sdbox:~/sdbox",
}

# Limits are out of the way; durability is the strictest that Dovecot has (mail_fsync = always).
_CONFIG = """
base_dir = {run}
state_dir = {run}
instance_name = {instance}
log_path = {folder}/dovecot.log
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = no
auth_mechanisms = plain login scram-sha-256
auth_cache_size = {auth_cache}
auth_failure_delay = 0
first_valid_uid = 1
mail_location = {location}
mail_fsync = {fsync}
mail_plugins = quota{escaping}
mail_max_userip_connections = 0
recipient_delimiter = +
lmtp_save_to_detail_mailbox = no
submission_host = 127.0.0.1:1

passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {users}
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {users}
}}
namespace inbox {{
  inbox = yes
  separator = {separator}
  mailbox Drafts {{
    special_use = \\Drafts
    auto = subscribe
  }}
  mailbox Sent {{
    special_use = \\Sent
    auto = subscribe
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = subscribe
  }}
}}
protocol imap {{
  mail_plugins = quota imap_quota imap_zlib{escaping}
  imap_capability = +
}}
protocol pop3 {{
  mail_plugins = quota{escaping}
}}
protocol lmtp {{
  mail_plugins = quota{escaping}
}}
plugin {{
  quota = count:User quota
  quota_rule = *:storage=20G
  quota_vsizes = yes
}}
mailbox_list_index = yes
default_process_limit = 4000
default_client_limit = 8000
default_vsz_limit = 2G
service anvil {{
  client_limit = 20000
}}
service auth {{
  client_limit = 20000
  unix_listener auth-client {{
    mode = 0666
  }}
{postfix_auth}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
  service_count = 0
  process_min_avail = {cores}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
  service_count = 0
  process_min_avail = {cores}
}}
service imap {{
  service_count = 256
  process_min_avail = {cores}
}}
service lmtp {{
  process_min_avail = 4
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
{postfix_lmtp}
}}
"""

_POSTFIX_LISTENER = """  unix_listener {path} {{
    mode = 0666
    user = postfix
  }}"""


@dataclass(frozen=True, slots=True)
class DovecotSettings:
    """What a test or benchmark chooses."""

    imap: int
    imaps: int
    pop3: int
    pop3s: int
    lmtp: int
    mail_format: str = "maildir"
    fsync: str = "always"
    auth_cache: str = "10M"
    separator: str = "/"
    any_name: bool = False  # mailbox names may hold what the file system may not
    more: str = ""  # lines of configuration behind all others
    postfix_sockets: Path | None = None  # the queue's `private` folder; must exist


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running Dovecot."""

    folder: Path
    process: subprocess.Popen[bytes]


def missing_dovecot() -> str | None:
    """Why Dovecot can't run here, or None."""
    if shutil.which("dovecot", path=_path()) is None:
        return "dovecot is not installed"
    return None if os.geteuid() == 0 else "the reference servers need root"


def add_user(folder: Path, login: str, password: str) -> None:
    """Append a line to the users file: login, password with scheme, owner and home.

    Dovecot reads the file again when it changes, but looks only once a second.
    """
    folder.mkdir(parents=True, exist_ok=True)
    owner = pwd.getpwnam(MAIL_USER)
    home = folder / "homes" / login
    line = f"{login}:{password}:{owner.pw_uid}:{owner.pw_gid}::{home}::\n"
    with (folder / "users").open("a") as users:
        users.write(line)


@contextlib.contextmanager
def running_dovecot(
    folder: Path, settings: DovecotSettings, certificate: tuple[Path, Path]
) -> Iterator[Dovecot]:
    """Run `dovecot -F` in `folder` (made if need be) until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    config = _write_config(folder, settings, certificate)
    with (folder / "console.log").open("ab") as console:
        process = subprocess.Popen(
            [str(shutil.which("dovecot", path=_path())), "-F", "-c", str(config)],
            stdout=console,
            stderr=console,
            start_new_session=True,
        )
    try:
        for port in (settings.imap, settings.pop3, settings.lmtp):
            wait_for_port(port)
        yield Dovecot(folder, process)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        if process.poll() is None:
            process.kill()
            process.wait()


def _write_config(folder: Path, settings: DovecotSettings, certificate: tuple[Path, Path]) -> Path:
    (folder / "run").mkdir(exist_ok=True)
    (folder / "homes").mkdir(exist_ok=True)
    shutil.chown(folder / "homes", MAIL_USER, MAIL_USER)
    (folder / "users").touch(0o644)
    auth = lmtp = ""
    if settings.postfix_sockets is not None:
        auth = _POSTFIX_LISTENER.format(path=settings.postfix_sockets / "auth")
        lmtp = _POSTFIX_LISTENER.format(path=settings.postfix_sockets / "dovecot-lmtp")
    config = folder / "dovecot.conf"
    config.write_text(
        _CONFIG.format(
            folder=folder,
            run=folder / "run",
            instance=f"reference-{settings.imap}",
            cert=certificate[0],
            key=certificate[1],
            users=folder / "users",
            location=_MAIL_LOCATION[settings.mail_format],
            fsync=settings.fsync,
            auth_cache=settings.auth_cache,
            separator=settings.separator,
            escaping=" listescape" if settings.any_name else "",
            cores=os.cpu_count() or 1,
            postfix_auth=auth,
            postfix_lmtp=lmtp,
            imap=settings.imap,
            imaps=settings.imaps,
            pop3=settings.pop3,
            pop3s=settings.pop3s,
            lmtp=settings.lmtp,
        )
        + settings.more
    )
    return config


def _path() -> str:
    return os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
