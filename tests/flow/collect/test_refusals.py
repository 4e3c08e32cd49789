"""What servers say, as their users report it, and what is made of it."""

from __future__ import annotations

import pytest

from pillarbox.flow.collect.presets import (
    PRESETS,
    find_by_exchange,
    find_by_host,
    find_named,
    find_preset,
)
from pillarbox.flow.collect.refusals import asked_to_wait, meaning_of, source_failure
from pillarbox.imap.client.failure import ImapFailure
from pillarbox.imap.client.responses import Condition, ResponseCode
from pillarbox.net.outgoing.failure import LinkFailure
from pillarbox.net.outgoing.frames import BadFrame
from pillarbox.pop3.client.failure import refusal
from pillarbox.pop3.client.responses import Status, parse_status
from pillarbox.smtp.client.failure import ClientFailure
from pillarbox.smtp.wire.reply_reader import ReplyReader

# Texts of providers, from bug reports and help pages about mail programs.
TEXTS = [
    ("[ALERT] Application-specific password required: https://e.org (Failure)", "second-factor"),
    ("[ALERT] Please log in via your web browser: https://e.org (Failure)", "second-factor"),
    ("[WEBALERT https://e.org/x] Web login required.", "second-factor"),
    ("[AUTHENTICATIONFAILED] Invalid credentials (Failure)", "sign-in"),
    ("[OVERQUOTA] Account exceeded command or bandwidth limits.", "throttled"),
    ("[ALERT] Too many simultaneous connections. (Failure)", "throttled"),
    ("[SYS/PERM] Your account is not enabled for POP access.", "sign-in"),
    ("[ALERT] Your account is not enabled for IMAP use.", "sign-in"),
    ("[AUTH] Username and password not accepted.", "sign-in"),
    ("[SYS/TEMP] Temporary system problem. Please try again later.", "throttled"),
    ("[IN-USE] Unable to lock maildrop: Mailbox is locked by POP server", "throttled"),
    ("LogonDenied-BasicAuthBlocked-LogonDenied", "second-factor"),
    ("User is authenticated but not connected.", "sign-in"),
    ("Request is throttled. Suggested Backoff Time: 298935 milliseconds", "throttled"),
    ("[LIMIT] LOGIN Rate limit hit.", "throttled"),
    ("[UNAVAILABLE] UID FETCH Service is temporarily not available", "throttled"),
    ("[LOGIN-DELAY] minimum time between mail checks violation", "throttled"),
    ("Sorry, you need to create an app password to use this service", "second-factor"),
    ("[PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure connections.", "tls"),
    ("[AUTHENTICATIONFAILED] authentication failed", "sign-in"),
    ("POP3 ist deaktiviert", "sign-in"),
    ("[INUSE] Mailbox in use", "throttled"),
    ("[EXPIRED] That password isn't any good any more", "sign-in"),
]


@pytest.mark.parametrize(("said", "trouble"), TEXTS)
def test_what_providers_say(said: str, trouble: str) -> None:
    status = parse_status(f"-ERR {said}".encode())
    found = source_failure(refusal("auth", status), "mail.example.org")
    assert found.trouble == trouble
    assert str(found).startswith("mail.example.org ")
    assert status.text in str(found)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Request is throttled. Suggested Backoff Time: 298935 milliseconds", 298.935),
        ("Too many logins, please try again in 15 minutes", 900),
        ("wait 30 seconds", 30),
        ("try again after 2 hours", 7200),
        ("Try again in 99999999 hours", 86_400),
        ("try again later", 0),
        ("15 messages", 0),
    ],
)
def test_how_long_a_server_wants_us_to_wait(said: str, seconds: float) -> None:
    assert asked_to_wait(said) == pytest.approx(seconds)


def test_login_delay_is_honoured() -> None:
    """RFC 2449 §6.5, §8.1.1: told in CAPA, refused with LOGIN-DELAY; or known of the provider."""
    failure = refusal("auth", Status(False, "minimum time between checks", "LOGIN-DELAY"))
    assert source_failure(failure, "mail.example.org").retry_after == 0
    assert source_failure(failure, "pop3.web.de").retry_after == 900
    failure.login_delay = 120
    assert source_failure(failure, "pop3.web.de").retry_after == 120
    wrong = refusal("auth", Status(False, "no", "AUTH"))
    assert source_failure(wrong, "pop3.web.de").retry_after == 0


