// Printing one message: everything else of the page is left out while it lasts (see Reader.svelte).

export function printMessage(id: string): void {
  const message = [...document.querySelectorAll<HTMLElement>('[data-message]')].find((one) => one.dataset.message === id)
  if (!message) return
  const root = document.documentElement
  const end = (): void => {
    root.classList.remove('printing')
    message.classList.remove('printed')
    window.removeEventListener('afterprint', end)
  }
  root.classList.add('printing')
  message.classList.add('printed')
  window.addEventListener('afterprint', end)
  window.print()
}
