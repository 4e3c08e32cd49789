"""Style sheets and style attributes through a CSS parser: what is not understood goes.

No address can be named in what is left, nothing stays where the page scrolls, and no height
depends on the window's: the frame is made as high as its content, which would then grow for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import tinycss2  # type: ignore[import-untyped]  # without stubs
from tinycss2 import ast

from pillarbox.web.bodies.policy import (
    CSS_COLOURING,
    CSS_FAMILIES_GONE,
    CSS_FUNCTIONS,
    CSS_POSITIONS,
    CSS_PROPERTIES_GONE,
    CSS_SELECTOR_FUNCTIONS,
    PIXELS_PER_UNIT,
    PREFIX,
    VIEWPORT_UNITS,
    names,
)

_MOST_LEVELS = 8  # of parentheses and functions
_MOST_RULES = 5000
_MOST_MEDIA = 200
_LONGEST_ATTRIBUTE = 8192  # characters
_PROPERTY = re.compile(r"-?[a-z][a-z0-9-]{0,60}")
_IN_VALUES = names("ident hash string number percentage dimension whitespace literal")
_IN_SELECTORS = names("ident hash string number percentage dimension whitespace literal")
_IN_MEDIA = names("ident number dimension whitespace literal")
_BLOCKS = frozenset({"() block", "[] block"})


@lru_cache(4096)  # a newsletter repeats a few hundred attributes thousands of times
def clean_style(text: str) -> str:
    """What may stay of a style attribute."""
    if len(text) > _LONGEST_ATTRIBUTE:
        return ""
    try:
        nodes = tinycss2.parse_blocks_contents(text, skip_comments=True, skip_whitespace=True)
        return _declarations(nodes)
    except RecursionError:
        return ""


def is_colouring(style: str) -> bool:
    """Whether cleaned declarations choose colours."""
    return any(word in style for word in CSS_COLOURING)


def clean_sheet(text: str) -> str:
    """What may stay of a style sheet; it can be put between <style> and </style>."""
    try:
        nodes = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
        rules = _rules(nodes, [_MOST_RULES, _MOST_MEDIA], 0)
    except RecursionError:
        return ""
    # In a string this is the same character; elsewhere it is an error, which ends one rule.
    return rules.replace("<", "\\3c ")


def _rules(nodes: Iterable[Any], left: list[int], level: int) -> str:
    pieces: list[str] = []
    for node in nodes:
        left[0] -= 1
        if left[0] < 0:
            break
        if node.type == "qualified-rule":
            pieces.append(_rule(node))
        elif node.type == "at-rule" and node.lower_at_keyword == "media" and level < 2:
            left[1] -= 1
            if left[1] >= 0 and node.content is not None and _allowed(node.prelude, _IN_MEDIA):
                inner = tinycss2.parse_rule_list(
                    node.content, skip_comments=True, skip_whitespace=True
                )
                kept = _rules(inner, left, level + 1)
                if kept:
                    pieces.append(f"@media{tinycss2.serialize(node.prelude)}{{{kept}}}")
    return "".join(pieces)


def _rule(node: Any) -> str:
    if not _allowed(node.prelude, _IN_SELECTORS, CSS_SELECTOR_FUNCTIONS):
        return ""
    selector = tinycss2.serialize([_prefixed(token) for token in node.prelude]).strip()
    contents = tinycss2.parse_blocks_contents(
        node.content, skip_comments=True, skip_whitespace=True
    )
    kept = _declarations(contents)
    return f"{selector}{{{kept}}}" if selector and kept else ""


def _prefixed(token: Any) -> Any:
    """`#top` as the ids in the markup are."""
    if token.type == "hash" and not token.value.startswith(PREFIX):
        value = PREFIX + token.value
        return ast.HashToken(token.source_line, token.source_column, value, True)
    return token


def _declarations(nodes: Iterable[Any]) -> str:
    kept = [_declaration(node) for node in nodes if node.type == "declaration"]
    return ";".join(filter(None, kept))


def _declaration(node: Any) -> str:
    name: str = node.lower_name
    if (
        _PROPERTY.fullmatch(name) is None
        or name in CSS_PROPERTIES_GONE
        or name.startswith(CSS_FAMILIES_GONE)
        or not _allowed(node.value, _IN_VALUES, CSS_FUNCTIONS)
    ):
        return ""
    if name == "position" and not _words(node.value) <= CSS_POSITIONS:
        return ""
    value = tinycss2.serialize(_steady(node.value)).strip()
    important = "!important" if node.important else ""
    return f"{name}:{value}{important}" if value else ""


def _words(tokens: Iterable[Any]) -> set[str]:
    return {token.lower_value if token.type == "ident" else "" for token in tokens} - {""}


def _allowed(
    tokens: Iterable[Any],
    kinds: frozenset[str],
    functions: frozenset[str] = frozenset(),
    level: int = 0,
) -> bool:
    """Whether there is nothing but what is known, at any depth; errors are of no known kind."""
    for token in tokens:
        kind = token.type
        if kind in kinds:
            continue
        if level == _MOST_LEVELS:
            return False
        if kind == "function" and token.lower_name in functions:
            inside = token.arguments
        elif kind in _BLOCKS:
            inside = token.content
        else:
            return False
        if not _allowed(inside, kinds, functions, level + 1):
            return False
    return True


def _steady(tokens: Iterable[Any]) -> list[Any]:
    """The same with pixels for what depends on the window's height."""
    found: list[Any] = []
    for token in tokens:
        if token.type == "dimension" and token.lower_unit in VIEWPORT_UNITS:
            pixels = round(token.value * PIXELS_PER_UNIT, 2)
            token = ast.DimensionToken(
                token.source_line, token.source_column, pixels, None, f"{pixels:g}", "px"
            )
        elif token.type == "function":
            inside = _steady(token.arguments)
            token = ast.FunctionBlock(token.source_line, token.source_column, token.name, inside)
        elif token.type == "() block":
            token = ast.ParenthesesBlock(
                token.source_line, token.source_column, _steady(token.content)
            )
        found.append(token)
    return found
