import { readdirSync, readFileSync } from 'node:fs';
import type { Facts } from '../../src/facts/facts.ts';
import type { Target } from '../../src/fetch/target.ts';
import type { Manifest } from '../../src/manifest/schema.ts';
import { checkLines } from '../../src/plan/checks.ts';
import type { Finding } from '../../src/plan/finding.ts';
import type { PlanOptions } from '../../src/plan/options.ts';
import { scopeOf } from '../../src/plan/values.ts';
import { liveFindings } from '../../src/run/live-findings.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { makeBareTree } from '../lab/bare-tree.ts';
import type { SystemName } from '../lab/system.ts';
import { makeOptions } from './make.ts';

/** A host on which one check is tried: what of a sound practice system is different. */
export interface Host {
	title: string;
	release?: SystemName;
	/** The version to go to, where it matters. */
	to?: string;
	options?: Partial<PlanOptions>;
	facts?: Partial<Facts>;
	files?: Record<string, string>;
	links?: Record<string, string>;
	dirs?: string[];
	/** sh text in place of a program. */
	programs?: Record<string, string>;
	/** What its environment has besides. */
	env?: Record<string, string>;
	/** sh run outside before, with the tree as $1. */
	before?: string;
	/** The finding's detail. */
	says?: string;
}

export interface Case {
	check: string;
	severity?: 'warn';
	fires: Host[];
	quiet: Host[];
}

/** The cases of a folder beside this file. */
export function casesIn(path: string): Case[] {
	const folder = new URL(path, import.meta.url);
	return readdirSync(folder).map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Case);
}

/** What the checks of a host came to. */
export interface Looked {
	found: Finding[];
	errors: string;
	status: number | null;
}

/** The host's system: what is installed, what facts and target say of it, and directories that every host of it has. */
export interface System {
	installed: SystemName;
	facts: Facts;
	target: Target;
	dirs: string[];
}

/** Runs the manifest's checks, or one of them, on such a host as the program does. */
export async function look(manifest: Manifest, host: Host, { installed, facts, target, dirs }: System, only?: string): Promise<Looked> {
	const tree = makeBareTree(installed);
	try {
		const backup = { paths: ['/etc', '/home'], dir: '/backup', volumeKiB: 1000 };
		const known = { ...facts, ...host.facts };
		// A tree alone has no name of its own, and reaches nobody.
		const programs = { hostname: `echo ${facts.host}`, ...(facts.system === 'OpenBSD' ? { ftp: 'exit 0' } : {}), ...host.programs };
		tree.lay({ ...host, programs, dirs: [...dirs, ...(host.dirs ?? [])] });
		const one = { ...manifest, checks: manifest.checks.filter(({ id }) => only === undefined || id === only) };
		const scope = scopeOf(one, known, target, makeOptions({ backup, ...host.options }));
		const looked: Looked = { found: [], errors: '', status: null };
		const transport = {
			run: async (script: string) => {
				const env = Object.entries(host.env ?? {}).map(([name, value]) => `export ${name}='${value}'\n`);
				const { status: code, stdout, stderr } = tree.run(env.join('') + script, host.before);
				looked.errors = stderr;
				looked.status = code;
				return { code, signal: null, stdout, stderr };
			},
		} as unknown as Transport;
		looked.found = await liveFindings(checkLines(one, known, scope), transport);
		return looked;
	} finally {
		tree.destroy();
	}
}
