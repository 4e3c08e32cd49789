"""Debian's Exim, unpacked and never installed, from a temporary folder on a loopback port.

Exim wants a user of its own and the system's resolver. It gets both in a mount namespace of its
own, so that the computer's /etc stays as it is; that needs root.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support.server import wait_for_port

UNPACKED = Path("/var/cache/pillarbox-tests/exim4-daemon-light")  # by requirements/unpack-debian.sh
BINARY = UNPACKED / "usr/sbin/exim4"
USER, NUMBER = "Debian-exim", 8125  # compiled in; the number is ours

_CONFIGURATION = """
exim_path = {binary}
primary_hostname = mail.{domain}
domainlist local_domains = {local_domains}
domainlist far_domains = {far_domains}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
log_selector = +dkim +dkim_verbose +received_recipients +tls_cipher +8bitmime
daemon_smtp_ports = {port}
local_interfaces = {host}
keep_environment =
tls_certificate = {certificate}
tls_privatekey = {key}
tls_advertise_hosts = *
chunking_advertise_hosts = *
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
accept_8bitmime = true
message_size_limit = 100M
recipients_max = 1000
smtp_accept_max = 100
smtp_accept_max_per_connection = 1000
smtp_accept_queue_per_connection = 0
remote_max_parallel = 4
deliver_drop_privilege = true
acl_smtp_rcpt = rcpt
acl_smtp_data = data

begin acl

rcpt:
  require verify = recipient
  accept domains = +local_domains : +far_domains
  deny

data:
  accept add_header = :at_start:${{authresults{{mail.{domain}}}}}

begin routers

in_the_clear:
  driver = manualroute
  domains = +far_domains
  condition = ${{if !match{{$domain}}{{^tls\\.}}}}
  transport = in_the_clear
  route_list = * "<+ {far_host}:{far_port}"
  self = send

over_tls:
  driver = manualroute
  domains = +far_domains
  transport = over_tls
  route_list = * "<+ {far_host}:{far_port}"
  self = send

people:
  driver = accept
  domains = +local_domains
  local_parts = ^user
  transport = maildir

begin transports

in_the_clear:
  driver = smtp
  hosts_avoid_tls = *
  {signing}

over_tls:
  driver = smtp
  hosts_require_tls = *
  tls_verify_certificates =
  tls_try_verify_hosts =
  {signing}

maildir:
  driver = appendfile
  maildir_format
  directory = {folder}/mail
  create_directory
  use_crlf
  envelope_to_add
  return_path_add
  user = {user}
  group = {user}

begin retry

* * F,1h,1s
"""

_SIGNING = """dkim_domain = {domain}
  dkim_selector = {selector}
  dkim_private_key = {key}
  dkim_canon = relaxed"""

_SCRIPT = """
mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/group" /etc/group || exit 1
[ ! -e "$1/resolv.conf" ] || mount --bind "$1/resolv.conf" /etc/resolv.conf || exit 1
exec "$2" -C "$1/exim.conf" -bdf -q1s
"""


@dataclass(frozen=True, slots=True)
class EximSettings:
    """What a test chooses."""

    host: str
    port: int
    far: tuple[str, int]  # where mail for `far_domains` goes; over TLS for those in tls.
    far_domains: tuple[str, ...]
    local_domains: tuple[str, ...] = ("exim.example",)  # the first one names the host
    name_server: str = ""  # an IP address whose port 53 it asks
    signing: Mapping[str, str] = field(default_factory=dict)  # domain, selector, key (a file)


def missing_exim() -> str | None:
    """Why Exim can't run here, or None."""
    if not BINARY.exists():
        return "Exim is not unpacked; requirements/debian-unpacked.txt names its package"
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return "Exim needs root"
    trial = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    return None if trial.returncode == 0 else "Exim needs a mount namespace of its own"


@contextlib.contextmanager
def running_exim(
    folder: Path, settings: EximSettings, certificate: tuple[Path, Path]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the daemon until the block ends. Mail comes into the Maildir `folder`/mail."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    for name in ("spool", "log", "mail"):
        (folder / name).mkdir()
        os.chown(folder / name, NUMBER, NUMBER)
    _write_etc(folder, settings)
    certificate = _own(folder, certificate[0]), _own(folder, certificate[1])
    (folder / "exim.conf").write_text(_configuration(folder, settings, certificate))
    with (folder / "console.log").open("ab") as console:
        process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", _SCRIPT, "sh", str(folder), str(BINARY)],
            stdout=console,
            stderr=console,
            start_new_session=True,
        )
        try:
            wait_for_port(settings.port, host=settings.host)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _write_etc(folder: Path, settings: EximSettings) -> None:
    passwd, group = Path("/etc/passwd").read_text(), Path("/etc/group").read_text()
    own = f"{USER}:x:{NUMBER}:{NUMBER}::/nonexistent:/usr/sbin/nologin\n"
    (folder / "passwd").write_text(own + passwd)
    (folder / "group").write_text(f"{USER}:x:{NUMBER}:\n" + group)
    if settings.name_server:
        (folder / "resolv.conf").write_text(f"nameserver {settings.name_server}\n")


def _own(folder: Path, file: Path) -> Path:
    """A copy that it may read."""
    copy = folder / file.name
    shutil.copyfile(file, copy)
    os.chown(copy, NUMBER, NUMBER)
    copy.chmod(0o600)
    return copy


def _configuration(folder: Path, settings: EximSettings, certificate: tuple[Path, Path]) -> str:
    return _CONFIGURATION.format(
        binary=BINARY,
        folder=folder,
        user=USER,
        domain=settings.local_domains[0],
        local_domains=" : ".join(settings.local_domains),
        far_domains=" : ".join(settings.far_domains),
        far_host=settings.far[0],
        far_port=settings.far[1],
        host=settings.host,
        port=settings.port,
        certificate=certificate[0],
        key=certificate[1],
        signing=_signing(folder, settings.signing),
    )


def _signing(folder: Path, signing: Mapping[str, str]) -> str:
    if not signing:
        return ""
    return _SIGNING.format_map({**signing, "key": _own(folder, Path(signing["key"]))})