def test_bandwidth_has_a_wait_of_its_own() -> None:
    status = Status(False, "Account exceeded command or bandwidth limits.", "OVERQUOTA")
    assert source_failure(refusal("message", status)).retry_after == 3600


@pytest.mark.parametrize("stage", ["listing", "message", "delete"])
def test_an_unknown_refusal_is_quoted(stage: str) -> None:
    found = source_failure(refusal(stage, Status(False, "Shlemiel")), "mail.example.org")  # type: ignore[arg-type]
    assert (found.trouble, str(found)) == ("protocol", "mail.example.org refused: “Shlemiel”.")


def test_what_is_too_long_is_cut() -> None:
    found = source_failure(refusal("auth", Status(False, "x" * 5000)))
    assert len(str(found)) < 500


@pytest.mark.parametrize(
    ("host", "trouble", "words"),
    [
        ("imap.gmail.com", "sign-in", "apppasswords"),
        ("outlook.office365.com", "second-factor", "OAuth"),
        ("imap.mail.yahoo.com", "sign-in", "app password"),
        ("imap.mail.me.com", "sign-in", "app-specific password"),
        ("imap.fastmail.com", "sign-in", "app password"),
        ("pop.gmx.net", "sign-in", "POP3 and IMAP"),
        ("pop3.web.de", "sign-in", "POP3 and IMAP"),
        ("mail.example.org", "sign-in", "Check both"),
    ],
)
def test_a_wrong_password_at_a_provider(host: str, trouble: str, words: str) -> None:
    found = source_failure(refusal("auth", Status(False, "authentication failed", "AUTH")), host)
    assert found.trouble == trouble
    assert words in str(found)


def test_a_token_that_is_refused_is_not_a_wrong_password() -> None:
    status = Status(False, "Invalid credentials", "AUTH")
    found = source_failure(refusal("auth", status), "imap.gmail.com", by_token=True)
    assert found.trouble == "consent"


def test_imap_and_smtp() -> None:
    code = ResponseCode("UNAVAILABLE")
    imap = ImapFailure("auth", "refused", condition=Condition("NO", "later", code))
    assert source_failure(imap).trouble == "throttled"
    reader = ReplyReader(max_line_octets=500, max_reply_octets=500)
    for line, trouble in [
        (b"535 5.7.8 no\r\n", "sign-in"),
        (b"534 5.7.9 more\r\n", "second-factor"),
        (b"454 4.7.0 busy\r\n", "throttled"),
        (b"550 what\r\n", "protocol"),
    ]:
        reader.feed(line)
        smtp = ClientFailure("mail", "refused", reply=reader.next_frame())
        assert source_failure(smtp).trouble == trouble


def test_without_words() -> None:
    assert source_failure(LinkFailure("connect", "No.")).trouble == "unreachable"
    assert source_failure(LinkFailure("message", "Gone.")).trouble == "cut"
    assert source_failure(LinkFailure("mechanism", "None fits.")).trouble == "sign-in"
    nonsense = LinkFailure("listing", "No POP3.")
    nonsense.__cause__ = BadFrame()
    assert source_failure(nonsense).trouble == "protocol"


def test_nothing_known_means_nothing() -> None:
    assert meaning_of("", "Hello") is None


def test_presets_hold_together() -> None:
    names = [preset.name for preset in PRESETS]
    assert len(set(names)) == len(names)
    domains = [domain for preset in PRESETS for domain in preset.domains]
    assert len(set(domains)) == len(domains)
    assert all(domain == domain.lower() and "." in domain for domain in domains)
    for preset in PRESETS:
        for spec in (preset.servers.imap, preset.servers.pop3, preset.servers.smtp):
            if spec is not None:
                assert spec.tls != "none"
                assert (spec.tls == "starttls") == (spec.port == 587)
        if preset.proof != "account":
            assert preset.sign_in, "whoever has no usual password must say what to do"
        if preset.oauth is not None:
            for url in (preset.oauth.authorization, preset.oauth.token, preset.oauth.device):
                assert not url or url.startswith("https://")


def test_presets_are_found() -> None:
    gmail = find_named("gmail")
    assert gmail is not None
    assert find_preset("alice@Gmail.com") is gmail
    assert find_preset("googlemail.com.") is gmail
    assert find_preset("alice@gmail.com.example.org") is None
    assert find_by_host("POP.gmail.com") is gmail
    assert find_by_exchange("ASPMX.L.GOOGLE.COM.") is gmail
    assert find_by_exchange("notgoogle.com") is None
