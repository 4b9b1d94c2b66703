import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isNode, LineCounter } from 'yaml';
import { z } from 'zod';
import { BsdupError, EXIT } from '../errors.ts';
import { readYaml } from '../manifest/yaml.ts';
import type { Transport } from '../transport/transport.ts';

const Probe = z
	.strictObject({
		/** The fact it answers; written once in a file. */
		id: z.string().regex(/^[a-zA-Z]+$/, 'only letters'),
		/** sh, read-only. */
		command: z.string().min(1),
		parse: z.enum(['line', 'lineOrNull', 'int', 'intOrNull', 'match', 'holds', 'epoch', 'lines', 'files', 'mounts']),
		/** A regular expression; its first group is the answer. Only with `parse: match`. */
		match: z.string().optional(),
		/** Stands for an empty match. */
		empty: z.string().optional(),
	})
	.superRefine((probe, context) => {
		if ((probe.parse === 'match') !== (probe.match !== undefined))
			context.addIssue({ code: 'custom', path: ['parse'], message: '`match` goes with `parse: match`, and only with it' });
		if (probe.match !== undefined && !isPattern(probe.match))
			context.addIssue({ code: 'custom', path: ['match'], message: 'is no regular expression' });
	});
/** A read-only command and how its answer is understood. */
export type Probe = z.infer<typeof Probe>;

const Probes = z
	.strictObject({
		format: z.literal(1),
		system: z.string().min(1),
		probes: z.array(Probe),
	})
	.superRefine(({ probes }, context) => {
		probes.forEach(({ id }, index) => {
			if (probes.findIndex((probe) => probe.id === id) !== index)
				context.addIssue({ code: 'custom', path: ['probes', index, 'id'], message: `${id} is written twice` });
		});
	});
/** The probes of one operating system. */
export type Probes = z.infer<typeof Probes>;

/** What `uname -s` says on the host. */
export async function systemOf(transport: Transport): Promise<string> {
	return (await transport.run('uname -s')).stdout.trim();
}

/** The probes in the text of a facts.yaml; `file` names it in errors. Throws E_PROBES with every fault as `file:line: what`. */
export function parseProbes(text: string, file: string): Probes {
	const lines = new LineCounter();
	const { document, value, faults: unread } = readYaml(text, lines);
	const at = (offset: number): string => `${file}:${lines.linePos(offset).line}`;
	const faults = unread.map(({ offset, says }) => `${at(offset)}: ${says}`);
	const parsed = Probes.safeParse(value);
	if (faults.length === 0 && parsed.success) return parsed.data;
	if (faults.length === 0 && parsed.error !== undefined) {
		for (const issue of parsed.error.issues) {
			const path = issue.path as (string | number)[];
			let node: unknown;
			// A missing key is told where the map that lacks it begins.
			for (let depth = path.length; depth > 0 && !isNode(node); depth--) node = document.getIn(path.slice(0, depth), true);
			const offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
			faults.push(`${at(offset)}: ${path.join('.') || 'the file'}: ${issue.message}`);
		}
	}
	throw new BsdupError({
		code: 'E_PROBES',
		message: `the list of probes cannot be used\n${faults.join('\n')}`,
		next: [`mend ${file}`],
		exit: EXIT.usage,
	});
}

/**
 * The facts.yaml whose `system` is the host's (`uname -s`), or, with `undefined`, the only one there is. `typed`: a person named it, not the
 * host. Throws E_SYSTEM, E_PROBES.
 */
export async function loadProbes(manifests: string, system: string | undefined, typed = system === undefined): Promise<Probes> {
	const known: Probes[] = [];
	for (const folder of await readdir(manifests, { withFileTypes: true })) {
		if (!folder.isDirectory()) continue;
		const file = join(manifests, folder.name, 'facts.yaml');
		const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
			if (error.code !== 'ENOENT') throw error;
			return undefined;
		});
		if (text !== undefined) known.push(parseProbes(text, file));
	}
	const found = system === undefined && known.length === 1 ? known[0] : known.find((probes) => probes.system === system);
	if (found !== undefined) return found;
	const names = known.map((probes) => probes.system);
	const says = system === undefined ? 'no system is named' : `${typed ? '--os is' : 'the host runs'} ${JSON.stringify(system)}`;
	throw new BsdupError({
		code: 'E_SYSTEM',
		message: `${says}; manifests are here for ${names.join(', ')}`,
		next: typed ? names.map((name) => `--os ${name}`) : ['check the host name; without one it is this machine'],
		exit: EXIT.usage,
	});
}

function isPattern(text: string): boolean {
	try {
		return new RegExp(text) instanceof RegExp;
	} catch {
		return false;
	}
}
