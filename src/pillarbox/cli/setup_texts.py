"""The configuration that `setup` writes, and what it prints in the end."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

CONFIG = """\
# Pillarbox. 'pillarbox config check' reads this file as the server would; every setting that may
# stand here is told by 'pillarbox config reference'. Whatever is left out has its default.
# After a change: systemctl reload pillarbox (or SIGHUP).

[server]
# The name that other servers see. It should resolve to this computer, and this computer's address
# back to it: many servers refuse mail otherwise.
hostname = {hostname}
# The user that serves. Started as root, Pillarbox binds the ports, reads the keys, then becomes it.
user = {user}
# Processes; 0 is one for each processor core.
workers = 0

[store]
# Everything that is kept: back this folder up. It must be on a local disk.
data_dir = {data_dir}
# How long an expunged message can be restored.
retention_days = 30

[log]
# debug, info, warning or error; json for journals, text for a terminal.
level = "info"
format = "json"

# The certificate that mail programs and servers see. The one written by 'setup' is signed by
# nobody: put a real one here, then reload. Several may be listed; each is shown to clients that
# ask for one of its names.
[[tls.certificates]]
certificate = {certificate}
key = {key}

[auth]
# Lets people sign in as "alice" for the address alice@DOMAIN.
default_domain = {domain}

[smtp]
# The largest message taken, in octets.
max_message_octets = 52_428_800

[limits]
# Connections that one address may hold open in one process.
connections_per_address = 100

# The listeners below are the usual ones on all addresses, IPv4 and IPv6. Remove what you do not
# want; "127.0.0.1:143" listens on one address only.

[[listener]]
name = "smtp"
role = "mx"                # mail from other servers
addresses = ["*:25"]
tls = "starttls"

[[listener]]
name = "submissions"
role = "submission"        # mail of your users, who sign in
addresses = ["*:465"]
tls = "implicit"

[[listener]]
name = "submission"
role = "submission"
addresses = ["*:587"]
tls = "starttls"

[[listener]]
name = "imaps"
role = "imap"
addresses = ["*:993"]
tls = "implicit"

[[listener]]
name = "imap"
role = "imap"
addresses = ["*:143"]
tls = "starttls"

[[listener]]
name = "pop3s"
role = "pop3"
addresses = ["*:995"]
tls = "implicit"

[[listener]]
name = "pop3"
role = "pop3"
addresses = ["*:110"]
tls = "starttls"

[[listener]]
name = "https"
role = "web"               # the mail in a browser, and JMAP
addresses = ["*:443"]
tls = "implicit"

[[listener]]
name = "lmtp"
role = "lmtp"              # mail from a mail server in front; a path counts from data_dir
addresses = ["unix:run/lmtp.sock"]
mode = "660"

[[listener]]
name = "http"
role = "http"              # /healthz, /readyz, /metrics: keep it to yourself
addresses = ["127.0.0.1:8080"]
"""

_STEPS = """\
Written: {config}
Data:    {data_dir}
Account: {login}{password}

What is left to do

1. DNS records of {domain}:

{records}

   with those for signatures and policies (DKIM, DMARC, MTA-STS, TLSA), which this prints:

   pillarbox dns show {domain} --config {config}

   and at your provider the reverse record of the address: {hostname}.

2. {certificate}

3. The service:

   pillarbox systemd-unit --config {config} > /etc/systemd/system/pillarbox.service
   systemctl daemon-reload && systemctl enable --now pillarbox

   or by hand: pillarbox serve --config {config}

4. More people: pillarbox account add alice@{domain} --config {config}

In a browser the mail is at https://{hostname}/
Programs that speak JMAP find everything at https://{hostname}/.well-known/jmap
"""
_SELF_SIGNED = (
    "The certificate was made here and is signed by nobody. Put a real one into the "
    "configuration, then reload."
)
_GIVEN = "The certificate: when it is renewed, reload the service and it is read again."


def _records(hostname: str, domain: str) -> str:
    rows = [
        (f"{hostname}.", "A / AAAA", "this computer's addresses"),
        (f"{domain}.", "MX", f"10 {hostname}."),
        (f"{domain}.", "TXT", '"v=spf1 mx -all"'),
        (f"_submissions._tcp.{domain}.", "SRV", f"0 1 465 {hostname}."),
        (f"_imaps._tcp.{domain}.", "SRV", f"0 1 993 {hostname}."),
        (f"_jmap._tcp.{domain}.", "SRV", f"0 1 443 {hostname}."),
        (f"_pop3s._tcp.{domain}.", "SRV", f"10 1 995 {hostname}."),
    ]
    width = max(len(name) for name, _, _ in rows)
    return "\n".join(f"   {name:<{width}}  {kind:<8}  {value}" for name, kind, value in rows)


def next_steps(
    made: Mapping[str, str], hostname: str, domain: str, *, own_certificate: bool
) -> str:
    """What a person does after `setup`."""
    text = _GIVEN if own_certificate else _SELF_SIGNED
    wrapped = textwrap.fill(text, 88, subsequent_indent="   ")
    password = f"  password {made['password']}" if "password" in made else ""
    return _STEPS.format(
        config=made["config"],
        data_dir=made["data_dir"],
        login=made["login"],
        password=password,
        domain=domain,
        hostname=hostname,
        certificate=wrapped,
        records=_records(hostname, domain),
    )
