// A file to the server, as it is on the disk: by XMLHttpRequest, since fetch() does not tell how
// much is through.

import { app } from '../../app.ts'
import { NetworkFailed, RequestFailed } from '../../jmap/errors.ts'

export function sendFile(
  path: string,
  file: File,
  told: (octets: number) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', path)
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    request.setRequestHeader('X-Csrf-Token', app.client.csrf)
    request.upload.onprogress = (event) => told(event.loaded)
    request.onload = () => {
      if (request.status === 200) return resolve()
      const type = request.getResponseHeader('Content-Type') ?? ''
      const init = { status: request.status, headers: { 'Content-Type': type } }
      RequestFailed.of(new Response(request.responseText, init)).then(reject, reject)
    }
    request.onerror = () => reject(new NetworkFailed(null))
    request.onabort = () => reject(new Error(app.t('settings.cancelled')))
    signal.addEventListener('abort', () => request.abort())
    request.send(file)
  })
}
