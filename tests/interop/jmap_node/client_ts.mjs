// jmap-client-ts: one method at a time, with a transport of the application's own.
// Prints one JSON object of what it saw; test_jmap_node.py looks at it, and at the server by IMAP.
import { Client } from "jmap-client-ts";

const [sessionUrl, accessToken, from, to] = process.argv.slice(2);

const answered = async (response) => {
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
};
const transport = {
  get: (url, headers) => fetch(url, { headers }).then(answered),
  post: (url, body, headers) =>
    fetch(url, {
      method: "POST",
      headers: { ...headers, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    }).then(answered),
};

const seen = {};
const client = new Client({ sessionUrl, accessToken, transport });
await client.fetchSession();
seen.username = client.getSession().username;
const accountId = null; // it puts the first one there

const boxes = await client.mailbox_get({ accountId, ids: null });
const byRole = Object.fromEntries(boxes.list.map((box) => [box.role, box.id]));
const made = await client.mailbox_set({
  accountId,
  create: { outer: { name: "Typed" }, inner: { name: "Inside", parentId: "#outer" } },
});
const box = made.created.inner.id;
const changed = await client.mailbox_changes({ accountId, sinceState: boxes.state });
seen.created = changed.created.length;

const before = await client.email_get({ accountId, ids: [] });
const written = await client.email_set({
  accountId,
  create: {
    draft: {
      mailboxIds: { [byRole.drafts]: true, [box]: true },
      keywords: { $draft: true },
      from: [{ name: "Alice", email: from }],
      to: [{ name: null, email: to }],
      subject: "Sent with types",
      bodyValues: { text: { value: "All of them.\n" } },
      textBody: [{ partId: "text", type: "text/plain" }],
    },
  },
});
const draft = written.created.draft.id;
const found = await client.email_query({
  accountId,
  filter: { inMailbox: box, subject: "types" },
  sort: [{ property: "sentAt", isAscending: false }],
});
seen.found = found.ids.length === 1 && found.ids[0] === draft;
const got = await client.email_get({ accountId, ids: found.ids, properties: ["to", "preview"] });
seen.preview = got.list[0].preview;

const session = client.getSession();
const identities = await transport.post(
  session.apiUrl,
  {
    using: Object.keys(session.capabilities),
    methodCalls: [["Identity/get", { accountId: client.getFirstAccountId(), ids: null }, "i"]],
  },
  client.httpHeaders,
);
const identity = identities.methodResponses[0][1].list.find((one) => one.email === from);
const sent = await client.emailSubmission_set({
  accountId,
  create: { send: { emailId: draft, identityId: identity.id } },
  onSuccessUpdateEmail: { "#send": { "keywords/$draft": null } },
});
const submission = await client.emailSubmission_get({
  accountId,
  ids: [sent.created.send.id],
});
seen.undoStatus = submission.list[0].undoStatus;

const emptied = await client.email_set({ accountId, destroy: [draft] });
seen.destroyed = emptied.destroyed.length;
const after = await client.email_changes({ accountId, sinceState: before.state });
seen.lists = [after.created.length, after.updated.length, after.destroyed.length];
try {
  await client.email_query({ accountId, filter: { nonsense: true } });
} catch (problem) {
  seen.error = problem.type;
}
process.stdout.write(JSON.stringify(seen));
