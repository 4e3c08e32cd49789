"""What may stay of a stranger's HTML. Whatever is not named here goes.

No SVG and no MathML: most ways around sanitisers lead through them. No form controls, frames,
plugins, media or document-wide elements.
"""

from __future__ import annotations


def names(text: str) -> frozenset[str]:
    """Words as a set."""
    return frozenset(text.split())


VERSION = 1  # part of every address and cache key; raise it when the outcome changes
PREFIX = "m-"  # of ids and names: they can be no name of ours, and no property of a script's
PROXIED_SCHEMES = frozenset({"http", "https"})
LINK_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
SANITISER_SCHEMES = {"http", "https", "mailto", "tel", "cid", "data"}  # our own filter sees these

_TAGS = """
    a abbr acronym address area article aside b big blockquote br caption center cite code col
    colgroup dd del details dfn dir div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6
    header hr i img ins kbd li main map mark nav nobr ol p pre q rp rt ruby s samp section small
    span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr
"""
TAGS = frozenset(_TAGS.split())
# Their content goes with them; of other elements that are not allowed the content stays.
_CONTENT_GOES = """
    script style title textarea noscript template iframe object applet svg math audio video canvas
    select datalist noframes noembed xmp frameset portal fencedframe
"""
CONTENT_GOES = frozenset(_CONTENT_GOES.split())

_EVERYWHERE = frozenset({"align", "class", "dir", "id", "lang", "style", "title"})
_CELLS = names("abbr bgcolor char charoff colspan headers height nowrap rowspan scope valign width")
_ROWS = frozenset({"bgcolor", "char", "charoff", "height", "valign"})
_COLUMNS = frozenset({"char", "charoff", "span", "valign", "width"})
ATTRIBUTES: dict[str, frozenset[str]] = {
    "*": _EVERYWHERE,
    "a": frozenset({"href"}),
    "area": frozenset({"alt", "coords", "href", "shape"}),
    "br": frozenset({"clear"}),
    "col": _COLUMNS,
    "colgroup": _COLUMNS,
    "details": frozenset({"open"}),
    "font": frozenset({"color", "face", "size"}),
    "hr": frozenset({"color", "noshade", "size", "width"}),
    "img": frozenset({"alt", "border", "height", "hspace", "src", "usemap", "vspace", "width"}),
    "li": frozenset({"type", "value"}),
    "map": frozenset({"name"}),
    "ol": frozenset({"reversed", "start", "type"}),
    "pre": frozenset({"width"}),
    "table": names("bgcolor border bordercolor cellpadding cellspacing frame height rules width"),
    "tbody": _ROWS,
    "td": _CELLS,
    "tfoot": _ROWS,
    "th": _CELLS,
    "thead": _ROWS,
    "time": frozenset({"datetime"}),
    "tr": _ROWS,
    "ul": frozenset({"type"}),
}
SET_ATTRIBUTES = {
    "a": {"target": "_blank"},
    "area": {"target": "_blank", "rel": "noopener noreferrer"},
}
COLOURING = frozenset({"bgcolor", "color", "bordercolor"})  # attributes

CSS_FUNCTIONS = names("""
    rgb rgba hsl hsla hwb lab lch oklab oklch color color-mix light-dark calc min max clamp
    linear-gradient radial-gradient conic-gradient repeating-linear-gradient
    repeating-radial-gradient repeating-conic-gradient -webkit-linear-gradient
    -moz-linear-gradient translate translatex translatey scale scalex scaley rotate skew matrix
    blur brightness contrast drop-shadow grayscale hue-rotate invert opacity saturate sepia
    repeat minmax fit-content rect inset circle ellipse polygon
    """)
CSS_SELECTOR_FUNCTIONS = names(
    "not is where nth-child nth-last-child nth-of-type nth-last-of-type lang dir"
)
# Each of these names runs code, moves what should stand still, costs time without end, or undoes
# the order of letters.
CSS_PROPERTIES_GONE = frozenset(
    {"behavior", "-ms-behavior", "-moz-binding", "zoom", "unicode-bidi"}
)
CSS_FAMILIES_GONE = ("animation", "transition", "-webkit-animation", "-webkit-transition", "mso-")
CSS_POSITIONS = frozenset({"static", "relative", "absolute", "initial", "inherit", "unset"})
CSS_COLOURING = ("color", "background")
VIEWPORT_UNITS = names(
    """
    vh svh lvh dvh vb svb lvb dvb vmin vmax svmin svmax lvmin lvmax dvmin dvmax cqh cqb cqmin cqmax
    """
)
PIXELS_PER_UNIT = 8  # of a window 800 pixels high; the frame is as high as its content

TRACKING_HOSTS = names("""
    list-manage.com mailstat.us emltrk.com mailfoogae.appspot.com getnotify.com bananatag.com
    yesware.com streak.com superhuman.com mixmax.com hubspotemail.net sendgrid.net mandrillapp.com
    mailtrack.io cirrusinsight.com saleshandy.com google-analytics.com pixel.wp.com
    """)  # whose pictures in mail only tell that it was opened, when they are this path's
TRACKING_PATHS = ("/track/open", "/open.gif", "/o.gif", "/wf/open", "/pixel.gif", "/beacon")
