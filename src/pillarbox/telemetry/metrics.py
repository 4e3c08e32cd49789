"""All metrics of Pillarbox, one constant each; docs/guide/metrics.md describes them to operators.

With several workers every process counts for itself into files under the data folder, and
whichever worker is asked for `/metrics` adds them up (the client library's multi-process mode,
switched on by an environment variable that the supervisor sets before a worker starts).
"""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

REGISTRY = CollectorRegistry()
MULTIPROCESS_ENV = "PROMETHEUS_MULTIPROC_DIR"

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_OCTETS = (1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 26)
_COUNTS = (1, 2, 4, 8, 16, 32, 64)
_FILE_OCTETS = 1 << 20  # the client library's own first size: some 7000 numbers
_files = {"counter", "histogram"}  # the library's names for the kinds that this process counts


def _counter(name: str, what: str, labels: tuple[str, ...] = ()) -> Counter:
    return Counter(name, what, labels, namespace="pillarbox", registry=REGISTRY)


def _gauge(name: str, what: str, labels: tuple[str, ...], over_workers: str) -> Gauge:
    _files.add(f"gauge_{over_workers}")
    return Gauge(
        name,
        what,
        labels,
        namespace="pillarbox",
        registry=REGISTRY,
        multiprocess_mode=over_workers,  # type: ignore[arg-type]  # one of its words
    )


def _histogram(
    name: str, what: str, labels: tuple[str, ...], buckets: tuple[float, ...]
) -> Histogram:
    return Histogram(name, what, labels, namespace="pillarbox", registry=REGISTRY, buckets=buckets)


# Connections

CONNECTIONS = _counter(
    "connections", "Connections that a listener accepted from the system", ("listener",)
)
CONNECTIONS_OPEN = _gauge("connections_open", "Connections open now", ("door",), "livesum")
CONNECTIONS_REFUSED = _counter("connections_refused", "Connections over a connection limit")

# Doors

COMMANDS = _counter(
    "commands",
    "Commands answered, by their outcome (ok, no, bad, fault)",
    ("door", "command", "outcome"),
)
SIGN_INS = _counter(
    "sign_ins",
    "Attempts to sign in, by outcome (ok, failed, throttled, error)",
    ("door", "mechanism", "outcome"),
)
FAULTS = _counter("faults", "Bugs: commands that ended with a logged traceback", ("door",))
CLIENT_ERRORS = _counter("client_errors", "Errors that the web page met and told of")

# The way of a message

MESSAGES = _counter(
    "messages",
    "Messages judged at the end of data (accepted, refused, deferred), by reason",
    ("door", "outcome", "reason"),
)
MESSAGE_OCTETS = _histogram(
    "message_octets", "Size of accepted messages in octets", ("door",), _OCTETS
)
RECIPIENTS = _counter(
    "recipients", "Recipients answered at RCPT (local, remote, refused)", ("door", "outcome")
)
CHECKS = _counter(
    "checks",
    "Results of the checks of mail from elsewhere (iprev, spf, dkim, arc, dmarc, dnsbl, greylist)",
    ("check", "result"),
)
JUDGED = _counter(
    "judged",
    "Messages from elsewhere by verdict (accept, junk, reject) and reason",
    ("verdict", "reason"),
)
DELIVERIES = _counter("deliveries", "Messages put into mailboxes, by what brought them", ("by",))
QUEUED = _gauge("queue_recipients", "Recipients in the queue, by state", ("state",), "mostrecent")
QUEUE_ATTEMPTS = _counter(
    "queue_attempts",
    "Recipients tried by the queue (relayed, delivered, expanded, later, failed)",
    ("outcome",),
)
QUEUE_OLDEST = _gauge(
    "queue_oldest_seconds", "Age of the oldest message that has not ended", (), "mostrecent"
)
COLLECT_RUNS = _counter(
    "collect_runs",
    "Runs of bringing mail from remote accounts, by trouble (empty where it went well)",
    ("trouble",),
)
COLLECTED = _counter("collected", "Messages brought from remote accounts")
COLLECT_OPEN = _gauge(
    "collect_open",
    "Remote accounts at work, by state (running, waiting for new mail)",
    ("state",),
    "livesum",
)
REMOTES = _gauge("collect_remotes", "Remote accounts, by state", ("state",), "mostrecent")
REPORTS = _counter(
    "reports",
    "Reports of DMARC and TLS, by kind (dmarc, tls) and what became of them",
    ("kind", "outcome"),
)
REPORT_ROWS_LOST = _counter(
    "report_messages_lost", "Judged messages that found no room in the DMARC reports"
)

DNS_QUESTIONS = _counter(
    "dns_questions",
    "Questions to resolvers (answered, timeout, servfail, refused, malformed), the cache's not",
    ("outcome",),
)
DNS_SECONDS = _histogram(
    "dns_seconds", "Time until a resolver's answer, repeated tries included", (), _SECONDS
)

# The store

STORE_COMMITS = _counter("store_commits", "Group commits of the store")
STORE_COMMIT_SECONDS = _histogram(
    "store_commit_seconds", "Time of a group commit, the sync included", (), _SECONDS
)
STORE_BATCH = _histogram("store_batch", "Writes that one group commit carried", (), _COUNTS)
NOTES_DROPPED = _counter(
    "journey_notes_dropped", "Notes for `pillarbox trace` that could not be written"
)
STORE_FAILURES = _counter(
    "store_failures", "Commits that failed (disk full, read-only), by reason", ("reason",)
)

# The node

LOOP_LAG = _gauge(
    "loop_lag_seconds", "How late the event loop ran its last regular call", (), "livemax"
)
BUILD = _gauge("build", "Always 1; the label says which version runs", ("version",), "max")


def _take_room() -> None:
    """The files are written through memory maps, in which a full disk is not an error but death.

    So their room is taken before the first number is counted. Raises OSError when there is none.
    """
    folder = os.environ.get(MULTIPROCESS_ENV)
    if not folder:
        return
    owner = Path(folder).stat()
    for kind in _files:
        with Path(folder, f"{kind}_{os.getpid()}.db").open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, _FILE_OCTETS)
            if os.geteuid() == 0:  # some are opened when this process is root no longer
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)


_take_room()


def exposition() -> bytes:
    """What `/metrics` answers: this process's numbers, or all workers' numbers added up."""
    folder = os.environ.get(MULTIPROCESS_ENV)
    if not folder:
        return generate_latest(REGISTRY)
    together = CollectorRegistry()
    MultiProcessCollector(together, path=folder)  # type: ignore[no-untyped-call]  # theirs
    return generate_latest(together)


def all_names() -> list[str]:
    """Every metric's name as Prometheus shows it; the test of the documentation reads it."""
    return sorted(metric.name for metric in REGISTRY.collect())
