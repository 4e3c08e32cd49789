// Small comforts for pages that work without it: show password, Caps Lock, passkeys,
// waiting.
"use strict";

for (const button of document.querySelectorAll("button[data-show]")) {
  const input = document.getElementById(button.dataset.show);
  const shown = button.textContent;
  button.hidden = false;
  const set = (visible) => {
    input.type = visible ? "text" : "password";
    button.textContent = visible ? button.dataset.hideText : shown;
    button.setAttribute("aria-pressed", String(visible));
  };
  button.addEventListener("click", () => set(input.type === "password"));
  input.form.addEventListener("submit", () => set(false)); // so that the browser offers to keep it
}

for (const input of document.querySelectorAll("[data-caps]")) {
  const hint = document.getElementById(input.dataset.caps);
  const look = (event) => {
    if (event.getModifierState) hint.hidden = !event.getModifierState("CapsLock");
  };
  input.addEventListener("keydown", look);
  input.addEventListener("keyup", look);
  input.addEventListener("blur", () => { hint.hidden = true; });
}

for (const box of document.querySelectorAll("[data-standalone]")) {
  if (matchMedia("(display-mode: standalone)").matches) box.checked = true;
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// Somebody waits for a word of another device; without scripts the page loads itself again.
for (const part of document.querySelectorAll("[data-waiting]")) {
  setInterval(async () => {
    const answer = await fetch(part.dataset.waiting).catch(() => null);
    if (answer?.ok && (await answer.json()).state !== "waiting") location.reload();
  }, 2000);
}

// Passkeys (WebAuthn): octets travel as base64url.
const toOctets = (text) => Uint8Array.from(
  atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const toText = (octets) => btoa(String.fromCharCode(...new Uint8Array(octets)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

async function signInByPasskey(form, mediation, signal) {
  const asked = await send(form.dataset.options, { csrf: form.elements.csrf.value });
  if (!asked.ok) throw new Error("options");
  const publicKey = await asked.json();
  publicKey.challenge = toOctets(publicKey.challenge);
  for (const one of publicKey.allowCredentials ?? []) one.id = toOctets(one.id);
  const found = await navigator.credentials.get({ publicKey, mediation, signal });
  const credential = {
    id: found.id, rawId: toText(found.rawId), type: found.type,
    clientExtensionResults: found.getClientExtensionResults(),
    response: {
      authenticatorData: toText(found.response.authenticatorData),
      clientDataJSON: toText(found.response.clientDataJSON),
      signature: toText(found.response.signature),
      userHandle: found.response.userHandle ? toText(found.response.userHandle) : null,
    },
  };
  const answer = await send(form.dataset.finish, {
    csrf: form.elements.csrf.value, credential,
    stay: Boolean(form.elements.stay?.checked), next: form.elements.next?.value ?? "",
  });
  if (!answer.ok) throw new Error("refused");
  location.assign((await answer.json()).next);
}

const send = (path, value) => fetch(path, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value),
});

for (const button of document.querySelectorAll("button[data-passkey]")) {
  if (!window.PublicKeyCredential) break;
  const form = document.getElementById(button.dataset.passkey);
  const failed = document.getElementById("passkey-failed");
  let waiting = new AbortController();
  for (const part of document.querySelectorAll("[data-with-passkey]")) part.hidden = false;
  button.addEventListener("click", async () => {
    waiting.abort();
    waiting = new AbortController();
    failed.hidden = true;
    try {
      await signInByPasskey(form, "optional", waiting.signal);
    } catch (error) {
      failed.hidden = error.name === "AbortError";
    }
  });
  const waitInField = PublicKeyCredential.isConditionalMediationAvailable;
  if (form.dataset.conditional && waitInField) {
    waitInField.call(PublicKeyCredential).then((can) => {
      if (can) return signInByPasskey(form, "conditional", waiting.signal);
    }).catch(() => {}); // nobody chose one, or the button was used
  }
}
