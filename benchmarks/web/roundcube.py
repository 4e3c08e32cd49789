"""Debian's Roundcube on nginx and php-fpm, with Dovecot behind it, from a temporary folder.

Needs root, since each of the three changes to a user of its own; of /etc only what the packages
brought is read. Its settings are chosen as its own documents advise for speed.
"""

from __future__ import annotations

import contextlib
import imaplib
import os
import pwd
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support import web_mail
from support.certificate import write_certificate
from support.reference_dovecot import (
    MAIL_USER,
    DovecotSettings,
    add_user,
    missing_dovecot,
    running_dovecot,
)
from support.server import HOST, free_ports, wait_for_port

_PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
_SITE = Path("/var/lib/roundcube/public_html")
_SCHEMA = Path("/usr/share/roundcube/SQL/sqlite.initial.sql")
_DEFAULTS = Path("/etc/roundcube")
_FPM = "/usr/sbin/php-fpm8.2"
_WEB_USER = "www-data"
_ENVELOPE = "DATE FROM TO SUBJECT CONTENT-TYPE CC REPLY-TO LIST-POST X-PRIORITY"
_MEMORY, _FILE_ROOM = Path("/dev/shm"), 16_384
_AT_ONCE = 5_000  # messages of one FETCH that warms the cache

_POOL = """
[global]
daemonize = no
error_log = {folder}/php-fpm.log
[roundcube]
user = {user}
group = {user}
listen = {folder}/php.sock
listen.owner = {user}
listen.group = {user}
pm = static
pm.max_children = {processes}
env[ROUNDCUBE_CONFIG_DIR] = {folder}/config
php_admin_value[opcache.enable] = 1
php_admin_value[opcache.memory_consumption] = 128
php_admin_value[opcache.max_accelerated_files] = 10000
php_admin_value[opcache.validate_timestamps] = 0
php_admin_value[realpath_cache_size] = 4096k
php_admin_value[memory_limit] = 512M
php_admin_value[session.save_path] = {folder}/state
"""
_NGINX = """
daemon off;
user {user};
worker_processes {cores};
error_log {folder}/nginx.log;
pid {folder}/nginx.pid;
events {{ worker_connections 512; }}
http {{
  include /etc/nginx/mime.types;
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 65;
  gzip on;
  gzip_static on;
  gzip_types text/css application/javascript application/json;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi;
  uwsgi_temp_path {folder}/nginx-uwsgi;
  scgi_temp_path {folder}/nginx-scgi;
  server {{
    listen {host}:{port};
    root {site};
    index index.php;
    location / {{ expires 30d; }}
    location ~ \\.php$ {{
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
      fastcgi_buffers 32 32k;
      fastcgi_pass unix:{folder}/php.sock;
    }}
  }}
}}
"""
_CONFIG = """<?php
$config = [];
$config['db_dsnw'] = 'sqlite:///{folder}/state/roundcube.db?mode=0640';
$config['imap_host'] = '{host}:{imap}';
$config['smtp_host'] = '{host}:1';
$config['des_key'] = '{key}';
$config['plugins'] = [];
$config['skin'] = 'elastic';
$config['enable_spellcheck'] = false;
$config['imap_cache'] = 'apc';
$config['session_storage'] = 'php';
$config['login_rate_limit'] = 1000;
$config['log_dir'] = '{folder}/state/';
$config['temp_dir'] = '{folder}/state/';
"""


@dataclass(frozen=True, slots=True)
class Roundcube:
    """What runs, and as whom one signs in."""

    url: str
    roots: tuple[int, ...]  # of nginx, php-fpm and Dovecot
    login: str
    password: str


def missing() -> str | None:
    """Why it can't run here, or None."""
    if why := missing_dovecot():
        return why
    for program in ("nginx", _FPM):
        if shutil.which(program, path=_PATH) is None:
            return f"{Path(program).name} is not installed"
    return None if _SCHEMA.exists() and _SITE.exists() else "roundcube is not installed"


