"""What is said about a message in the document that shows it, in the browser's language."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pillarbox.web.bodies.opened import Oddity

LANGUAGES = ("en", "de", "es", "zh")
_TAG = re.compile(
    r"\s*([A-Za-z]{2,3})(?:-[A-Za-z0-9-]{0,30})?\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?"
)
_MOST_TAGS = 20
_MALFORMED = (Oddity.NO_BOUNDARY, Oddity.CUT_OFF, Oddity.UNREADABLE)

_SENTENCES: dict[Oddity, tuple[str, str, str, str]] = {
    Oddity.NO_BOUNDARY: (
        "This message is malformed: the line that parts its pieces is missing. What could be read "
        "is shown.",
        "Diese Nachricht ist fehlerhaft: Die Trennzeile zwischen ihren Teilen fehlt. Gezeigt wird, "
        "was lesbar war.",
        "Este mensaje está mal formado: falta la línea que separa sus partes. Se muestra lo que se "
        "pudo leer.",
        "此邮件格式有误：缺少分隔各部分的边界行。以下是能够读取的内容。",
    ),
    Oddity.CUT_OFF: (
        "This message is malformed: its end is missing. It may have been cut off on its way.",
        "Diese Nachricht ist fehlerhaft: Ihr Ende fehlt. Vielleicht wurde sie unterwegs "
        "abgeschnitten.",
        "Este mensaje está mal formado: falta el final. Quizá se cortó por el camino.",
        "此邮件格式有误：缺少结尾部分，可能在传输途中被截断。",
    ),
    Oddity.UNREADABLE: (
        "This message is malformed: some characters could not be read and are shown as �.",
        "Diese Nachricht ist fehlerhaft: Einige Zeichen waren nicht lesbar und erscheinen als �.",
        "Este mensaje está mal formado: algunos caracteres no se pudieron leer y aparecen como �.",
        "此邮件格式有误：部分字符无法读取，显示为 �。",
    ),
    Oddity.NOT_SHOWN_AS_HTML: (
        "This message's formatting is too complicated to be shown safely. This is its text.",
        "Die Formatierung dieser Nachricht ist zu verschachtelt, um sie sicher anzuzeigen. Dies "
        "ist ihr Text.",
        "El formato de este mensaje es demasiado complejo para mostrarlo con seguridad. Este es su "
        "texto.",
        "此邮件的格式过于复杂，无法安全显示。以下是其纯文本。",
    ),
    Oddity.TRUNCATED: (
        "This message is long; only its beginning is shown here.",
        "Diese Nachricht ist lang; hier steht nur ihr Anfang.",
        "Este mensaje es largo; aquí solo se muestra el principio.",
        "此邮件很长，此处只显示开头部分。",
    ),
    Oddity.EMPTY: (
        "This message has no text.",
        "Diese Nachricht enthält keinen Text.",
        "Este mensaje no tiene texto.",
        "此邮件没有正文。",
    ),
    Oddity.TNEF: (
        "This message holds a winmail.dat file: Outlook packed its text or attachments into it. "
        "Ask the sender to send it as HTML or plain text, or open the file with a TNEF reader.",
        "Diese Nachricht enthält eine Datei winmail.dat: Outlook hat Text oder Anhänge darin "
        "verpackt. Bitten Sie den Absender um HTML oder reinen Text, oder öffnen Sie die Datei "
        "mit einem TNEF-Programm.",
        "Este mensaje contiene un archivo winmail.dat: Outlook guardó en él el texto o los "
        "adjuntos. Pida al remitente que lo envíe como HTML o texto, o abra el archivo con un "
        "lector de TNEF.",
        "此邮件包含 winmail.dat 文件：Outlook 将正文或附件打包在其中。请让发件人改用 HTML "
        "或纯文本发送，或用 TNEF 阅读器打开该文件。",
    ),
    Oddity.SMIME_SEALED: (
        "This message is encrypted with S/MIME. Only a mail program that has your key can open it.",
        "Diese Nachricht ist mit S/MIME verschlüsselt. Nur ein Mailprogramm mit Ihrem Schlüssel "
        "kann sie öffnen.",
        "Este mensaje está cifrado con S/MIME. Solo puede abrirlo un programa de correo que tenga "
        "su clave.",
        "此邮件已用 S/MIME 加密，只有装有您密钥的邮件程序才能打开。",
    ),
    Oddity.SMIME_SIGNED: (
        "This message is packed inside an S/MIME signature. A mail program that knows S/MIME can "
        "open it.",
        "Diese Nachricht steckt in einer S/MIME-Signatur. Ein Mailprogramm, das S/MIME kennt, "
        "kann sie öffnen.",
        "Este mensaje va dentro de una firma S/MIME. Puede abrirlo un programa de correo que "
        "conozca S/MIME.",
        "此邮件封装在 S/MIME 签名中，支持 S/MIME 的邮件程序可以打开。",
    ),
    Oddity.ENCRYPTED: (
        "This message is encrypted. Only a mail program that has your key can open it.",
        "Diese Nachricht ist verschlüsselt. Nur ein Mailprogramm mit Ihrem Schlüssel kann sie "
        "öffnen.",
        "Este mensaje está cifrado. Solo puede abrirlo un programa de correo que tenga su clave.",
        "此邮件已加密，只有装有您密钥的邮件程序才能打开。",
    ),
}
_FILES = ("Attachments:", "Anhänge:", "Adjuntos:", "附件：")


def chosen_language(accepted: str) -> str:
    """The best of ours by an Accept-Language (RFC 9110 §12.5.4); English where none is."""
    best, weight = "en", 0.0
    for written in accepted.split(",")[:_MOST_TAGS]:
        found = _TAG.fullmatch(written)
        if found is None or (name := found[1].lower()) not in LANGUAGES:
            continue
        quality = float(found[2]) if found[2] else 1.0
        if quality > weight:
            best, weight = name, quality
    return best


def sentence(oddity: Oddity, language: str) -> str:
    """For people."""
    return _SENTENCES[oddity][LANGUAGES.index(language)]


def files_word(language: str) -> str:
    """What stands before names of files."""
    return _FILES[LANGUAGES.index(language)]


def malformed(oddities: Iterable[Oddity], language: str) -> str | None:
    """The sentence about what is wrong with the message's form."""
    found = [oddity for oddity in _MALFORMED if oddity in oddities]
    return sentence(found[0], language) if found else None
