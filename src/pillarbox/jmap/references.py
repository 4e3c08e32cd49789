"""Arguments taken from the results of earlier calls of the same request (RFC 8620 §3.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pillarbox.jmap.errors import MethodRefused, invalid_arguments

Response = tuple[str, dict[str, Any], str]
MAX_RESOLVED = 50_000  # values that a reference may stand for


def resolve_references(arguments: dict[str, Any], responses: Sequence[Response]) -> dict[str, Any]:
    """The arguments with every "#name" replaced by what it refers to. Raises MethodRefused."""
    if not any(name.startswith("#") for name in arguments):
        return arguments
    resolved = {}
    for name, value in arguments.items():
        if not name.startswith("#"):
            resolved[name] = value
            continue
        if name[1:] in arguments:
            raise invalid_arguments(f"{name[1:]!r} is given twice, once as a reference.")
        resolved[name[1:]] = _refer(value, responses)
    return resolved


def _refer(reference: Any, responses: Sequence[Response]) -> Any:
    if not isinstance(reference, dict) or not all(
        isinstance(reference.get(key), str) for key in ("resultOf", "name", "path")
    ):
        raise _unresolved("A reference has resultOf, name and path.")
    for name, result, call in responses:
        if call != reference["resultOf"]:
            continue
        if name != reference["name"]:
            break
        path = reference["path"]
        if path and not path.startswith("/"):
            raise _unresolved(f"{path!r} is no JSON pointer.")
        return _point(result, [_unescaped(word) for word in path.split("/")[1:]])
    raise _unresolved(f"No {reference['name']} answered call {reference['resultOf']!r}.")


def _unescaped(word: str) -> str:
    return word.replace("~1", "/").replace("~0", "~")  # RFC 6901 §4, in this order


def _point(value: Any, words: Sequence[str]) -> Any:
    for at, word in enumerate(words):
        if isinstance(value, list) and word == "*":
            found: list[Any] = []
            for item in value:
                one = _point(item, words[at + 1 :])
                found.extend(one if isinstance(one, list) else [one])
                if len(found) > MAX_RESOLVED:
                    raise _unresolved("The reference stands for too many values.")
            return found
        value = _step(value, word)
    return value


def _step(value: Any, word: str) -> Any:
    if isinstance(value, dict) and word in value:
        return value[word]
    is_index = word.isascii() and word.isdigit() and (word == "0" or word[0] != "0")
    if isinstance(value, list) and is_index and len(word) < 10 and int(word) < len(value):
        return value[int(word)]
    raise _unresolved(f"There is no {word!r} in the result.")


def _unresolved(sentence: str) -> MethodRefused:
    return MethodRefused("invalidResultReference", sentence)
