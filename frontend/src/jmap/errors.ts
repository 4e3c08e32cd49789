// What can go wrong between the app and its server, as values that the app can tell apart.

/** No answer: no network, the server is away, or it took too long. */
export class NetworkFailed extends Error {
  constructor(readonly reason: unknown) {
    super('no answer')
    this.name = 'NetworkFailed'
  }
}

/** The server refused a whole request (RFC 7807); `message` is its sentence. */
export class RequestFailed extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    detail: string,
    readonly problem: Record<string, unknown>,
  ) {
    super(detail)
    this.name = 'RequestFailed'
  }

  /** Worth trying again. */
  get isPassing(): boolean {
    return this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504
  }

  static async of(response: Response): Promise<RequestFailed> {
    let problem: Record<string, unknown> = {}
    try {
      problem = (await response.json()) as Record<string, unknown>
    } catch {
      // a proxy's own page
    }
    const detail = String(problem.detail ?? problem.title ?? `${response.status}`)
    return new RequestFailed(response.status, String(problem.type ?? 'about:blank'), detail, problem)
  }
}

/** One method call was refused (RFC 8620 §3.6.2). */
export class CallFailed extends Error {
  readonly type: string

  constructor(
    readonly method: string,
    readonly told: Record<string, unknown>,
  ) {
    super(String(told.description ?? told.type))
    this.name = 'CallFailed'
    this.type = String(told.type)
  }
}
