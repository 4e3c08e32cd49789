// A finger drawn across a row: to the right and to the left mean something (the other way round
// where lines run to the left). A finger held still takes the row into the selection.

import { app } from '../app.ts'
import type { Id } from '../data/types.ts'

const BEGINS_AT = 12
const COUNTS_FROM = 96
const HELD = 450

interface Options {
  id: Id
  right: () => unknown
  left: () => unknown
}

export function swipe(row: HTMLElement, options: Options): { update(next: Options): void } {
  let now = options
  let start: { x: number; y: number; pointer: number } | null = null
  let isSwiping = false
  let timer: ReturnType<typeof setTimeout> | undefined

  const reset = () => {
    clearTimeout(timer)
    start = null
    isSwiping = false
    row.classList.remove('swiping', 'left')
    row.style.removeProperty('--swipe')
  }

  row.addEventListener('pointerdown', (event) => {
    if (event.pointerType === 'mouse' || !event.isPrimary) return
    start = { x: event.clientX, y: event.clientY, pointer: event.pointerId }
    timer = setTimeout(() => {
      if (!start || isSwiping) return
      reset()
      row.dataset.held = 'yes' // the click that follows is part of this
      app.selection.toggle(now.id)
      navigator.vibrate?.(10)
    }, HELD)
  })
  row.addEventListener('pointermove', (event) => {
    if (!start || event.pointerId !== start.pointer) return
    const x = event.clientX - start.x
    const ahead = document.dir === 'rtl' ? -x : x
    const y = event.clientY - start.y
    if (!isSwiping && Math.abs(y) > BEGINS_AT) return reset()
    if (!isSwiping && Math.abs(x) > BEGINS_AT && !app.selection.active) {
      isSwiping = true
      clearTimeout(timer)
      row.setPointerCapture(event.pointerId)
      row.classList.add('swiping')
    }
    if (!isSwiping) return
    row.classList.toggle('left', ahead < 0)
    row.style.setProperty('--swipe', `${x}px`)
  })
  row.addEventListener('pointerup', (event) => {
    const x = start && isSwiping ? event.clientX - start.x : 0
    const ahead = document.dir === 'rtl' ? -x : x
    if (isSwiping) row.dataset.held = 'yes'
    reset()
    if (ahead > COUNTS_FROM) now.right()
    else if (ahead < -COUNTS_FROM) now.left()
  })
  row.addEventListener('pointercancel', reset)
  row.addEventListener('contextmenu', (event) => {
    if (start || row.dataset.held) event.preventDefault()
  })
  return {
    update(next) {
      now = next
    },
  }
}
