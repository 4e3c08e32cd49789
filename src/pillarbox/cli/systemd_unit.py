"""Print the unit files for systemd, to be saved under /etc/systemd/system.

    pillarbox systemd-unit > /etc/systemd/system/pillarbox.service
    systemctl daemon-reload && systemctl enable --now pillarbox

With --sockets, also one socket unit for each listener of the configuration: systemd then binds the
ports, so that the service itself never is root, and a restart refuses no connection.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pillarbox.cli.options import SYSTEM_CONFIG, add_config

SERVICE = """\
[Unit]
Description=Pillarbox mail server
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStart={command} serve --config {config}
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
TimeoutStopSec=90
WatchdogSec=60
Restart=on-failure
RestartSec=2
LimitNOFILE=65536
UMask=0077
ProtectSystem=strict
ReadWritePaths={data_dir}
ProtectHome=true
PrivateTmp=true
PrivateDevices=true
ProtectKernelTunables=true
ProtectKernelModules=true
ProtectControlGroups=true
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=true
RestrictRealtime=true
LockPersonality=true
{rights}
[Install]
WantedBy=multi-user.target
"""
_AS_ROOT = """\
NoNewPrivileges=true
CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_SETUID CAP_SETGID CAP_CHOWN
CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_DAC_OVERRIDE CAP_KILL
"""
_AS_USER = """\
NoNewPrivileges=true
User={user}
CapabilityBoundingSet=
"""
_SOCKET = """\
# /etc/systemd/system/pillarbox-{name}.socket
[Unit]
Description=Pillarbox, {name}

[Socket]
{listen}
FileDescriptorName={name}
BindIPv6Only=ipv6-only
Backlog={backlog}
Service=pillarbox.service

[Install]
WantedBy=sockets.target
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `pillarbox systemd-unit`."""
    add_config(parser)
    parser.add_argument("--sockets", action="store_true", help="print the socket units as well")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print them."""
    from pillarbox.cli.options import find_config
    from pillarbox.config.loading import load
    from pillarbox.config.settings import Settings
    from pillarbox.errors import ConfigurationError

    try:
        path = find_config(options.config).absolute()
        settings = load(path)
    except ConfigurationError:
        if options.config is not None or options.sockets:
            raise
        path, settings = SYSTEM_CONFIG, Settings()
    user = settings.server.user or "pillarbox"
    print(
        SERVICE.format(
            command=Path(sys.argv[0]).absolute(),
            config=path,
            data_dir=settings.store.data_dir,
            rights=_AS_USER.format(user=user) if options.sockets else _AS_ROOT,
        )
    )
    if options.sockets:
        for listener in settings.listener:
            lines = []
            for address in listener.bind_addresses():
                if address.is_unix:
                    lines.append(f"ListenStream={Path(settings.store.data_dir) / address.path}")
                    lines.append(f"SocketMode={int(listener.mode, 8):04o}")
                elif address.host == "*":
                    lines.append(f"ListenStream=0.0.0.0:{address.port}")
                    lines.append(f"ListenStream=[::]:{address.port}")
                else:
                    lines.append(f"ListenStream={address}")
            print(
                _SOCKET.format(
                    name=listener.name, listen="\n".join(lines), backlog=settings.limits.backlog
                )
            )
    return 0
