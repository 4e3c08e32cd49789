"""X-Gmail-Labels of Google Takeout: one folder, keywords and flags out of many labels.

A message is stored once. Its folder is the first of: Trash, Spam, Drafts, INBOX, Sent, its first
label of the person's own, Archive. Its other own labels become keywords.
"""

from __future__ import annotations

import msgspec

from pillarbox.flow.collect.files.words import as_keywords, path_of
from pillarbox.message.encoded_word import decode
from pillarbox.store.model import Flag, Role

# Gmail's own labels as its languages write them in an export; case does not matter.
_NAMES: dict[str, str] = {
    "inbox": "inbox|posteingang|boîte de réception|recibidos|bandeja de entrada|posta in arrivo|"
    "in arrivo|caixa de entrada|recebidos|postvak in|odebrane|входящие|受信トレイ|inkorgen|innboks|"
    "indbakke|saapuneet|gelen kutusu|doručená pošta|вхідні|收件箱|收件匣|받은편지함",
    "sent": "sent|gesendet|messages envoyés|envoyés|enviados|posta inviata|inviati|"
    "e-mails enviados|"
    "verzonden|wysłane|отправленные|送信済みメール|送信済み|skickat|sendt|lähetetyt|"
    "gönderilmiş postalar|gönderilenler|odeslaná pošta|надіслані|已发邮件|寄件備份|보낸편지함",
    "drafts": "drafts|draft|entwürfe|entwurf|brouillons|borradores|bozze|rascunhos|concepten|"
    "wersje robocze|szkice|черновики|下書き|utkast|kladder|luonnokset|taslaklar|koncepty|чернетки|"
    "草稿|"
    "임시보관함",
    "spam": "spam|courrier indésirable|correo no deseado|correio eletrónico não solicitado|"
    "спам|迷惑メール|skräppost|søppelpost|roskaposti|垃圾邮件|垃圾郵件|스팸함",
    "trash": "trash|bin|papierkorb|corbeille|papelera|cestino|lixeira|lixo|prullenbak|kosz|корзина|"
    "ゴミ箱|papperskorgen|papirkurv|papirkurven|roskakori|çöp kutusu|çöp|koš|кошик|已删除邮件|"
    "垃圾桶|"
    "휴지통",
    "starred": "starred|markiert|suivis|messages suivis|destacados|speciali|com estrela|"
    "met ster|oznaczone gwiazdką|помеченные|スター付き|stjärnmärkta|stjernemerket|stjernemarkeret|"
    "tähdellä merkityt|yıldızlı|s hvězdičkou|із зірочкою|已加星标|已加星號|별표편지함",
    "important": "important|wichtig|importants|importante|importantes|importanti|belangrijk|ważne|"
    "важное|重要|viktigt|viktig|vigtigt|tärkeät|önemli|důležité|важливі|重要邮件|重要郵件|"
    "중요편지함",
    "opened": "opened|geöffnet|ouverts|ouvert|messages ouverts|abiertos|abierto|aperti|già letti|"
    "da leggere: no|abertas|aberto|geopend|otwarte|открыто|открытые|既読|開封済み|öppnade|åpnet|"
    "åbnet|"
    "avatut|açılan|otevřené|відкриті|已打开|已開啟|열어본 메일",
    "unread": "unread|ungelesen|non lus|messages non lus|no leídos|sin leer|da leggere|non letti|"
    "não lidas|não lido|ongelezen|nieprzeczytane|непрочитанные|未読|olästa|ulest|ulæste|"
    "lukemattomat|"
    "okunmamış|okunmamışlar|nepřečtené|непрочитані|未读|未讀|읽지 않음",
    "archived": "archived|archiviert|archivés|archivados|archiviati|arquivadas|gearchiveerd|"
    "zarchiwizowane|архив|архивированные|アーカイブ済み|arkiverade|arkivert|arkiveret|arkistoitu|"
    "arşivlenmiş|archivované|архівовано|已归档|已封存|보관됨",
}
_SYSTEM = {name: kind for kind, names in _NAMES.items() for name in names.split("|")}
_FLAGS = {"starred": Flag.FLAGGED, "important": Flag.IMPORTANT, "drafts": Flag.DRAFT}
_FOLDERS: tuple[tuple[str, str, Role], ...] = (
    ("trash", "Trash", Role.TRASH),
    ("spam", "Junk", Role.JUNK),
    ("drafts", "Drafts", Role.DRAFTS),
    ("inbox", "INBOX", Role.INBOX),
    ("sent", "Sent", Role.SENT),
)
ARCHIVE = "Archive"
ROLES: dict[str, Role] = {path: role for _, path, role in _FOLDERS} | {ARCHIVE: Role.ARCHIVE}


class Labelled(msgspec.Struct, frozen=True):
    """What a message's labels say."""

    path: str
    flags: int
    keywords: str


def parse_labels(value: bytes) -> list[str]:
    """The labels of an unfolded field: parted by commas, in quotes where they hold one."""
    labels: list[str] = []
    label, quoted = "", False
    for char in decode(value):
        if char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            labels.append(label)
            label = ""
        else:
            label += char
    return [name for one in [*labels, label] if (name := " ".join(one.split()))]


def sort_labels(labels: list[str]) -> Labelled:
    """Folder, flags and keywords of a message with these labels."""
    kinds: set[str] = set()
    own: list[str] = []
    for label in labels:
        kind = _SYSTEM.get(label.lower())
        if kind is None:
            own.append(label)
        else:
            kinds.add(kind)
    flags = 0
    for kind, flag in _FLAGS.items():
        if kind in kinds:
            flags |= flag
    if "unread" not in kinds:  # the word "Opened" came to exports only later
        flags |= Flag.SEEN
    path = next((path for kind, path, _ in _FOLDERS if kind in kinds), None)
    if path is None and own:
        path = path_of(own[0].split("/"))
        own = own[1:]
    more, keywords = as_keywords(own)
    return Labelled(path or ARCHIVE, flags | more, keywords)
