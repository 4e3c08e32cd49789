"""The administrator's accent: a colour that can be read wherever the pages put it."""

from __future__ import annotations

LEAST = 4.5  # WCAG 2.2, 1.4.3: text of ordinary size
# What an accent stands on in each theme: page, side bar, row that is selected. The pages' style
# sheets have the same (frontend/src/shell/base.css, web/pages/assets/pages.css).
GROUNDS = {
    "accent": ("#ffffff", "#f5f6f8", "#e3eefd"),
    "accent_dark": ("#15181c", "#1c2026", "#1d3250"),
}
_INKS = ("#ffffff", "#0d1117")  # what is written on an accent


def contrast(one: str, other: str) -> float:
    """The ratio of two colours `#rrggbb`, from 1 to 21 (WCAG 2.2, definition of contrast ratio)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def ink_on(color: str) -> str:
    """The better of white and black for words on it."""
    return max(_INKS, key=lambda ink: contrast(ink, color))


def complaint(name: str, color: str) -> str | None:
    """Why the colour cannot be the setting of that name; None where it can."""
    ground = min(GROUNDS[name], key=lambda one: contrast(one, color))
    reached = contrast(ground, color)
    if reached >= LEAST:
        return None
    wanted = "darker" if name == "accent" else "lighter"
    # Rounded down, so that no sentence says 4.50 of what is refused.
    return (
        f"{name} {color} cannot be read: on {ground} its contrast is {int(reached * 100) / 100:.2f}"
        f" to 1 and must be {LEAST} to 1 or more; take a {wanted} colour"
    )


def _luminance(color: str) -> float:
    parts = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
