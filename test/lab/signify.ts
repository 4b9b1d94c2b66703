import { readFileSync, writeFileSync } from 'node:fs';
import { hashFile } from '../../src/fetch/hash.ts';
import { parseList } from '../../src/fetch/list.ts';
import { openSigned } from '../../src/fetch/signify.ts';
import { openSignedGzip } from '../../src/fetch/zsig.ts';

/**
 * Stands for signify(1) on a practice host where the machine has none: what the upgrade asks of it, with its words and statuses.
 *
 *   signify -C -p KEY -x LIST [FILE…]     the signature, then the files (all listed ones without FILE)
 *   signify -Ve -p KEY -x LIST -m OUT     the signature, then the list without it into OUT
 *   signify -Vz -p KEY -x GZIP -m OUT     the signature in the header, then the archive into OUT
 */
const words = process.argv.slice(2);
const after = (flag: string): string => words[words.indexOf(flag) + 1] ?? '';
const fail = (text: string): never => {
	console.error(`signify: ${text}`);
	process.exit(1);
};

if (words[0] === '-Vz') {
	try {
		writeFileSync(after('-m'), openSignedGzip(readFileSync(after('-x')), '\\S+', () => readFileSync(after('-p'))).gzip);
	} catch (error) {
		fail(error instanceof Error ? `signature verification failed: ${error.message}` : String(error));
	}
	console.log('Signature Verified');
	process.exit(0);
}

let list = '';
try {
	list = openSigned(readFileSync(after('-x')), readFileSync(after('-p'))).toString('utf8');
} catch (error) {
	fail(error instanceof Error ? `signature verification failed: ${error.message}` : String(error));
}
console.log('Signature Verified');
if (words[0] === '-Ve') writeFileSync(after('-m'), list);
else {
	const hashes = parseList(list);
	const named = words.slice(words.indexOf('-x') + 2);
	const files = named.length > 0 ? named : [...hashes.keys()];
	const bad: string[] = [];
	for (const file of files) {
		const right = hashes.has(file) && (await hashFile(file)) === hashes.get(file);
		if (right) console.log(`${file}: OK`);
		else bad.push(file);
	}
	for (const file of bad) console.error(`signify: ${file}: FAIL`);
	process.exitCode = bad.length === 0 ? 0 : 1;
}
