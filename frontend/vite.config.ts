import { svelte } from '@sveltejs/vite-plugin-svelte'
import { fileURLToPath } from 'node:url'
import { svelteTesting } from '@testing-library/svelte/vite'
import { defineConfig } from 'vitest/config'
import { writeEmoji } from './scripts/emoji.ts'
import { finish } from './scripts/finish.ts'
import { realmSquire } from './scripts/realm_squire.ts'
import { writeSprite } from './scripts/sprite.ts'

writeSprite()
writeEmoji()

const BUILT = fileURLToPath(new URL('../src/pillarbox/web/app/built', import.meta.url))
/** Elsewhere for trying a change without touching what is committed. */
const OUT = process.env.PILLARBOX_BUILD ?? BUILT
const server = process.env.PILLARBOX_URL ?? 'http://127.0.0.1:2080'

export default defineConfig({
  plugins: [svelte(), svelteTesting(), realmSquire(), finish(OUT)],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 400,
    rolldownOptions: {
      input: {
        index: fileURLToPath(new URL('./index.html', import.meta.url)),
        sw: fileURLToPath(new URL('./src/sw/sw.ts', import.meta.url)),
      },
      output: {
        // All that the start takes is one file, whatever other parts of the app share with it.
        codeSplitting: { groups: [{ name: 'app', test: /src.start|node_modules.svelte/ }] },
        entryFileNames: (chunk) => (chunk.name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  server: {
    proxy: Object.fromEntries(
      ['/jmap', '/account', '/m/', '/sign-in', '/imgproxy'].map((path) => [
        path,
        { target: server, changeOrigin: true },
      ]),
    ),
  },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    setupFiles: ['tests/setup.ts'],
  },
})
