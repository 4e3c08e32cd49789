// How high a message's frame is. Its content decides, within limits: a mail can make its own height
// depend on that of the frame, and would grow for ever.

export const MOST_HEIGHT = 50_000 // px; longer ones scroll inside
const BETWEEN = 100 // ms: ten adjustments a second
const MOST_STEPS = 40 // that only grow, one after the other: images come in fewer

export class Height {
  private at = -Infinity
  private steps = 0
  private current = 0

  /** The height to set now, or null to leave it. `wait` tells when to ask again. */
  propose(wanted: number, now: number): { set: number | null; wait: number | null } {
    const height = Math.max(0, Math.min(MOST_HEIGHT, Math.ceil(wanted)))
    if (Math.abs(height - this.current) < 2) return { set: null, wait: null }
    const since = now - this.at
    if (since < BETWEEN) return { set: null, wait: BETWEEN - since }
    this.steps = height > this.current ? this.steps + 1 : 0
    if (this.steps > MOST_STEPS) return { set: null, wait: null }
    this.at = now
    this.current = height
    return { set: height, wait: null }
  }

  /** The pane has another width: what was learnt does not hold. */
  forget(): void {
    this.steps = 0
  }
}
