"""Remote accounts as their owner sees them: everything but how to sign in."""

from __future__ import annotations

from typing import Any

import msgspec

from pillarbox.flow.collect.autodetect import Guess
from pillarbox.flow.collect.plan import Forecast
from pillarbox.flow.collect.progress import Progress
from pillarbox.flow.collect.remotes import Remote
from pillarbox.flow.collect.settings import ServerSpec
from pillarbox.flow.collect.source import RemoteFolder
from pillarbox.store.sql.remote_runs import RunRow
from pillarbox.web.account.asked import instant

_TROUBLES = 20  # of messages that are named
_decode = msgspec.json.Decoder(Progress).decode


def shown(remote: Remote, run: RunRow | None, brought: int | None) -> dict[str, Any]:
    """One, with its latest run; `brought`: of all its runs, None: it grows just now."""
    settings = remote.settings
    return {
        "id": str(remote.id),
        "label": settings.label,
        "kind": settings.kind,
        "server": _server(settings.server),
        "login": settings.login,
        "once": settings.once,
        "everySeconds": settings.schedule_seconds,
        "atOnce": settings.idle,
        "twoWay": settings.two_way,
        "sendsAs": list(settings.send_as.addresses) if settings.send_as is not None else [],
        "atSource": {"action": settings.at_source.action, "days": settings.at_source.after_days},
        "state": remote.state.value,
        "isRunning": remote.is_running,
        "trouble": remote.trouble,
        "why": remote.why,
        "dueAt": instant(remote.due_at),
        "succeededAt": instant(remote.succeeded_at),
        "brought": brought,
        "run": None if run is None else _run(run),
    }


def _run(run: RunRow) -> dict[str, Any]:
    progress = _decode(run.progress) if run.progress else Progress()
    return {
        "startedBy": run.started_by,
        "startedAt": instant(run.started_at),
        "updatedAt": instant(run.updated_at),
        "endedAt": instant(run.ended_at),
        "outcome": run.outcome,
        "why": run.why,
        "phase": progress.phase,
        "foldersDone": progress.folders_done,
        "folders": progress.folders,
        "folder": progress.folder,
        "messagesDone": progress.messages_done,
        "messages": progress.messages,
        "octetsDone": progress.octets_done,
        "octets": progress.octets,
        "brought": progress.brought,
        "octetsBrought": progress.octets_brought,
        "already": progress.already,
        "skipped": progress.skipped,
        "failed": progress.failed,
        "settled": progress.settled,
        "removed": progress.removed,
        "throttledUntil": instant(progress.throttled_until),
        "troubles": [
            {"folder": one.folder, "subject": one.subject, "why": one.why}
            for one in progress.troubles[:_TROUBLES]
        ],
    }


def found(guess: Guess) -> dict[str, Any]:
    """What was found out about an address."""
    preset = guess.preset
    return {
        "foundBy": guess.found_by,
        "login": guess.login,
        "imap": _server(guess.servers.imap),
        "pop3": _server(guess.servers.pop3),
        "smtp": _server(guess.servers.smtp),
        "provider": preset
        and {
            "name": preset.name,
            "title": preset.title,
            "proof": preset.proof,
            "signIn": preset.sign_in,
            "pop3Note": preset.pop3_note,
            "guide": preset.guide,
        },
    }


def foreseen(forecast: Forecast) -> dict[str, Any]:
    """What would come, and whether it fits."""
    return {
        "isWhole": True,
        "messages": forecast.messages,
        "toCome": forecast.to_come,
        "octetsToCome": forecast.octets_to_come,
        "roomOctets": forecast.room_octets,
        "roomMessages": forecast.room_messages,
        "missingOctets": forecast.missing_octets,
        "missingMessages": forecast.missing_messages,
        "suffices": forecast.suffices,
        "folders": [
            {
                "path": one.there,
                "here": one.here,
                "messages": one.messages,
                "octets": one.octets,
                "already": one.already,
                "toCome": one.messages - one.already - one.too_large,
                "octetsToCome": one.octets_to_come,
                "tooLarge": one.too_large,
                "trouble": one.trouble,
            }
            for one in forecast.folders
        ],
        "skipped": [one.remote.path for one in forecast.skipped if one.remote.selectable],
    }


def only_listed(folders: list[RemoteFolder]) -> dict[str, Any]:
    """Where there was no time for more: what the server says of its folders."""
    return {
        "isWhole": False,
        "folders": [
            {"path": one.path, "messages": one.messages, "octets": one.octets}
            for one in folders
            if one.selectable
        ],
    }


def _server(server: ServerSpec | None) -> dict[str, Any] | None:
    return None if server is None else {"host": server.host, "port": server.port, "tls": server.tls}
