import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { keyOf, roleOf } from './key.ts';

/**
 * Loaded into the controller before its program (node --import): counts what it does to its files, and stands still right before the
 * act a test waits for. FAULTS_DIR is the trap's directory; `ops` there is written when it exists, `act` holds the name of the point's own
 * directory, NTH and a key.
 */

const dir = process.env['FAULTS_DIR'] ?? '';
const exists = fs.existsSync;
const read = fs.readFileSync;
const write = fs.writeFileSync;
const append = fs.appendFileSync;
const link = fs.readlinkSync;
const learning = exists(join(dir, 'ops'));
const WAIT_MS = 10;
let [point = '', nth = '', wanted = ''] = set();
let met = 0;

function set(): string[] {
	return exists(join(dir, 'act')) ? read(join(dir, 'act'), 'utf8').trimEnd().split('\n') : [];
}

function nameOf(file: unknown): string {
	if (typeof file !== 'number') return String(file);
	try {
		return link(`/proc/self/fd/${file}`);
	} catch {
		return '';
	}
}

function before(op: string, file: unknown): void {
	const name = nameOf(file);
	if (!/run-|\/cache\/|\/usr\/rel\//.test(name) || name.startsWith(dir)) return;
	const key = `${op} ${roleOf(keyOf(name))}`;
	if (learning) append(join(dir, 'ops'), `${key}\n`);
	if (key !== wanted) return;
	met++;
	if (met !== Number(nth)) return;
	const held = join(dir, point);
	write(join(held, 'hit'), String(process.pid));
	const still = new Int32Array(new SharedArrayBuffer(4));
	while (!exists(join(held, 'go'))) Atomics.wait(still, 0, 0, WAIT_MS);
	const ahead = exists(join(held, 'clock')) ? Number(read(join(held, 'clock'), 'utf8')) * 1000 : 0;
	const now = Date.now;
	Date.now = () => now() + ahead;
	met = 0;
	[point = '', nth = '', wanted = ''] = set();
}

const plain = ['fsyncSync', 'writeSync', 'renameSync', 'mkdirSync', 'ftruncateSync', 'rmSync', 'unlinkSync', 'linkSync'] as const;
type Act = (...args: unknown[]) => unknown;

/** Puts `before` in front of a function of an object. */
function watch(of: object, name: string, file: (self: unknown, args: unknown[]) => unknown): void {
	const table = of as Record<string, Act>;
	const real = table[name] as Act;
	table[name] = function (this: unknown, ...args: unknown[]) {
		before(name, file(this, args));
		return real.apply(this, args);
	};
}

for (const name of plain) watch(fs, name, (_, [first]) => first);
for (const name of ['rename', 'rm', 'unlink', 'mkdir', 'truncate']) watch(fs.promises, name, (_, [first]) => first);
const handle = await fs.promises.open('/dev/null');
for (const name of ['write', 'writev', 'appendFile', 'sync', 'datasync', 'truncate'])
	watch(Object.getPrototypeOf(handle), name, (self) => (self as { fd: number }).fd);
await handle.close();
syncBuiltinESMExports();
