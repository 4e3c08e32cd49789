"""The whole configuration as one value. Each section's struct is in the module of its name."""

from __future__ import annotations

from msgspec import Struct, field

from pillarbox.config.auth import AuthSettings
from pillarbox.config.bulk import BulkSettings
from pillarbox.config.collect import CollectSettings
from pillarbox.config.dns import DnsSettings
from pillarbox.config.imap import ImapSettings
from pillarbox.config.jmap import JmapSettings
from pillarbox.config.limits import LimitSettings
from pillarbox.config.outbound import OutboundSettings
from pillarbox.config.pop3 import Pop3Settings
from pillarbox.config.queue import QueueSettings
from pillarbox.config.recovery import RecoverySettings
from pillarbox.config.reports import ReportSettings
from pillarbox.config.rules import RuleSettings
from pillarbox.config.server import (
    STANDARD_LISTENERS,
    ListenerSettings,
    LogSettings,
    ServerSettings,
)
from pillarbox.config.smtp import SmtpSettings
from pillarbox.config.store import StoreSettings
from pillarbox.config.submission import SubmissionSettings
from pillarbox.config.tls import TlsSettings
from pillarbox.config.trust import TrustSettings
from pillarbox.config.web import WebSettings


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings. Every one has a default but those inside lists."""

    server: ServerSettings = field(default_factory=ServerSettings)
    log: LogSettings = field(default_factory=LogSettings)
    listener: tuple[ListenerSettings, ...] = STANDARD_LISTENERS
    limits: LimitSettings = field(default_factory=LimitSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    smtp: SmtpSettings = field(default_factory=SmtpSettings)
    submission: SubmissionSettings = field(default_factory=SubmissionSettings)
    imap: ImapSettings = field(default_factory=ImapSettings)
    pop3: Pop3Settings = field(default_factory=Pop3Settings)
    web: WebSettings = field(default_factory=WebSettings)
    jmap: JmapSettings = field(default_factory=JmapSettings)
    recovery: RecoverySettings = field(default_factory=RecoverySettings)
    rules: RuleSettings = field(default_factory=RuleSettings)
    bulk: BulkSettings = field(default_factory=BulkSettings)
    queue: QueueSettings = field(default_factory=QueueSettings)
    outbound: OutboundSettings = field(default_factory=OutboundSettings)
    dns: DnsSettings = field(default_factory=DnsSettings)
    trust: TrustSettings = field(default_factory=TrustSettings)
    reports: ReportSettings = field(default_factory=ReportSettings)
    collect: CollectSettings = field(default_factory=CollectSettings)
