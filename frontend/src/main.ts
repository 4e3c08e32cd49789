import { start } from './start.svelte.ts'

void start()
