// For the start of the app, which does not load the composer: whether it should after all.

/** Whether letters of an earlier page wait on this device. */
export function hasKept(): boolean {
  return localStorage.getItem('pillarbox.kept') !== null
}
