// jmap-jam: session, batches with references, mailboxes, upload, import, changes, sending, push.
// Prints one JSON object of what it saw; test_jmap_node.py looks at it, and at the server by IMAP.
import { EventSource } from "eventsource";
import JamClient from "jmap-jam";

const [sessionUrl, bearerToken, from, to] = process.argv.slice(2);

// Its EventSource comes from the browser, which would send a cookie.
globalThis.EventSource = class extends EventSource {
  constructor(url) {
    const headers = { Authorization: `Bearer ${bearerToken}` };
    super(url, {
      fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
    });
  }
};

const seen = {};
const jam = new JamClient({ sessionUrl, bearerToken });
seen.username = (await jam.session).username;
const accountId = await jam.getPrimaryAccount();

const [{ boxes, identities }] = await jam.requestMany((t) => ({
  boxes: t.Mailbox.get({ accountId }),
  identities: t.Identity.get({ accountId }),
}));
const byRole = Object.fromEntries(boxes.list.map((box) => [box.role, box.id]));
seen.roles = Object.keys(byRole);
const identity = identities.list.find((one) => one.email === from);

const [made] = await jam.api.Mailbox.set({ accountId, create: { jam: { name: "Jam" } } });
const box = made.created.jam.id;
const [{ state: before }] = await jam.api.Email.get({ accountId, ids: [] });

const letter = [
  "From: Carol <carol@example.net>",
  `To: ${from}`,
  "Subject: Brought by jam",
  "Message-ID: <jam-1@example.net>",
  "",
  "Sweet and sticky.",
  "",
].join("\r\n");
const blob = await jam.uploadBlob(accountId, new Blob([letter], { type: "message/rfc822" }));
seen.uploaded = blob.size === letter.length;
const [imported] = await jam.api.Email.import({
  accountId,
  emails: { one: { blobId: blob.blobId, mailboxIds: { [box]: true } } },
});
const email = imported.created.one.id;

const [{ found, emails, threads, snippets }] = await jam.requestMany((t) => {
  const filter = { inMailbox: box, text: "sticky" };
  const found = t.Email.query({ accountId, filter, sort: [{ property: "receivedAt" }] });
  const emails = t.Email.get({
    accountId,
    ids: found.$ref("/ids"),
    properties: ["id", "threadId", "subject", "from", "blobId", "textBody", "bodyValues"],
    fetchTextBodyValues: true,
  });
  const threads = t.Thread.get({ accountId, ids: emails.$ref("/list/*/threadId") });
  const snippets = t.SearchSnippet.get({ accountId, filter, emailIds: found.$ref("/ids") });
  return { found, emails, threads, snippets };
});
seen.found = found.ids.length === 1 && found.ids[0] === email;
seen.subject = emails.list[0].subject;
seen.text = Object.values(emails.list[0].bodyValues)[0].value;
seen.thread = threads.list[0].emailIds.includes(email);
seen.snippet = snippets.list[0].preview;
const answer = await jam.downloadBlob({
  accountId,
  blobId: emails.list[0].blobId,
  mimeType: "message/rfc822",
  fileName: "letter.eml",
});
seen.downloaded = (await answer.text()) === letter;

const source = await jam.connectEventSource({ types: ["Email", "Mailbox"], ping: 30 });
const heard = new Promise((resolve, reject) => {
  source.addEventListener("state", (event) => resolve(JSON.parse(event.data)));
  source.addEventListener("error", reject);
});
await new Promise((resolve) => source.addEventListener("open", resolve));
const [changed] = await jam.api.Email.set({
  accountId,
  update: { [email]: { "keywords/$flagged": true, [`mailboxIds/${byRole.archive}`]: true } },
});
seen.pushed = Object.keys((await heard).changed[accountId]);
source.close();
const [changes] = await jam.api.Email.changes({ accountId, sinceState: before });
seen.changes = changes.created.includes(email) && changes.newState === changed.newState;

const draft = {
  mailboxIds: { [byRole.drafts]: true },
  keywords: { $draft: true, $seen: true },
  from: [{ email: from }],
  to: [{ email: to }],
  subject: "Sent by jam",
  bodyValues: { text: { value: "Spread it.\n" } },
  textBody: [{ partId: "text", type: "text/plain" }],
  attachments: [{ blobId: blob.blobId, type: "message/rfc822", name: "letter.eml" }],
};
const [{ drafted }] = await jam.requestMany((t) => ({
  drafted: t.Email.set({ accountId, create: { draft } }),
  sent: t.EmailSubmission.set({
    accountId,
    create: { send: { emailId: "#draft", identityId: identity.id } },
    onSuccessUpdateEmail: {
      "#send": { mailboxIds: { [byRole.sent]: true }, "keywords/$draft": null },
    },
  }),
}));
const [submitted] = await jam.api.EmailSubmission.query({
  accountId,
  filter: { emailIds: [drafted.created.draft.id] },
});
const [{ list: submissions }] = await jam.api.EmailSubmission.get({
  accountId,
  ids: submitted.ids,
});
seen.undoStatus = submissions[0].undoStatus;

const [vacation] = await jam.api.VacationResponse.get({ accountId, ids: ["singleton"] });
seen.vacation = vacation.list[0].isEnabled;
try {
  await jam.api.Email.get({ accountId: "nobody", ids: [] });
} catch (problem) {
  seen.error = problem.type;
}
process.stdout.write(JSON.stringify(seen));
