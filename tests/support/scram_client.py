"""A SCRAM client for tests, written apart from the server's code."""

from __future__ import annotations

import base64
import hashlib
import hmac


class ScramClient:
    """`first()`, then `final(server_first)`, then `check(server_final)`."""

    def __init__(
        self,
        username: str,
        password: str,
        hash_name: str = "sha256",
        *,
        nonce: str = "clientnonce",
        gs2: str = "n,,",
        binding: bytes = b"",
    ) -> None:
        self.username = username.replace("=", "=3D").replace(",", "=2C")
        self.password = password.encode()
        self.hash_name = hash_name
        self.nonce = nonce
        self.gs2 = gs2
        self.binding = binding
        self.server_signature = b""

    def first(self) -> bytes:
        self.bare = f"n={self.username},r={self.nonce}"
        return (self.gs2 + self.bare).encode()

    def final(self, server_first: bytes) -> bytes:
        fields = dict(part.split("=", 1) for part in server_first.decode().split(","))
        assert fields["r"].startswith(self.nonce)
        salt = base64.b64decode(fields["s"])
        salted = hashlib.pbkdf2_hmac(self.hash_name, self.password, salt, int(fields["i"]))
        client_key = hmac.digest(salted, b"Client Key", self.hash_name)
        stored_key = hashlib.new(self.hash_name, client_key).digest()
        channel = base64.b64encode(self.gs2.encode() + self.binding).decode()
        without_proof = f"c={channel},r={fields['r']}"
        signed = f"{self.bare},{server_first.decode()},{without_proof}".encode()
        signature = hmac.digest(stored_key, signed, self.hash_name)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        server_key = hmac.digest(salted, b"Server Key", self.hash_name)
        self.server_signature = hmac.digest(server_key, signed, self.hash_name)
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def check(self, server_final: bytes) -> None:
        assert server_final == b"v=" + base64.b64encode(self.server_signature)
