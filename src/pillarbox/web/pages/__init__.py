"""What all server-rendered pages share: templates, languages, forms, their style sheet.

An area of pages keeps `templates/` and `texts/{en,de,es,zh}.json` in its own folder and makes one
`Pages(services, "its_folder")`.
"""

from __future__ import annotations

from pillarbox.web.pages.forms import Forms, read_form
from pillarbox.web.pages.languages import LANGUAGES, language_of
from pillarbox.web.pages.page import Pages
from pillarbox.web.pages.routes import routes

__all__ = ["LANGUAGES", "Forms", "Pages", "language_of", "read_form", "routes"]
