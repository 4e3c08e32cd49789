"""Any text as an address: one stored form, or BadName."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pillarbox.accounts.identity import login_of
from pillarbox.accounts.names import fold_address, fold_domain
from pillarbox.errors import BadName

texts = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(["a", "Ü", "ß", ".", "@", "-", "xn--", "。", "\u0308", '"', "\\", "İ", "א"])
    ).map("".join),
    st.text(st.characters(categories=["Cs", "Ll", "Mn"]), max_size=20),
)  # fmt: skip


@given(texts)
def test_domains(text: str) -> None:
    try:
        folded = fold_domain(text)
    except BadName:
        return
    assert folded.isascii()
    assert fold_domain(folded) == folded


@given(texts, texts)
def test_addresses(local: str, domain: str) -> None:
    try:
        folded = fold_address(f"{local}@{domain}")
    except BadName:
        return
    assert folded.encode()


@given(texts)
def test_user_names(text: str) -> None:
    assert login_of(text, "example.org").encode() is not None
    assert login_of(text, "").encode() is not None
