// What a letter needs once its window is there: answers and quotes, files, its way to the server,
// and whom it may be for. It comes after the window, by `rest` of parts.ts.

export { outbox } from '../outbox/outbox.svelte.ts'
export { beginWith } from './begin.ts'
export { throwAway } from './discard.ts'
export { default as FileList } from './FileList.svelte'
export { speaksOfAttachment } from './forgotten.ts'
export { known } from './known.svelte.ts'
export { default as SendLater } from './SendLater.svelte'
export { destroyEmail, filesOf, otherVersions, saveDraft } from './server.ts'
export { suggest } from './suggest.ts'
export { browserTransfer, Upload } from './upload.ts'
