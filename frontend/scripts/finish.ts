// What a build leaves beside its files: precompressed copies, the service worker's list of what
// to keep, and manifest.json, by which tools/frontend.py knows the build and its sources.

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** The same lists are in tools/frontend.py. */
const SOURCE_FOLDERS = ['scripts', 'src']
const SOURCE_FILES = [
  'index.html',
  'package-lock.json',
  'package.json',
  'svelte.config.js',
  'tsconfig.json',
  'vite.config.ts',
]
const NOT_SOURCES = [
  'src/ui/icons.svg',
  ...['de', 'en', 'es', 'zh'].map((name) => `src/compose/emoji/${name}.json`),
]
const COMPRESSED = /\.(html|js|css|svg|json|webmanifest)$/
/** What a new letter needs to be written: its windows, the way to open them, and the editor. */
const COMPOSER = ['/compose/Composer.svelte', '/compose/open.ts', '/compose/editor.ts']
const ASKED_FOR = ['/compose/tools.ts', '/compose/EmojiPicker.svelte', '/compose/PopOut.svelte']
const KEPT = '__KEPT__'
const BUILD = '__BUILD__'

const sha256 = (octets: Uint8Array | string) => createHash('sha256').update(octets).digest('hex')

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** One digest over everything that a build is made of. */
export function sourcesDigest(): string {
  const named = [
    ...SOURCE_FILES.map((name) => join(ROOT, name)),
    ...SOURCE_FOLDERS.flatMap((name) => filesBelow(join(ROOT, name))),
  ].map((path) => relative(ROOT, path).replaceAll('\\', '/'))
  const lines = named
    .filter((name) => !name.endsWith('.test.ts') && !NOT_SOURCES.includes(name))
    .sort()
    .map((name) => `${name} ${sha256(readFileSync(join(ROOT, name)))}\n`)
  return sha256(lines.join(''))
}

function compress(path: string): void {
  const octets = readFileSync(path)
  writeFileSync(`${path}.gz`, gzipSync(octets, { level: 9 }))
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11 }
  writeFileSync(`${path}.br`, brotliCompressSync(octets, { params }))
}

interface Part {
  isEntry: boolean
  imports: string[]
  css: string[]
  modules: string[]
}

/** A file with all that it imports statically. */
function whole(parts: Map<string, Part>, file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found
  found.add(file)
  for (const one of parts.get(file)?.css ?? []) found.add(one)
  for (const one of parts.get(file)?.imports ?? []) whole(parts, one, found)
  return found
}

/** Files by the part of the app that they are for; tools/frontend.py weighs them. */
function groups(parts: Map<string, Part>): Record<string, string[]> {
  const first = new Set<string>()
  for (const [file, { isEntry }] of parts) if (isEntry && file !== 'sw.js') whole(parts, file, first)
  const of = (modules: string[], before: Iterable<string> = []) => {
    const known = new Set([...first, ...before])
    const files = modules.flatMap((module) => {
      const found = [...parts].find(([, one]) => one.modules.some((name) => name.endsWith(module)))
      if (!found) throw new Error(`${module} is in no part of the build`)
      return [...whole(parts, found[0])]
    })
    return [...new Set(files)].filter((file) => !known.has(file)).sort()
  }
  const composer = of(COMPOSER)
  const later = of(['/compose/rest.ts'], composer)
  const settings = of(['/settings/Settings.svelte'])
  const out: Record<string, string[]> = {
    initial: [...first].sort(),
    composer,
    'composer, later': later,
    'composer, asked for': of(ASKED_FOR, [...composer, ...later]),
    settings,
    'moving in and out': of(
      ['/settings/moving/Moving.svelte', '/settings/elsewhere/Elsewhere.svelte'],
      settings,
    ),
  }
  for (const [file, { modules }] of parts) {
    const [, language, part] = modules[0]?.match(/\/i18n\/([a-z]+)\/([a-z]+)\.json$/) ?? []
    if (language && part && modules.length === 1 && !first.has(file)) {
      // What comes at the start together; the others come each with its part of the app.
      const name = `locale ${language}${/^(?:mail|reader)$/.test(part) ? '' : `, ${part}`}`
      out[name] = [...(out[name] ?? []), file].sort()
    }
  }
  return out
}

/** The plugin; `out` is where the build goes. */
export function finish(out: string): Plugin {
  const parts = new Map<string, Part>()
  return {
    name: 'pillarbox-finish',
    apply: 'build',
    generateBundle(_options, bundle) {
      for (const [file, part] of Object.entries(bundle)) {
        if (part.type !== 'chunk') continue
        const viteMetadata = (part as { viteMetadata?: { importedCss?: Set<string> } }).viteMetadata
        parts.set(file, {
          isEntry: part.isEntry,
          imports: part.imports,
          css: [...(viteMetadata?.importedCss ?? [])],
          modules: part.moduleIds,
        })
      }
    },
    closeBundle() {
      if (!existsSync(join(out, 'index.html'))) return // the build has failed, and says why
      const names = filesBelow(out).map((path) => relative(out, path).replaceAll('\\', '/'))
      const shown = names.filter((name) => name.startsWith('assets/')).sort()
      const build = sha256(shown.join('\n')).slice(0, 16)
      const worker = join(out, 'sw.js')
      const text = readFileSync(worker, 'utf8')
      // Names of emoji are fetched by those who look for one.
      const kept = shown.filter((name) => !name.endsWith('.json')).map((name) => `/${name}`)
      writeFileSync(worker, text.replace(KEPT, kept.join(' ')).replace(BUILD, build))
      for (const name of names) if (COMPRESSED.test(name)) compress(join(out, name))
      const files = Object.fromEntries(
        names.sort().map((name) => [name, sha256(readFileSync(join(out, name)))]),
      )
      const manifest = { build, sources: sourcesDigest(), groups: groups(parts), files }
      writeFileSync(join(out, 'manifest.json'), `${JSON.stringify(manifest, null, 1)}\n`)
    },
  }
}
