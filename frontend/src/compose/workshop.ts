// A hidden page of the editor's kind, in which HTML from elsewhere is read. In the app's own page
// its policy would refuse (and report) the styles of every letter.

const PATH = '/compose-page'
const PATIENCE_MS = 4_000

let opened: Promise<Window | null> | null = null

/** Its window; null where it cannot be had: then letters are read in the app's page. */
export function openWorkshop(): Promise<Window | null> {
  opened ??= new Promise<Window | null>((resolve) => {
    const frame = document.createElement('iframe')
    frame.hidden = true
    frame.tabIndex = -1
    frame.title = ''
    frame.setAttribute('aria-hidden', 'true')
    frame.addEventListener('load', () => {
      resolve(frame.contentDocument?.body ? frame.contentWindow : null)
    })
    frame.src = PATH
    document.body.append(frame)
    setTimeout(() => resolve(null), PATIENCE_MS)
  }).then((found) => {
    if (!found) opened = null // the next letter tries again
    return found
  })
  return opened
}
