"""Debian's Postfix, from a temporary folder on free loopback ports, in front of Dovecot's LMTP.

Needs root, as Postfix does. The system's own instance and /etc/postfix are not touched.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.server import DOMAIN, HOST, wait_for_port

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.{domain}
mydomain = {domain}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = static:known
virtual_transport = lmtp:unix:private/dovecot-lmtp
recipient_delimiter = +
default_transport = error:nothing leaves this machine
relay_transport = error:nothing leaves this machine
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_sasl_auth_enable = no
smtpd_tls_security_level = may
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_tls_auth_only = no
message_size_limit = 104857600
mailbox_size_limit = 0
virtual_mailbox_limit = 0
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtputf8_enable = yes
# Limits out of the way.
default_process_limit = 200
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_client_message_rate_limit = 0
smtpd_client_recipient_rate_limit = 0
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 1000
smtpd_hard_error_limit = 1000
smtpd_recipient_limit = 5000
smtpd_junk_command_limit = 100000
in_flow_delay = 0
queue_run_delay = 2
minimal_backoff_time = 1
maximal_backoff_time = 4
lmtp_destination_concurrency_limit = 40
lmtp_initial_destination_concurrency = 20
initial_destination_concurrency = 20
lmtp_destination_recipient_limit = 50
lmtp_connection_cache_on_demand = yes
"""

# In place of Dovecot: all names that begin with "user" are taken into one Maildir, mail for some
# domains goes to one server on loopback, over TLS if their names begin with "tls.".
_EXCHANGE = """
myhostname = mail.{domain}
mydomain = {domain}
virtual_mailbox_domains = {domains}
virtual_mailbox_maps = regexp:{{ {{/^user/ mail/}} }}
virtual_mailbox_base = {folder}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
virtual_minimum_uid = 1
virtual_transport = virtual
virtual_mailbox_limit = 0
inet_interfaces = all
transport_maps = inline:{{ {routes} }}
relay_domains = {far_domains}
smtp_tls_security_level = none
smtpd_tls_received_header = yes
smtp_bind_address = 127.0.0.1
smtputf8_autodetect_classes = all
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = reject_unlisted_recipient
disable_vrfy_command = no
"""

_MASTER = """
{host}:{smtp} inet n - n - - smtpd
127.0.0.1:{submission} inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{submissions} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
virtual unix - n n - - virtual
smtptls unix - - n - - smtp
  -o smtp_tls_security_level=encrypt
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True, slots=True)
class PostfixSettings:
    """What a test or benchmark chooses."""

    smtp: int
    submission: int
    submissions: int
    host: str = HOST  # of the first port
    more: str = ""  # lines of main.cf in place of those here


def exchange(
    folder: Path, domains: Sequence[str], far: tuple[str, int], far_domains: Sequence[str]
) -> str:
    """`PostfixSettings.more` for a server with a Maildir `folder`/mail that passes mail on."""
    owner = pwd.getpwnam("nobody").pw_uid
    maildir = folder / "mail"
    maildir.mkdir(parents=True)
    shutil.chown(maildir, owner)
    routes = [
        f"{{{name}={'smtptls' if name.startswith('tls.') else 'smtp'}:[{far[0]}]:{far[1]}}}"
        for name in far_domains
    ]
    return _EXCHANGE.format(
        folder=folder,
        domain=domains[0],
        domains=" ".join(domains),
        far_domains=" ".join(far_domains),
        routes=", ".join(routes),
        uid=owner,
    )


def missing_postfix() -> str | None:
    """Why Postfix can't run here, or None."""
    if shutil.which("postfix", path=_path()) is None:
        return "postfix is not installed"
    return None if os.geteuid() == 0 else "the reference servers need root"


def prepare_queue(folder: Path) -> Path:
    """Make the queue's `private` folder, where Dovecot puts its sockets; return it.

    The layout and owners are those of Postfix's own `postfix-files`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    queue = folder / "queue"
    for name, owner, group, mode in _QUEUE_FOLDERS:
        path = queue / name
        path.mkdir(parents=True, exist_ok=True)
        shutil.chown(path, owner, group)
        path.chmod(mode)
    data = folder / "data"
    data.mkdir(exist_ok=True)
    shutil.chown(data, "postfix", "postfix")
    data.chmod(0o700)
    return queue / "private"


@contextlib.contextmanager
def running_postfix(
    folder: Path, settings: PostfixSettings, certificate: tuple[Path, Path]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the master in the foreground until the block ends; `prepare_queue` comes first."""
    etc = folder / "etc"
    etc.mkdir(exist_ok=True)
    etc.chmod(0o755)
    main = _MAIN.format(folder=folder, domain=DOMAIN, cert=certificate[0], key=certificate[1])
    (etc / "main.cf").write_text(_merged(main, settings.more))
    (etc / "master.cf").write_text(
        _MASTER.format(
            host=settings.host,
            smtp=settings.smtp,
            submission=settings.submission,
            submissions=settings.submissions,
        )
    )
    postfix = str(shutil.which("postfix", path=_path()))
    with (folder / "console.log").open("ab") as console:
        process = subprocess.Popen(
            [postfix, "-c", str(etc), "start-fg"],
            stdout=console,
            stderr=console,
            start_new_session=True,
        )
        try:
            wait_for_port(settings.smtp, host=settings.host)
            for port in (settings.submission, settings.submissions):
                wait_for_port(port)
            yield process
        finally:
            abort = [postfix, "-c", str(etc), "abort"]
            subprocess.run(abort, stdout=console, stderr=console, check=False)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            if process.poll() is None:
                process.kill()
                process.wait()


def _merged(main: str, more: str) -> str:
    """Each setting once: Postfix warns of a second, so often that its own log comes to a halt."""
    lines = {line.partition(" =")[0]: line for line in (main + more).splitlines() if " =" in line}
    return "\n".join([*lines.values(), ""])


_QUEUE_FOLDERS = (
    (".", "root", "root", 0o755),
    ("active", "postfix", "root", 0o700),
    ("bounce", "postfix", "root", 0o700),
    ("corrupt", "postfix", "root", 0o700),
    ("defer", "postfix", "root", 0o700),
    ("deferred", "postfix", "root", 0o700),
    ("flush", "postfix", "root", 0o700),
    ("hold", "postfix", "root", 0o700),
    ("incoming", "postfix", "root", 0o700),
    ("maildrop", "postfix", "postdrop", 0o730),
    ("pid", "root", "root", 0o755),
    ("private", "postfix", "root", 0o700),
    ("public", "postfix", "postdrop", 0o710),
    ("saved", "postfix", "root", 0o700),
    ("trace", "postfix", "root", 0o700),
)


def _path() -> str:
    return os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
