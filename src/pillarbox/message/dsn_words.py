"""What a delivery report says to a person. Pure tables; the codes are those of RFC 3463."""

from __future__ import annotations

SUBJECTS = {
    "failed": "Not delivered",
    "delayed": "Delayed",
    "delivered": "Delivered",
    "relayed": "Passed on",
    "expanded": "Delivered to a list",
}

_INTRODUCTIONS = {
    "failed": "{what} could not be delivered to {whom}:",
    "delayed": "{what} is still on its way to {whom}. You need not send it again:",
    "delivered": "{what} was delivered to {whom}:",
    "relayed": (
        "{what} was handed to the server of {whom}, which sends no further reports to you:"
    ),
    "expanded": "{what} was passed on to everybody behind {whom}:",
}

_ALWAYS = {
    "delivered": "It is in the mailbox.",
    "relayed": "The other server took it.",
    "expanded": "The address stands for several people; all of them were sent the message.",
}

# By the last two numbers of the status (RFC 3463 §3); what happened, and what to do.
_BY_DETAIL = {
    "1.1": ("There is no such mailbox.", "Check the address for a slip, or ask for the new one."),
    "1.2": (
        "The domain behind the @ does not exist or takes no mail.",
        "Check it for a slip.",
    ),
    "1.3": ("The address is not one that the other server understands.", "Check it for a slip."),
    "1.6": ("The mailbox has moved and left no address.", "Ask for the new one."),
    "1.7": (
        "Your own address cannot be written so that the other server takes it.",
        "Tell your administrator.",
    ),
    "1.8": ("The other server does not accept your own address.", "Tell your administrator."),
    "1.10": ("The domain takes no mail at all.", "Ask for another address."),
    "2.1": ("The mailbox is closed for now.", "Try another way to reach the person."),
    "2.2": ("The mailbox is full.", "Tell the person, and send the message again later."),
    "2.3": ("The message is larger than the mailbox accepts.", "Send it without the attachments."),
    "3.0": ("A server on the way has a difficulty.", "Send it again later."),
    "3.4": ("The message is larger than the server accepts.", "Send it without the attachments."),
    "4.1": ("The other server did not answer.", "If it is urgent, try another way."),
    "4.2": ("The connection to the other server broke.", "If it is urgent, try another way."),
    "4.3": ("The directory of domain names could not be asked.", "If it is urgent, call."),
    "4.4": ("No way to the other server was found.", "Check the part behind the @ for a slip."),
    "4.6": ("The message went round in a loop.", "Tell the administrator of the address."),
    "4.7": ("All attempts failed until the time was over.", "Send it again, or try another way."),
    "6.2": (
        "The message is signed or encrypted in a form that the other server cannot carry.",
        "Send it without signature, or as plain text.",
    ),
    "6.3": ("The other server cannot take a message of this kind.", "Send it as plain text."),
    "6.7": (
        "The other server cannot handle addresses with letters outside ASCII.",
        "Ask for an address in plain letters.",
    ),
    "6.9": (
        "The other server cannot handle a header with letters outside ASCII.",
        "Write from, and to, addresses in plain letters.",
    ),
    "7.1": ("The other server refuses it by its own rules.", "Its answer, below, says more."),
    "7.5": (
        "The connection could not be protected in the way that is asked for here.",
        "Show this report to your administrator.",
    ),
    "7.8": ("Our server could not sign in at the next one.", "Tell your administrator."),
    "7.10": (
        "You asked that it travel encrypted all the way, and that cannot be had.",
        "Send it without that wish, if that is right.",
    ),
    "7.30": (
        "You asked that it travel encrypted all the way, and the other server cannot promise that.",
        "Send it without that wish, if that is right.",
    ),
    "7.26": (
        "The other server does not believe that the message is from you.",
        "Show this report to your administrator.",
    ),
}

# By the first of those two numbers, where the pair says nothing to us.
_BY_SUBJECT = {
    "1": ("Something is wrong with the address.", "Check it for a slip."),
    "2": ("The mailbox cannot take the message.", "Try another way to reach the person."),
    "3": ("The other server has a difficulty.", "Send it again later."),
    "4": ("The other server could not be reached.", "Send it again later."),
    "5": ("The two servers did not understand each other.", "Tell your administrator."),
    "6": ("The other server cannot take the content.", "Send it as plain text."),
    "7": ("The other server refuses it by its own rules.", "Its answer, below, says more."),
}
_UNKNOWN = ("The other server did not take it.", "Its answer, below, may say why.")
_LONGEST_SUBJECT = 120  # letters of the original's subject in a sentence


def introduce(action: str, subject: str, date: str, recipients: int) -> str:
    """The first sentence of a group."""
    title = " ".join(subject.split())
    if len(title) > _LONGEST_SUBJECT:
        title = title[:_LONGEST_SUBJECT] + "…"
    what = f'Your message "{title}"' if title else "Your message"
    if date:
        what += f" of {' '.join(date.split())[:60]}"
    whom = "this address" if recipients == 1 else "these addresses"
    return _INTRODUCTIONS[action].format(what=what, whom=whom)


def explain(action: str, status: str) -> tuple[str, ...]:
    """What happened to one recipient, and what to do."""
    if action in _ALWAYS:
        return (_ALWAYS[action],)
    _, _, detail = status.partition(".")
    what, advice = _BY_DETAIL.get(detail) or _BY_SUBJECT.get(detail.partition(".")[0]) or _UNKNOWN
    if action == "delayed":
        return (what,)
    return (what, advice)
