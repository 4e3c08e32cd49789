"""What is said to people, in the languages that LANG offers (RFC 6856 §3)."""

from __future__ import annotations

from enum import Enum, auto

DEFAULT_LANGUAGE = "en"


class Say(Enum):
    """One sentence. `{}` stands for what varies."""

    READY = auto()
    BYE = auto()
    BYE_KEPT = auto()
    TOO_MANY_CONNECTIONS = auto()
    CAPABILITIES = auto()
    LANGUAGES = auto()
    LANGUAGE_CHANGED = auto()
    LANGUAGE_UNKNOWN = auto()
    UTF8_ON = auto()
    NAME_NEXT = auto()
    TLS_FIRST = auto()
    TLS_NOW = auto()
    TLS_ALREADY = auto()
    TLS_NOT_HERE = auto()
    MECHANISMS = auto()
    MECHANISM_UNKNOWN = auto()
    BAD_RESPONSE = auto()
    WRONG_PASSWORD = auto()
    APP_PASSWORD = auto()
    SLOW_DOWN = auto()
    IN_USE = auto()
    TOO_SOON = auto()
    APOP_NOT_OFFERED = auto()
    MAILDROP = auto()
    DELETED = auto()
    RESTORED = auto()
    NO_SUCH_MESSAGE = auto()
    ALREADY_DELETED = auto()
    NEEDS_UTF8 = auto()
    NOT_UNDERSTOOD = auto()
    NOT_NOW = auto()
    LINE_TOO_LONG = auto()
    TOO_MANY_ERRORS = auto()
    TRY_LATER = auto()
    DAMAGED = auto()
    NOT_ALLOWED = auto()
    OUR_FAULT = auto()
    OCTETS = auto()
    HEADER = auto()


