"""Passkeys of a browser without a device: Chromium's own virtual authenticator."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page

from support.web_site import Site


def add_authenticator(page: Page) -> None:
    """A device of the browser's own, for tests."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable", {"enableUI": False})
    options: dict[str, Any] = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


_MAKE = """async (csrf) => {
  const send = (path, value) => fetch(path, {method: 'POST', body: JSON.stringify(value ?? {}),
    headers: {'Content-Type': 'application/json', 'X-Csrf-Token': csrf}});
  const options = await (await send('/account/passkeys/begin')).json();
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const made = await navigator.credentials.create({publicKey});
  const done = await send('/account/passkeys/finish', {credential: made.toJSON(), name: 'laptop'});
  return done.status;
}"""


def make_passkey(page: Page, site: Site) -> None:
    """For who is signed in; the page has an authenticator."""
    page.goto(f"{site.url}/account/state")
    csrf = json.loads(page.locator("body").inner_text())["csrf"]
    page.goto(f"{site.url}/devices")  # any page of ours
    assert page.evaluate(_MAKE, csrf) == 200
