// How many panes there is room for.

const THREE = matchMedia('(min-width: 1200px)')
const TWO = matchMedia('(min-width: 768px)')

export class Layout {
  now = $state<'one' | 'two' | 'three'>('three')

  constructor() {
    const look = () => (this.now = THREE.matches ? 'three' : TWO.matches ? 'two' : 'one')
    look()
    THREE.addEventListener('change', look)
    TWO.addEventListener('change', look)
  }
}
