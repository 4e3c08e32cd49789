"""Options of `collect` and `import`: what is understood, what is refused, and where secrets are."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

import pytest

from pillarbox.cli import collect, import_mail
from pillarbox.cli.collect_options import (
    folders_of,
    parse_at_source,
    parse_pair,
    parse_port,
    send_as_of,
    server_of,
)
from pillarbox.cli.collect_secrets import read_ahead, read_secret, take_secret
from pillarbox.errors import NotAllowed
from pillarbox.flow.collect.settings import FolderChoice, ServerSpec
from pillarbox.flow.collect.source import AtSource


def parsed(module: object, *words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    module.configure(parser)  # type: ignore[attr-defined]
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("protocol", "host", "port", "tls", "server"),
    [
        ("imap", "mail.example.net", None, None, ("mail.example.net", 993, "implicit")),
        ("imap", "mail.example.net", None, "starttls", ("mail.example.net", 143, "starttls")),
        ("imap", "mail.example.net", 143, None, ("mail.example.net", 143, "starttls")),
        ("imap", "mail.example.net:1993", None, None, ("mail.example.net", 1993, "implicit")),
        ("imap", "mail.example.net:1", 2, None, ("mail.example.net", 2, "implicit")),
        ("imap", "[::1]:2143", None, "none", ("::1", 2143, "none")),
        ("imap", "::1", None, None, ("::1", 993, "implicit")),
        ("pop3", "mail.example.net", None, None, ("mail.example.net", 995, "implicit")),
        ("pop3", "mail.example.net:110", None, None, ("mail.example.net", 110, "starttls")),
        ("smtp", "mail.example.net", None, None, ("mail.example.net", 465, "implicit")),
        ("smtp", "mail.example.net:587", None, None, ("mail.example.net", 587, "starttls")),
    ],
)
def test_servers(
    protocol: str, host: str, port: int | None, tls: str | None, server: tuple[str, int, str]
) -> None:
    assert server_of(protocol, host, port, tls) == ServerSpec(*server)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("leave", AtSource("leave")),
        ("mark", AtSource("mark")),
        ("move=Safe/Here", AtSource("move", folder="Safe/Here")),
        ("delete", AtSource("delete")),
        ("delete=14d", AtSource("delete", after_days=14)),
        ("delete=48h", AtSource("delete", after_days=2)),
    ],
)
def test_at_source(text: str, what: AtSource) -> None:
    assert parse_at_source(text) == what


@pytest.mark.parametrize(
    "text", ["", "move", "move=", "leave=1", "delete=36h", "delete=soon", "burn", "mark=x"]
)
def test_at_source_that_is_not_understood(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        parse_at_source(text)


@pytest.mark.parametrize("text", ["0", "65536", "x", "-1", "none", ""])
def test_ports_that_are_none(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        parse_port(text)


def test_pairs() -> None:
    assert parse_pair("a=b=c") == ("a", "b=c")
    for text in ("a", "a=", "=b", ""):
        with pytest.raises(argparse.ArgumentTypeError):
            parse_pair(text)


UNCHANGED = {
    *("label", "port", "tls", "into", "keyword", "skip_spam"),
    *("every", "idle", "at_source", "two_way", "filtered"),
}


def test_what_is_not_given_is_not_changed_by_edit() -> None:
    options = vars(parsed(collect, "edit", "alice@example.org", "1"))
    assert {options[name] for name in UNCHANGED} == {None}
    assert parsed(collect, "edit", "a", "1", "--spam").skip_spam is False
    assert parsed(collect, "edit", "a", "1", "--no-spam").skip_spam is True


def test_the_spam_folder() -> None:
    """Left out of what is collected, brought along by who moves."""
    add = parsed(collect, "add", "alice@example.org", "--imap", "mail.example.net")
    assert add.skip_spam is True
    moving = ["imap", "alice@example.org", "--host", "mail.example.net"]
    assert parsed(import_mail, *moving).skip_spam is False
    assert parsed(import_mail, *moving, "--no-spam").skip_spam is True
    assert parsed(import_mail, "compare", *moving).skip_spam is False


def test_folders() -> None:
    options = parsed(
        import_mail,
        *("imap", "a", "--only", "Work", "--only", "Home", "--except", "Work/Old"),
        *("--map", "Work=Job", "--map", "Home=Mine"),
    )
    assert folders_of(options) == FolderChoice(
        include=("Work", "Home"), exclude=("Work/Old",), mapped={"Work": "Job", "Home": "Mine"}
    )


def test_sending_as() -> None:
    words = ["add", "a", "--imap", "h"]
    assert send_as_of(parsed(collect, *words)) is None
    sent = send_as_of(
        parsed(collect, *words, "--send-as", "A@X.example", "--smtp", "s.example:587")
    )
    assert sent is not None
    assert (sent.addresses, sent.server.tls) == (("a@x.example",), "starttls")
    for half in (["--send-as", "a@x.example"], ["--smtp", "s.example"]):
        with pytest.raises(NotAllowed):
            send_as_of(parsed(collect, *words, *half))


@pytest.mark.parametrize("verb", ["imap", "pop3"])
def test_no_option_takes_a_password(verb: str) -> None:
    for words in (["import", verb, "a"], ["collect", "add", "a"]):
        module = import_mail if words[0] == "import" else collect
        with pytest.raises(SystemExit):
            parsed(module, *words[1:], "--password", "open sesame")


# Passwords


def secret_options(**given: object) -> argparse.Namespace:
    return argparse.Namespace(**({"password_stdin": False, "password_file": ""} | given))


def test_a_password_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"open sesame\r\nmore\n")))
    assert take_secret(secret_options(password_stdin=True), "bob").reveal() == b"open sesame"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\n")))
    with pytest.raises(NotAllowed, match="no password"):
        take_secret(secret_options(password_stdin=True), "bob")


def test_without_a_terminal_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(NotAllowed, match="--password-file"):
        take_secret(secret_options(), "bob")


def test_a_password_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_bytes(b"open sesame\nmore\n")
    file.chmod(0o600)
    options = secret_options(password_file=str(file), client_secret_file="")
    read_ahead(options)
    file.unlink()  # who reads on is another user, perhaps
    assert take_secret(options, "bob").reveal() == b"open sesame"
    assert "sesame" not in repr(options)
    file.write_bytes(b"open sesame\n")
    for mode in (0o644, 0o640, 0o604):
        file.chmod(mode)
        with pytest.raises(NotAllowed, match="chmod 600"):
            read_secret(file, "password")
    file.chmod(0o600)
    file.write_bytes(b"\n")
    with pytest.raises(NotAllowed, match="empty"):
        read_secret(file, "password")
    with pytest.raises(NotAllowed, match="No such file"):
        read_secret(tmp_path / "none", "password")
