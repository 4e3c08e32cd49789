"""What the loader takes, what it refuses, and how it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.config.loading import load, parse
from pillarbox.config.settings import Settings
from pillarbox.config.writing import to_toml
from pillarbox.errors import ConfigurationError

HERE = Path("/etc/pillarbox")


def refused(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse(text.encode(), "p.toml", HERE)
    return str(caught.value)


def test_an_empty_file_is_a_configuration():
    settings = parse(b"", "p.toml", HERE)
    assert settings.smtp == Settings().smtp
    assert settings.listener[0].name == "smtp"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[smtp]\nmax_recipient = 1",
            ["'max_recipient' in [smtp]", "Did you mean 'max_recipients'"],
        ),
        ("[smpt]", ["'smpt' at the top", "Did you mean 'smtp'", "Allowed there", "imap"]),
        ("[auth.throttle]\nfoo = 1", ["'foo' in [auth.throttle]", "free_failures"]),
        (
            "[[tls.certificates]]\ncert = 'x'",
            ["'cert' in [tls.certificates[1]]", "certificate, key"],
        ),
        ("[[listener]]\nname='a'\nrole='imap'\nadress=['*:1']", ["Did you mean 'addresses'"]),
        ("[smtp]\nmax_recipients = 'many'", ["smtp.max_recipients: expected 'int', got 'str'."]),
        ("[smtp]\nmax_recipients = 0", ["smtp.max_recipients", "100"]),
        ("[log]\nlevel = 'loud'", ["log.level", "loud"]),
        ("smtp = 3", ["smtp: expected 'object', got 'int'."]),
        ("[[listener]]\nname='imap'\nrole='imap'", ["listener[1]", "addresses"]),
        ("[smtp\nx=1", ["not valid TOML", "line 1"]),
        ("[[listener]]\nname='a'\nrole='imap'\naddresses=['localhost']", ["'a'", "host:port"]),
        ("[[listener]]\nname='a'\nrole='imap'\naddresses=['mail.test:1']", ["an IP address or *"]),
        ("[[listener]]\nname='a'\nrole='imap'\naddresses=['::1:25']", ["in [ ]"]),
        ("[[listener]]\nname='a'\nrole='imap'\naddresses=['*:70000']", ["host:port"]),
        ("[[listener]]\nname='a'\nrole='lmtp'\naddresses=['unix:']", ["socket's path"]),
        ("[[listener]]\nname='a'\nrole='http'\naddresses=['*:1']\ntls='implicit'", ["no TLS"]),
    ],
)
def test_errors_name_the_setting_and_the_mend(text, words):
    sentence = refused(text)
    assert sentence.startswith("p.toml")
    for word in words:
        assert word in sentence


def test_every_misspelt_key_is_told_at_once():
    sentence = refused("[smtp]\nfoo = 1\nbar = 2\n[imap]\nbaz = 3")
    assert [name in sentence for name in ("'foo'", "'bar'", "'baz'")] == [True] * 3


def test_two_listeners_cannot_share_a_name():
    one = "[[listener]]\nname='a'\nrole='imap'\naddresses=['*:1']\n"
    assert "two listeners are named 'a'" in refused(one * 2)


def test_two_listeners_cannot_share_an_address():
    one = "[[listener]]\nname='%s'\nrole='imap'\naddresses=['*:1']\n"
    assert "two listeners want the address *:1" in refused(one % "a" + one % "b")


def test_no_utf8_is_refused():
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        parse(b"# \xff", "p.toml", HERE)


def test_relative_paths_count_from_the_file(tmp_path):
    file = tmp_path / "p.toml"
    file.write_text("[store]\ndata_dir='mail'\n[[tls.certificates]]\ncertificate='c'\nkey='/k'")
    settings = load(file)
    assert settings.store.data_dir == str(tmp_path / "mail")
    assert settings.tls.certificates[0].certificate == str(tmp_path / "c")
    assert settings.tls.certificates[0].key == "/k"


def test_a_missing_file_says_how_to_get_one(tmp_path):
    with pytest.raises(ConfigurationError, match="pillarbox setup"):
        load(tmp_path / "p.toml")


def test_a_huge_file_is_not_read(tmp_path):
    file = tmp_path / "p.toml"
    file.write_bytes(b"#" * (1 << 21))
    with pytest.raises(ConfigurationError, match="larger than"):
        load(file)


def test_written_settings_are_read_again():
    tables = {
        "server": {"hostname": 'a"\\b', "workers": 3, "drain_seconds": 0.5},
        "auth": {"scram": False, "throttle": {"free_failures": 7}},
        "tls": {"certificates": [{"certificate": "c", "key": "k"}]},
        "limits": {"unlimited_addresses": ["127.0.0.1", "::1"]},
        "listener": [
            {"name": "a", "role": "imap", "addresses": ["*:1"], "tls": "starttls"},
            {"name": "b", "role": "lmtp", "addresses": ["unix:x"], "mode": "600"},
        ],
    }
    import tomllib

    text = to_toml(tables)
    assert tomllib.loads(text) == tables
