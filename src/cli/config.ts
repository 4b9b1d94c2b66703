import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isNode, LineCounter } from 'yaml';
import { z } from 'zod';
import { baseDir } from '../base-dir.ts';
import { BsdupError, EXIT } from '../errors.ts';
import { bare } from '../fetch/mirror-errors.ts';
import { hasLogin, mirrorTop } from '../fetch/mirror-url.ts';
import { readYaml } from '../manifest/yaml.ts';
import { parseHostSpec } from '../transport/host-spec.ts';
import { quote } from '../transport/quote.ts';
import { bytesOf } from './size.ts';

const Mirror = z.string().transform((text, context) => {
	try {
		return mirrorTop(text);
	} catch (error) {
		context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
		return z.NEVER;
	}
});
const Size = z.string().refine((text) => bytesOf(text) !== null, 'is no size like 10G');

const File = z
	.string()
	.regex(/^(~\/|\/)/, 'is a path from / or ~/ on')
	.transform((path) => path.replace(/^~(?=\/)/, homedir()));
/** A host of the inventory; its keys are named as the flags are. */
const Host = z.strictObject({
	/** `[user@]name[:port]`; left out = its name in the inventory. */
	host: z.string().refine(isHostSpec, 'is no [user@]name[:port]').optional(),
	identity: File.optional(),
	become: z.enum(['none', 'doas', 'sudo']).optional(),
	'known-hosts': File.optional(),
	'ssh-config': File.optional(),
	/** An sh line that prints the last lines of its console; runs on this machine. */
	console: z.string().min(1).optional(),
});

const Config = z.strictObject({
	/** Mirrors in the order of preference, where --mirror names none. */
	mirrors: z.array(Mirror).default([]),
	/** Bytes a second for all downloads of a run, like 5M. */
	bandwidth: Size.refine((text) => bytesOf(text) !== 0, 'must be more than nothing').optional(),
	/** Hosts by the names that stand for HOST. */
	hosts: z.record(z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, 'is no name of a host'), Host).default({}),
	cache: z.strictObject({ maxSize: Size.default('10G') }).default({ maxSize: '10G' }),
});
/** A person's own defaults (README, FILES). */
export type Config = z.infer<typeof Config>;

/** Where it is: XDG_CONFIG_HOME/bsdup/config.yaml, else ~/.config/bsdup/config.yaml. */
export function configFile(): string {
	return join(baseDir('CONFIG'), 'config.yaml');
}

/** Reads it; what is not there is all defaults. Throws E_CONFIG with every fault as `file:line: what`, and never a password. */
export function readConfig(file = configFile()): Config {
	let text: string;
	try {
		text = readFileSync(file, 'utf8');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Config.parse({});
		throw unusable(file, [`${file}: ${(error as Error).message}`]);
	}
	const lines = new LineCounter();
	const { document, value, faults: unread } = readYaml(text, lines);
	const at = (offset: number): string => `${file}:${lines.linePos(offset).line}`;
	if (unread.length > 0)
		throw unusable(
			file,
			unread.map(({ offset, says }) => `${at(offset)}: ${says}`),
		);
	const parsed = Config.safeParse(value ?? {});
	if (!parsed.success) {
		const faults = parsed.error.issues.flatMap((issue) => {
			const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
			return paths.map((path) => {
				let node: unknown;
				for (let depth = path.length; depth > 0 && !isNode(node); depth--) node = document.getIn(path.slice(0, depth), true);
				const says = issue.code === 'unrecognized_keys' ? 'unknown key' : issue.message;
				return `${at(isNode(node) ? (node.range?.[0] ?? 0) : 0)}: ${path.join('.') || 'the file'}: ${bare(says)}`;
			});
		});
		throw unusable(file, faults);
	}
	// As ssh does with keys: a password that others can read is none.
	if (parsed.data.mirrors.some(hasLogin) && (statSync(file).mode & 0o077) !== 0)
		throw unusable(file, [`${file} holds a password and others can read it`], [`chmod 600 ${quote(file)}`]);
	return parsed.data;
}

function unusable(file: string, faults: string[], next = [`mend ${file}`]): BsdupError {
	return new BsdupError({ code: 'E_CONFIG', message: faults.join('\n'), next, exit: EXIT.usage });
}

function isHostSpec(text: string): boolean {
	try {
		return parseHostSpec(text).name !== '';
	} catch {
		return false;
	}
}
