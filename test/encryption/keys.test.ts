/** The setting, the file, and what is said of mistakes: never a key. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readEnvironment } from '../../src/config/environment.ts';
import { Keyring, openKeyring, parseKeys, writeNewKey } from '../../src/encryption/index.ts';

const [A, B] = [writeNewKey('2026-05'), writeNewKey('2026-11')];
const secret = (written: string): string => written.slice(written.indexOf(':') + 1);
const problemsOf = (text: string): string => parseKeys(text).problems.join('\n');

describe('the setting', () => {
  test('the first writes, all read; spaces, line breaks and comments are fine', () => {
    const { keys, problems } = parseKeys(`# since November\n${B} # new\r\n, ${A},\n`);
    expect([problems, keys.writing?.id, [...keys.all.keys()]]).toEqual([[], '2026-11', ['2026-11', '2026-05']]);
  });
  test('base64 without padding and of the kind for addresses is a key too', () => {
    const url = Buffer.from(secret(A), 'base64').toString('base64url');
    expect(parseKeys(`x:${url}`).keys.writing?.secret.export().toString('base64')).toBe(secret(A));
  });
  test.each<[string, string, string]>([
    ['a key without an id', secret(A), 'entry 1 has no key id'],
    ['id and key the wrong way round', `${secret(A)}:2026-05`, 'entry 1 has a key id that is not'],
    ['a key that is too short', `a:${Buffer.alloc(16, 'k').toString('base64')}`, 'entry 1 (a) is not a key of 32 bytes in base64'],
    ['a key that is too long', `a:${Buffer.from('k'.repeat(33)).toString('base64')}`, 'is not a key of 32 bytes'],
    ['a key in hex', `a:${'0f'.repeat(32)}`, 'is not a key of 32 bytes'],
    ['a passphrase', 'a:correct horse battery staple', 'is not a key of 32 bytes'],
    ['zeros', `a:${Buffer.alloc(32).toString('base64')}`, '(a) is not random'],
    ['an id twice', `${A},2026-05:${secret(B)}`, 'entry 2 (2026-05) is there twice'],
    ['a key twice', `${A},2026-06:${secret(A)}`, 'entry 2 (2026-06) is the same key as 2026-05'],
    ['plain behind a key', `${A},plain`, 'entry 2 is `plain`, which means something in the first place only'],
    ['plain alone', 'plain', 'with no key behind it'],
    ['plain as an id', `plain:${secret(A)}`, 'has the key id `plain`, which is taken'],
    ['nothing', ' , \n', 'holds no key'],
  ])('%s', (_what, text, problem) => {
    const found = problemsOf(text);
    expect(found).toContain(problem);
    for (const key of [A, B]) expect(found).not.toContain(secret(key).slice(0, 12));
  });
  test('every mistake at once, among those of the rest of the environment', () => {
    expect(() => readEnvironment({ HEADGATE_PORT: 'x', HEADGATE_ENCRYPTION_KEYS: 'a:b,c' })).toThrow(/HEADGATE_PORT[\s\S]*HEADGATE_ENCRYPTION_KEYS: entry 1 \(a\)[\s\S]*HEADGATE_ENCRYPTION_KEYS: entry 2/);
    expect(() => readEnvironment({ HEADGATE_ENCRYPTION_KEYS: A, HEADGATE_ENCRYPTION_KEYS_FILE: '/x' })).toThrow('set one of them');
    expect(openKeyring({ HEADGATE_ENCRYPTION_KEYS: ' ' }).isOn).toBe(false);
  });
  test('a new key is a key, and never the same', () => {
    expect(problemsOf(`${writeNewKey('a')},${writeNewKey('b')}`)).toBe('');
    expect(() => writeNewKey('no spaces')).toThrow('--id');
  });
});

describe('the file', () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'headgate-keys-'));
    file = join(folder, 'keys');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('is read again for a key that is not in it, and each half minute', async () => {
    let now = 1_000_000;
    await writeFile(file, A);
    const keyring = new Keyring({ file, now: () => now });
    expect([keyring.writing?.id, keyring.find('2026-11')]).toEqual(['2026-05', undefined]);
    await writeFile(file, `${A}\n${B}\n`);
    // A crowd of unknown payloads does not read the file for each of them.
    expect(keyring.find('2026-11')).toBeUndefined();
    now += 1_000;
    expect(keyring.find('2026-11')?.id).toBe('2026-11');
    await writeFile(file, `${B}\n${A}\n`);
    now += 29_999;
    expect(keyring.writing?.id).toBe('2026-05');
    now += 1;
    expect(keyring.writing?.id).toBe('2026-11');
  });

  test('broken or gone for a moment, it changes nothing, and the log says so without a key', async () => {
    let now = 0;
    const lines: string[] = [];
    await writeFile(file, A);
    const keyring = new Keyring({ file, now: () => now });
    keyring.logTo(pino(new Writable({ write: (chunk: Buffer, _encoding, done) => { lines.push(chunk.toString()); done(); } })));
    const after = async (change: () => Promise<void>): Promise<string | undefined> => {
      await change();
      now += 30_000;
      return keyring.writing?.id;
    };
    expect(await after(() => writeFile(file, `${A},${secret(B)}`))).toBe('2026-05');
    expect(await after(() => rm(file))).toBe('2026-05');
    expect(await after(() => writeFile(file, B))).toBe('2026-11');
    expect(await after(() => Promise.resolve())).toBe('2026-11');
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      'Payloads in Temporal are encrypted.',
      'The keys of HEADGATE_ENCRYPTION_KEYS_FILE cannot be read again; those that were read last stay in use.',
      'The keys of HEADGATE_ENCRYPTION_KEYS_FILE cannot be read again; those that were read last stay in use.',
      'The encryption keys were read again.',
    ]);
    for (const key of [A, B]) expect(lines.join('')).not.toContain(secret(key).slice(0, 12));
  });

  test('a file that is not there or has mistakes stops the start', async () => {
    await rm(file, { force: true });
    expect(() => openKeyring({ HEADGATE_ENCRYPTION_KEYS_FILE: file })).toThrow(`HEADGATE_ENCRYPTION_KEYS_FILE: ${file} cannot be read (ENOENT)`);
    await writeFile(file, 'a:b');
    expect(() => openKeyring({ HEADGATE_ENCRYPTION_KEYS_FILE: file })).toThrow(`${file} entry 1 (a) is not a key`);
    await writeFile(file, '');
    expect(() => openKeyring({ HEADGATE_ENCRYPTION_KEYS_FILE: file })).toThrow('holds no key');
  });
});