@contextlib.contextmanager
def running_roundcube(login: str, password: str, messages: int) -> Iterator[Roundcube]:
    """All three until the block ends, with so many messages in the inbox, Dovecot's caches warm."""
    imap, imaps, pop3, pop3s, lmtp, port = free_ports(6)
    with tempfile.TemporaryDirectory(
        prefix="bench-", dir=_place(messages), ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        folder.chmod(0o755)
        dovecot = folder / "dovecot"
        add_user(dovecot, login, "{PLAIN}" + password)
        _write_maildir(dovecot / "homes" / login, login, messages)
        settings = DovecotSettings(imap, imaps, pop3, pop3s, lmtp, fsync="optimized")
        certificate = write_certificate(folder)
        _prepare(folder, port, imap)
        with (
            running_dovecot(dovecot, settings, certificate) as mail,
            _running(folder, [_FPM, "-F", "-y", str(folder / "pool.conf")]) as php,
            _running(folder, ["nginx", "-c", str(folder / "nginx.conf")]) as nginx,
        ):
            wait_for_port(port)
            _warm(imap, login, password)
            roots = (mail.process.pid, php.pid, nginx.pid)
            yield Roundcube(f"http://localhost:{port}", roots, login, password)


def _place(messages: int) -> Path | None:
    """In memory where there is room: so many files are made and removed in seconds there."""
    is_room = _MEMORY.exists() and shutil.disk_usage(_MEMORY).free > messages * _FILE_ROOM
    return _MEMORY if is_room else None


def _write_maildir(home: Path, login: str, messages: int) -> None:
    """The same letters as Pillarbox has, the flags too."""
    maildir = home / "Maildir"
    owner = pwd.getpwnam(MAIL_USER)
    for part in ("cur", "new", "tmp"):
        (maildir / part).mkdir(parents=True)
    for number, (octets, flags, arrived) in enumerate(web_mail.letters(messages, login)):
        marks = "".join(mark for bit, mark in ((4, "F"), (1, "S")) if flags & bit)
        name = f"{arrived}.M{number:06}P1.bench,S={len(octets)}:2,{marks}"
        path = maildir / "cur" / name
        path.write_bytes(octets)
        os.utime(path, (arrived, arrived))
        os.chown(path, owner.pw_uid, owner.pw_gid)
    for place in (home.parent, home, maildir, *(maildir / part for part in ("cur", "new", "tmp"))):
        os.chown(place, owner.pw_uid, owner.pw_gid)


def _prepare(folder: Path, port: int, imap: int) -> None:
    web = pwd.getpwnam(_WEB_USER)
    given = {
        "folder": folder,
        "host": HOST,
        "port": port,
        "imap": imap,
        "site": _SITE,
        "user": _WEB_USER,
        "cores": os.cpu_count() or 1,
        "processes": 4 * (os.cpu_count() or 1),
        "key": secrets.token_hex(12),
    }
    (folder / "pool.conf").write_text(_POOL.format(**given))
    (folder / "nginx.conf").write_text(_NGINX.format(**given))
    config, state = folder / "config", folder / "state"
    config.mkdir()
    for name in ("defaults.inc.php", "mimetypes.php"):
        (config / name).symlink_to(_DEFAULTS / name)
    (config / "config.inc.php").write_text(_CONFIG.format(**given))
    state.mkdir()
    with contextlib.closing(sqlite3.connect(state / "roundcube.db")) as database:
        database.executescript(_SCHEMA.read_text())
    for path in (state, state / "roundcube.db"):
        os.chown(path, web.pw_uid, web.pw_gid)


@contextlib.contextmanager
def _running(folder: Path, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    program = str(shutil.which(command[0], path=_PATH))
    with (folder / "console.log").open("ab") as console:
        process = subprocess.Popen(
            [program, *command[1:]], stdout=console, stderr=console, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _warm(port: int, login: str, password: str) -> None:
    """Dovecot's index and cache hold what a list shows and what a search of subjects looks at."""
    with imaplib.IMAP4(HOST, port) as client:
        client.login(login, password)
        _, found = client.select("INBOX")
        count = int(found[0] or 0)
        fields = f"BODY.PEEK[HEADER.FIELDS ({_ENVELOPE})]"
        what = f"(UID RFC822.SIZE FLAGS INTERNALDATE BODYSTRUCTURE ENVELOPE {fields})"
        for first in range(1, count + 1, _AT_ONCE):
            client.fetch(f"{first}:{min(count, first + _AT_ONCE - 1)}", what)
        client.uid("SORT", "(ARRIVAL)", "US-ASCII", "ALL")
