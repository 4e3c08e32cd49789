"""A JMAP client by the standard library: one connection, every answer as it came."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

CORE = "urn:ietf:params:jmap:core"
MAIL = "urn:ietf:params:jmap:mail"


def basic(login: str, password: str) -> str:
    """The value of Authorization."""
    return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()


def trusting(certificate: Path) -> ssl.SSLContext:
    """Exactly that certificate."""
    return ssl.create_default_context(cafile=str(certificate))


@dataclass
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class JmapClient:
    """`with JmapClient(port, certificate, basic(…)) as client`."""

    def __init__(self, port: int, certificate: Path, authorization: str = "") -> None:
        self.port, self.certificate, self.authorization = port, certificate, authorization
        context = trusting(certificate)
        self.connection = http.client.HTTPSConnection(
            "localhost", port, context=context, timeout=20
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.connection.close()

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """`headers`: `_` stands for `-`; Authorization is added unless given."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.authorization:
            fields.setdefault("Authorization", self.authorization)
        self.connection.request(method, path, body, fields)
        response = self.connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())

    def session(self) -> dict[str, Any]:
        """The session object."""
        found: dict[str, Any] = self.ask("GET", "/.well-known/jmap").json
        return found

    def post(self, octets: bytes, **headers: str) -> Answer:
        """Any octets to the API."""
        return self.ask(
            "POST", "/jmap/api", octets, **{"Content_Type": "application/json"} | headers
        )

    def call(self, *calls: list[Any], using: tuple[str, ...] = (CORE,), **more: Any) -> Answer:
        """Method calls as JSON."""
        return self.post(json.dumps({"using": using, "methodCalls": calls, **more}).encode())


class JmapDesk:
    """One account, one method at a time; a method that is refused ends the test."""

    def __init__(self, client: JmapClient, using: tuple[str, ...]) -> None:
        self._client = client
        self._using = using
        session = client.session()
        self.account: str = session["primaryAccounts"][MAIL]

    def one(self, method: str, **arguments: Any) -> dict[str, Any]:
        """The arguments of the answer."""
        return self.all((method, arguments))[0]

    def all(self, *calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """The same for several in one request; answers that were not asked for come last."""
        asked = [
            [method, {"accountId": self.account, **arguments}, str(number)]
            for number, (method, arguments) in enumerate(calls)
        ]
        answer = self._client.call(*asked, using=self._using)
        assert answer.status == 200, answer
        found = answer.json["methodResponses"]
        for name, arguments, number in found:
            assert name != "error", (asked[int(number)], arguments)
        assert [name for name, _, _ in found[: len(calls)]] == [method for method, _ in calls]
        return [arguments for _, arguments, _ in found]

    def upload(self, octets: bytes) -> str:
        """The id of the blob."""
        answer = self._client.ask(
            "POST", f"/jmap/upload/{self.account}/", octets, Content_Type="message/rfc822"
        )
        assert answer.status == 201, answer
        return str(answer.json["blobId"])

    def close(self) -> None:
        """Hang up."""
        self._client.connection.close()


class Events:
    """An event source, read line by line; `Last-Event-ID` and all."""

    def __init__(self, client: JmapClient, query: str, **headers: str) -> None:
        context = trusting(client.certificate)
        self.connection = http.client.HTTPSConnection(
            "localhost", client.port, context=context, timeout=20
        )
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        fields["Authorization"] = client.authorization
        self.connection.request("GET", f"/jmap/eventsource?{query}", headers=fields)
        self.response = self.connection.getresponse()
        self.status = self.response.status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.connection.close()

    def next(self) -> dict[str, Any] | None:
        """The fields of the next event, its data decoded; None at the end."""
        event: dict[str, Any] = {}
        while line := self.response.readline():
            text = line.decode().rstrip("\n")
            if not text and event:
                return event
            name, colon, value = text.partition(": ")
            if name and colon:
                event[name] = json.loads(value) if name == "data" else value
        return None
