import { join } from 'node:path';
import { ROOT } from '../lab/root.ts';

/** Before the suite: the programs of `path/` come first in the PATH of everything it starts on this machine. */
export default function setup(): void {
	process.env['PATH'] = `${join(ROOT, 'test/tools/path')}:${process.env['PATH']}`;
}