_ENGLISH = {
    Say.READY: "Pillarbox is ready",
    Say.BYE: "Goodbye",
    Say.BYE_KEPT: "Some deleted messages could not be removed",
    Say.TOO_MANY_CONNECTIONS: "Too many connections; try again later",
    Say.CAPABILITIES: "Capabilities follow",
    Say.LANGUAGES: "Languages follow",
    Say.LANGUAGE_CHANGED: "Language changed",
    Say.LANGUAGE_UNKNOWN: "That language is not spoken here",
    Say.UTF8_ON: "UTF-8 from now on",
    Say.NAME_NEXT: "Now the password",
    Say.TLS_FIRST: "Passwords are taken over TLS only: say STLS first",
    Say.TLS_NOW: "Begin TLS",
    Say.TLS_ALREADY: "TLS is in use already",
    Say.TLS_NOT_HERE: "TLS is not offered here",
    Say.MECHANISMS: "Mechanisms follow",
    Say.MECHANISM_UNKNOWN: "That mechanism is not offered here",
    Say.BAD_RESPONSE: "The sign-in could not be understood",
    Say.WRONG_PASSWORD: "The user name or the password is wrong",
    Say.APP_PASSWORD: "This account asks for a second step: use an app password here",
    Say.SLOW_DOWN: "Too many failed attempts; wait a minute and try again",
    Say.IN_USE: "The mailbox is in use by another session",
    Say.TOO_SOON: "The last session was a moment ago; wait and try again",
    Say.APOP_NOT_OFFERED: "APOP is not offered: it needs readable stored passwords; use SCRAM",
    Say.MAILDROP: "{} messages ({} octets)",
    Say.DELETED: "Message {} deleted",
    Say.RESTORED: "{} messages ({} octets)",
    Say.NO_SUCH_MESSAGE: "There is no such message",
    Say.ALREADY_DELETED: "The message is deleted already",
    Say.NEEDS_UTF8: "The message needs UTF-8: say UTF8 before signing in",
    Say.NOT_UNDERSTOOD: "That command is not understood",
    Say.NOT_NOW: "That command cannot be used now",
    Say.LINE_TOO_LONG: "The line is too long",
    Say.TOO_MANY_ERRORS: "Too many errors; goodbye",
    Say.TRY_LATER: "The server cannot do this just now; try again later",
    Say.DAMAGED: "The stored message is damaged; tell the administrator",
    Say.NOT_ALLOWED: "That is not allowed",
    Say.OUR_FAULT: "Something went wrong here; it was logged",
    Say.OCTETS: "{} octets",
    Say.HEADER: "The message begins",
}
_GERMAN = {
    Say.READY: "Pillarbox ist bereit",
    Say.BYE: "Auf Wiedersehen",
    Say.BYE_KEPT: "Einige gelöschte Nachrichten konnten nicht entfernt werden",
    Say.TOO_MANY_CONNECTIONS: "Zu viele Verbindungen; bitte später noch einmal",
    Say.CAPABILITIES: "Es folgen die Fähigkeiten",
    Say.LANGUAGES: "Es folgen die Sprachen",
    Say.LANGUAGE_CHANGED: "Sprache geändert",
    Say.LANGUAGE_UNKNOWN: "Diese Sprache wird hier nicht gesprochen",
    Say.UTF8_ON: "Ab jetzt UTF-8",
    Say.NAME_NEXT: "Nun das Passwort",
    Say.TLS_FIRST: "Passwörter werden nur über TLS angenommen: erst STLS",
    Say.TLS_NOW: "TLS beginnt",
    Say.TLS_ALREADY: "TLS ist schon in Gebrauch",
    Say.TLS_NOT_HERE: "TLS wird hier nicht angeboten",
    Say.MECHANISMS: "Es folgen die Verfahren",
    Say.MECHANISM_UNKNOWN: "Dieses Verfahren wird hier nicht angeboten",
    Say.BAD_RESPONSE: "Die Anmeldung war nicht verständlich",
    Say.WRONG_PASSWORD: "Benutzername oder Passwort ist falsch",
    Say.APP_PASSWORD: "Dieses Konto verlangt einen zweiten Schritt: hier gilt ein App-Passwort",
    Say.SLOW_DOWN: "Zu viele Fehlversuche; bitte eine Minute warten",
    Say.IN_USE: "Das Postfach wird von einer anderen Sitzung benutzt",
    Say.TOO_SOON: "Die letzte Sitzung war gerade erst; bitte etwas warten",
    Say.APOP_NOT_OFFERED: "APOP wird nicht angeboten, es braucht lesbare Passwörter; bitte SCRAM",
    Say.MAILDROP: "{} Nachrichten ({} Oktette)",
    Say.DELETED: "Nachricht {} gelöscht",
    Say.RESTORED: "{} Nachrichten ({} Oktette)",
    Say.NO_SUCH_MESSAGE: "Diese Nachricht gibt es nicht",
    Say.ALREADY_DELETED: "Die Nachricht ist schon gelöscht",
    Say.NEEDS_UTF8: "Die Nachricht braucht UTF-8: UTF8 vor der Anmeldung sagen",
    Say.NOT_UNDERSTOOD: "Dieser Befehl ist nicht verständlich",
    Say.NOT_NOW: "Dieser Befehl geht jetzt nicht",
    Say.LINE_TOO_LONG: "Die Zeile ist zu lang",
    Say.TOO_MANY_ERRORS: "Zu viele Fehler; auf Wiedersehen",
    Say.TRY_LATER: "Das geht gerade nicht; bitte später noch einmal",
    Say.DAMAGED: "Die gespeicherte Nachricht ist beschädigt; bitte dem Verwalter sagen",
    Say.NOT_ALLOWED: "Das ist nicht erlaubt",
    Say.OUR_FAULT: "Hier ist etwas schiefgegangen; es wurde aufgezeichnet",
    Say.OCTETS: "{} Oktette",
    Say.HEADER: "Die Nachricht beginnt",
}
_FRENCH = {
    Say.READY: "Pillarbox est prêt",
    Say.BYE: "Au revoir",
    Say.BYE_KEPT: "Certains messages supprimés n'ont pas pu être enlevés",
    Say.TOO_MANY_CONNECTIONS: "Trop de connexions ; réessayez plus tard",
    Say.CAPABILITIES: "Voici les capacités",
    Say.LANGUAGES: "Voici les langues",
    Say.LANGUAGE_CHANGED: "Langue changée",
    Say.LANGUAGE_UNKNOWN: "Cette langue n'est pas parlée ici",
    Say.UTF8_ON: "UTF-8 désormais",
    Say.NAME_NEXT: "Maintenant le mot de passe",
    Say.TLS_FIRST: "Les mots de passe ne sont acceptés que par TLS : d'abord STLS",
    Say.TLS_NOW: "Commencez TLS",
    Say.TLS_ALREADY: "TLS est déjà utilisé",
    Say.TLS_NOT_HERE: "TLS n'est pas offert ici",
    Say.MECHANISMS: "Voici les mécanismes",
    Say.MECHANISM_UNKNOWN: "Ce mécanisme n'est pas offert ici",
    Say.BAD_RESPONSE: "L'identification n'a pas été comprise",
    Say.WRONG_PASSWORD: "Le nom d'utilisateur ou le mot de passe est faux",
    Say.APP_PASSWORD: "Ce compte demande une seconde étape : il faut un mot de passe d'application",
    Say.SLOW_DOWN: "Trop d'échecs ; attendez une minute et réessayez",
    Say.IN_USE: "La boîte est utilisée par une autre session",
    Say.TOO_SOON: "La dernière session vient de finir ; attendez un peu",
    Say.APOP_NOT_OFFERED: "APOP n'est pas offert : il exige des mots de passe lisibles ; SCRAM",
    Say.MAILDROP: "{} messages ({} octets)",
    Say.DELETED: "Message {} supprimé",
    Say.RESTORED: "{} messages ({} octets)",
    Say.NO_SUCH_MESSAGE: "Ce message n'existe pas",
    Say.ALREADY_DELETED: "Le message est déjà supprimé",
    Say.NEEDS_UTF8: "Le message exige UTF-8 : dites UTF8 avant de vous identifier",
    Say.NOT_UNDERSTOOD: "Cette commande n'est pas comprise",
    Say.NOT_NOW: "Cette commande n'est pas possible maintenant",
    Say.LINE_TOO_LONG: "La ligne est trop longue",
    Say.TOO_MANY_ERRORS: "Trop d'erreurs ; au revoir",
    Say.TRY_LATER: "Le serveur ne peut pas le faire maintenant ; réessayez plus tard",
    Say.DAMAGED: "Le message enregistré est endommagé ; dites-le à l'administrateur",
    Say.NOT_ALLOWED: "Ce n'est pas permis",
    Say.OUR_FAULT: "Quelque chose a mal tourné ici ; c'est noté",
    Say.OCTETS: "{} octets",
    Say.HEADER: "Le message commence",
}

LANGUAGES: dict[str, tuple[str, dict[Say, str]]] = {
    "en": ("English", _ENGLISH),
    "de": ("Deutsch", _GERMAN),
    "fr": ("Français", _FRENCH),
}


def find_language(wanted: str) -> str | None:
    """The language that fits a range best (RFC 4647 §3.4 lookup): "de-CH" is spoken as "de"."""
    tag = wanted.lower()
    while tag:
        if tag in LANGUAGES:
            return tag
        tag = tag.rpartition("-")[0]
    return None


def say(language: str, what: Say, *values: object) -> str:
    """A sentence in a language of LANGUAGES."""
    text = LANGUAGES[language][1][what]
    return text.format(*values) if values else text
