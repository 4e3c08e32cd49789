// Moments that are likely meant by "send later".

export interface Moment {
  name: 'laterToday' | 'tomorrow' | 'monday'
  at: Date
}

const MORNING = 8
const EVENING = 18

export function likelyMoments(now: Date): Moment[] {
  const moments: Moment[] = []
  const evening = atHour(now, 0, EVENING)
  if (evening.getTime() - now.getTime() > 3_600_000)
    moments.push({ name: 'laterToday', at: evening })
  moments.push({ name: 'tomorrow', at: atHour(now, 1, MORNING) })
  const days = (8 - now.getDay()) % 7 || 7
  if (days > 1) moments.push({ name: 'monday', at: atHour(now, days, MORNING) })
  return moments
}

function atHour(now: Date, days: number, hour: number): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour)
}

/** As an <input type=datetime-local> has it: in the person's own time. */
export function localInput(at: Date): string {
  const shifted = new Date(at.getTime() - at.getTimezoneOffset() * 60_000)
  return shifted.toISOString().slice(0, 16)
}
