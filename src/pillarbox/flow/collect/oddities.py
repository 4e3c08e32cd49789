"""What a source does against the rules: nothing is lost by it, and its owner is told."""

from __future__ import annotations

from msgspec import Struct, field

_NAMED = 3  # folders that a sentence names


class Oddities(Struct):
    """Noted in one run."""

    renumbered: list[str] = field(default_factory=list)  # paths, each once
    repeated: int = 0  # messages whose UIDL others have, too
    sizes: int = 0  # messages of another size than was announced

    def note_renumbered(self, path: str) -> None:
        """A folder has another UIDVALIDITY than before."""
        if path not in self.renumbered:
            self.renumbered.append(path)

    def sentences(self) -> list[str]:
        """What happened, and what there is to do about it."""
        told = []
        if self.renumbered:
            some = ", ".join(self.renumbered[:_NAMED])
            more = len(self.renumbered) - _NAMED
            told.append(
                f"The server has numbered messages anew (UIDVALIDITY) in {some}"
                f"{f' and {more} more' if more > 0 else ''}. They were known again by their "
                "content, so none came twice; you need do nothing."
            )
        if self.repeated:
            told.append(
                f"{_messages(self.repeated)} a name at the source (UIDL) that does not tell which "
                "message is meant. They were told apart by their content, which takes reading them "
                "each time; IMAP has no such trouble, if there is any."
            )
        if self.sizes:
            told.append(
                f"{_messages(self.sizes)} another size than the server announced. They are here "
                "as they came; you need do nothing."
            )
        return told


def _messages(number: int) -> str:
    return "1 message has" if number == 1 else f"{number} messages have"
