"""The signed messages of the RFCs, with the keys that stand there.

Origin: RFC 6376 §A.2 with the key of its Appendix C, and RFC 8463 §A (Code Components of IETF
documents). The first was laid out anew for print: as signed its body had one space
where the text now has two, and its continuation lines began with six.
"""

from __future__ import annotations

import asyncio
import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pillarbox.net.secret import Secret
from pillarbox.trust.dkim import SigningKey, dns_record, sign, verify
from support.dkim_keys import NOW, SETTINGS
from support.fake_resolver import FakeResolver

BODY = "\nHi.\n\nWe lost the game. Are you hungry yet?\n\nJoe.\n"
LETTER = """\
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>
"""
KEY_6376 = (
    "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"
    "IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi"
    "tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
)
SIGNED_6376 = """\
DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
      4bmp/YzhwvcubU4=;
Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
"""
SIGNED_8463 = """\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
"""
SECRET_8463 = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
KEYS_8463 = {
    "brisbane._domainkey.football.example.com": {
        "TXT": ["v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]
    },
    "test._domainkey.football.example.com": {
        "TXT": [
            (
                "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR",
                "iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC",
                "DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3",
                "Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
            )
        ]
    },
}


def octets(*texts: str) -> bytes:
    return "".join(texts).replace("\n", "\r\n").encode()


def verdicts(message: bytes, resolver: FakeResolver) -> list[tuple[str, str, int]]:
    results = asyncio.run(verify(message, resolver, NOW, SETTINGS))
    return [(result.result, result.identity, result.key_bits) for result in results]


def test_rfc_6376() -> None:
    resolver = FakeResolver({"brisbane._domainkey.example.com": {"TXT": [KEY_6376]}})
    message = octets(SIGNED_6376, LETTER, BODY)
    assert verdicts(message, resolver) == [("pass", "joe@football.example.com", 1024)]
    assert verdicts(message.replace(b"game. Are", b"game.  Are"), resolver)[0][0] == "fail"
    assert verdicts(message.replace(b"To: S", b"To:  S"), resolver)[0][0] == "fail"


def test_rfc_8463() -> None:
    resolver = FakeResolver(KEYS_8463)
    message = octets(SIGNED_8463, LETTER, BODY)
    identity = "@football.example.com"
    assert verdicts(message, resolver) == [("pass", identity, 256), ("pass", identity, 1024)]
    # relaxed on both sides: what RFC 6376 §A.2 forbids is no change here
    spaced = message.replace(b"game. Are", b"game.  Are \t").replace(b"To: S", b"TO:  S")
    assert [verdict for verdict, _, _ in verdicts(spaced, resolver)] == ["pass", "pass"]
    changed = message.replace(b"Is dinner", b"Was dinner")
    assert [verdict for verdict, _, _ in verdicts(changed, resolver)] == ["fail", "fail"]


def test_our_record_and_signature_by_the_key_of_rfc_8463() -> None:
    secret = Ed25519PrivateKey.from_private_bytes(base64.b64decode(SECRET_8463))
    pem = secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = SigningKey("football.example.com", "brisbane", "ed25519-sha256", Secret(pem))
    assert [dns_record(key)] == KEYS_8463["brisbane._domainkey.football.example.com"]["TXT"]
    message = octets(LETTER, BODY)
    signed = sign(message, len(message), [key], NOW) + message
    assert b"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=" in signed
    assert verdicts(signed, FakeResolver(KEYS_8463)) == [("pass", "@football.example.com", 256)]
