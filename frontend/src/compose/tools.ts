// What comes beside a letter once its window is there: the bar of formats, and the way into a
// window of its own.

export { popOut } from './popout.ts'
export { default as Toolbar } from './Toolbar.svelte'
