"""The document that a frame shows, and the header fields that make it harmless.

Whatever the sanitiser overlooked meets these: no script runs, nothing is fetched but this
message's own pictures and those that our proxy was told to fetch, no form is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from starlette.responses import HTMLResponse

from pillarbox.web.bodies.job import Cleaned

SANDBOX = "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
_CLOSED = (
    f"default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; {SANDBOX}"
)
_SHELL = """<!doctype html>
<html lang="{language}" data-kind="{kind}" data-theme="{theme}"{facts}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="{scheme}">
<title>{title}</title>
<style>{base}</style>
<style>{styles}</style>
</head>
<body{attributes}>
{notes}{markup}
</body>
</html>
"""
_BASE = """
html{height:auto!important;min-height:0!important;overflow-x:auto;-webkit-text-size-adjust:100%}
body{height:auto!important;min-height:0!important;margin:12px;overflow-wrap:break-word;
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
img{max-width:100%}
img:not([height]){height:auto}
table{max-width:100%}
pre{white-space:pre-wrap}
img[data-remote]{min-width:20px;min-height:20px;background:#8882;outline:1px dashed #8886}
.pb-text{max-width:760px;white-space:pre-wrap;unicode-bidi:plaintext}
.pb-quote{margin:4px 0;padding-left:12px;border-left:3px solid #8888;opacity:.85}
@media (prefers-reduced-motion:reduce){*{animation:none!important;transition:none!important}}
"""
_LIGHT = "html{background:#fff;color:#1b1b1f}a{color:#0b57d0}"
_DARK = "html{background:#16171a;color:#e6e6ea}a{color:#8ab4f8}"
# Inline and important: nothing that a style sheet of mail says can hide it.
_NOTE_STYLE = (
    "all:revert!important;display:block!important;visibility:visible!important;"
    "opacity:1!important;position:static!important;margin:0 0 12px!important;"
    "padding:8px 12px!important;border:1px solid #b58900!important;border-radius:6px!important;"
    "background:#fff8e1!important;color:#3d2f00!important;"
    "font:14px/1.4 system-ui,sans-serif!important;text-align:start!important"
)


def document(
    cleaned: Cleaned,
    *,
    markup: str,
    notes: Iterable[str],
    kind: str,
    is_dark: bool,
    language: str,
    facts: bytes | None,
) -> str:
    """`markup`: the cleaned one with its pictures resolved; `is_dark`: of the page around.

    `facts`: what that page tells of the message, as JSON; no request of its own is needed for it.
    """
    aware = cleaned.facts.dark_aware and cleaned.facts.is_coloured
    dark = is_dark and not cleaned.facts.is_coloured
    return _SHELL.format(
        language=language,
        kind=kind,
        theme="dark" if dark else "light",
        facts="" if facts is None else f' data-facts="{escape(facts.decode())}"',
        scheme="light dark" if aware else "dark" if dark else "light",
        title="",
        base=_BASE + ("" if aware else _DARK if dark else _LIGHT),
        styles=cleaned.styles,
        attributes=cleaned.body_attributes,
        notes="".join(map(_note, notes)),
        markup=markup,
    )


def message_document(sentence: str, status: int, language: str) -> str:
    """For what cannot be shown; the page around reads the status from the element."""
    return _SHELL.format(
        language=language,
        kind="error",
        theme="light",
        facts="",
        scheme="light dark",
        title=str(status),
        base=_BASE,
        styles="",
        attributes=f' data-status="{status}"',
        notes="",
        markup=_note(sentence),
    )


def _note(text: str) -> str:
    return f'<div class="pb-note" role="note" style="{_NOTE_STYLE}">{escape(text)}</div>\n'


def with_pictures(cleaned: Cleaned, marker: str, addresses: list[str] | None) -> str:
    """The markup with an address of ours for each remote picture, or with none."""
    if not cleaned.remote:
        return cleaned.markup

    def resolved(found: re.Match[str]) -> str:
        if addresses is None:
            return ' data-remote=""'
        return f' src="{addresses[int(found[1])]}"'

    return _source(marker).sub(resolved, cleaned.markup)


def shown_pictures(cleaned: Cleaned, marker: str) -> list[str]:
    """What is fetched where pictures are shown, in its order: trackers are not among it."""
    numbers = dict.fromkeys(_source(marker).findall(cleaned.markup)) if cleaned.remote else {}
    return [cleaned.remote[int(number)] for number in numbers]


def _source(marker: str) -> re.Pattern[str]:
    return re.compile(rf' src="{marker}(\d+)-"')


def framed(
    page: str,
    *,
    pictures: Iterable[str] = (),
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    """The answer. `pictures`: prefixes of the addresses that it may fetch them from."""
    policy = f"{_CLOSED}; img-src data: {' '.join(pictures)}".rstrip()
    policy += "; style-src 'unsafe-inline'"
    return HTMLResponse(
        page,
        status,
        {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "SAMEORIGIN",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            # With a sandbox it would be an error to open the page in a tab of its own.
            "Cross-Origin-Opener-Policy": "unsafe-none",
            **(headers or {}),
        },
    )
