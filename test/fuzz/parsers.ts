import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { Facts } from '../../src/facts/facts.ts';
import { parseFacts, systemIn } from '../../src/facts/gather.ts';
import { loadProbes, parseProbes } from '../../src/facts/probes.ts';
import { parseList } from '../../src/fetch/list.ts';
import { keyNameOf, openSigned } from '../../src/fetch/signify.ts';
import { renderScript } from '../../src/host/script.ts';
import { explain, explainLines } from '../../src/journal/explain.ts';
import { parseJournal } from '../../src/journal/journal.ts';
import { encodeLine, FIRST } from '../../src/journal/line.ts';
import { parsePlan } from '../../src/journal/read-plan.ts';
import { statusLines, statusOf } from '../../src/journal/status.ts';
import { parseManifest } from '../../src/manifest/load.ts';
import { buildPlan, hashOf } from '../../src/plan/build.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { refusals } from '../../src/plan/refusals.ts';
import { planText } from '../../src/plan/text.ts';
import { judgeHostKey, knownTypes } from '../../src/transport/known-hosts.ts';
import { resolveReach } from '../../src/transport/ssh-config.ts';
import { publicKeyText, signedList } from '../lab/keys.ts';
import { ROOT } from '../lab/root.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from '../plan/make.ts';

/** Something that reads what a host, a mirror or a file says. It may throw a BsdupError and nothing else. */
export interface FuzzedParser {
	/** Right inputs, which are changed. */
	corpus: Buffer[];
	parse: (bytes: Buffer) => void;
}

const file = (...path: string[]): Buffer => readFileSync(join(ROOT, ...path));
const probes = await loadProbes(join(ROOT, 'manifests'), 'OpenBSD');
const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions(), 'in-place');
const answers: { outputs: Record<string, { text: string; status: number }> }[] = ['4.9', '7.7'].map((name) =>
	JSON.parse(file('test/facts/cases', `${name}.json`).toString('utf8')),
);
const printed = answers.map(({ outputs }) => {
	const frames = Object.entries(outputs).map(([id, { text, status }]) => `@@bsdup ${id}\n${text}\n@@bsdup = ${status}\n`);
	return Buffer.from(`@@bsdup system OpenBSD\n${frames.join('')}@@bsdup end\n`);
});
const list = Buffer.from(makeTarget('7.8').list.text);
const HOST_KEY = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIFJhbmRvbUtleU9mVGhpcnR5VHdvQnl0ZXNYWVow', 'base64');
const KNOWN = `# comment
db1,db2.example.org ssh-ed25519 ${HOST_KEY.toString('base64')} me@here
@revoked * ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC
[db1]:2222 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFJhbmRvbQ
|1|c2FsdHNhbHRzYWx0c2FsdHNhbHQ=|Zm9vYmFyZm9vYmFyZm9vYmFyZm8= ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFJhbmRvbQ
!db9,*.example.* ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY
`;
// No "Match exec": what comes of changing its command would be run.
const CONFIG = `Host db db? *.example.org !x
  HostName %h.example.org
  User ann
  Port 2222
  IdentityFile "~/my keys/%r@%h"
  KexAlgorithms +diffie-hellman-group14-sha1
Match host db,!other user ann final
  ProxyJump bob@jump:2200,second
  UserKnownHostsFile ~/.ssh/known \${HOME}/other
  ServerAliveInterval=5
Include /nowhere/*.conf
Host *
  IdentityAgent $SOCK
  ConnectTimeout 10
`;

/** A journal of a run with everything that can stand in one. */
function journal(): Buffer {
	let chain = FIRST;
	const lines = [
		{ t: 1, kind: 'begin' as const, plan: plan.hash, controller: 'ann@here process 1' },
		...plan.steps.flatMap(({ id }, t) =>
			(['running', 'done'] as const).map((status) => ({ t, kind: 'step' as const, id, status, attempt: 1, detail: '' })),
		),
		{ t: 9, kind: 'verdict' as const, id: 'zone', verdict: 'rebooted', downMs: 12_345 },
		{ t: 10, kind: 'end' as const, status: 'done' as const, detail: 'proven: all' },
	].map((entry) => {
		const line = encodeLine(entry, chain);
		chain = line.chain;
		return line.text;
	});
	return Buffer.from(lines.join(''));
}
const oldJournal = Buffer.from(
	journal()
		.toString('utf8')
		.replaceAll(/"v":2,"sum":"[0-9a-f]+",/g, ''),
);

/** Shows a plan in every way it is shown; one that was taken for a plan must bear that. */
function show(taken: Plan, entries: ReturnType<typeof parseJournal>['entries']): void {
	statusLines(taken, statusOf(taken, entries));
	explainLines(taken, explain(taken, entries));
	renderScript(taken);
	planText(taken);
}

/** Through a file, for parsers that take its name. */
function throughFile(use: (path: string) => void): (bytes: Buffer) => void {
	const path = join(tmpdir(), `bsdup-fuzz-${process.pid}-${threadId}`);
	return (bytes) => {
		writeFileSync(path, bytes);
		use(path);
	};
}

/** JSON that is taken apart; undefined where it is none. */
function json(bytes: Buffer): unknown {
	try {
		return JSON.parse(bytes.toString('utf8'));
	} catch {
		return undefined;
	}
}

/** All of them, by name. */
export const PARSERS: Record<string, FuzzedParser> = {
	journal: {
		corpus: [journal(), oldJournal, Buffer.concat([oldJournal.subarray(0, oldJournal.indexOf(10) + 1), journal()])],
		parse: (bytes) => show(plan, parseJournal(bytes, 'journal.jsonl').entries),
	},
	plan: {
		corpus: [Buffer.from(JSON.stringify(plan, null, '\t')), Buffer.from(JSON.stringify(plan))],
		parse: (bytes) => {
			const found = json(bytes);
			// A host or a person can make the hash fit: what lies behind it must hold too.
			const fitting = typeof found === 'object' && found !== null ? JSON.stringify({ ...found, hash: rehashed(found) }) : '';
			show(parsePlan(fitting || bytes.toString('utf8'), 'plan.json'), []);
		},
	},
	'facts-answers': {
		corpus: printed,
		parse: (bytes) => {
			systemIn(bytes.toString('utf8'));
			parseFacts(probes, bytes.toString('utf8'));
		},
	},
	'facts-file': {
		corpus: [Buffer.from(JSON.stringify(makeFacts(), null, '\t')), Buffer.from(JSON.stringify(makeFacts({ release: '4.9' })))],
		parse: (bytes) => {
			const facts = Facts.safeParse(json(bytes)).data;
			if (facts === undefined) return;
			const target = makeTarget('7.8');
			refusals(inPlace, facts, target, makeOptions(), null);
			show(buildPlan(inPlace, facts, target, makeOptions(), 'in-place'), []);
		},
	},
	probes: {
		corpus: [file('manifests/openbsd/facts.yaml')],
		parse: (bytes) => void parseProbes(bytes.toString('utf8'), 'facts.yaml'),
	},
	manifest: {
		corpus: [file('test/manifest/cases/fine.yaml'), file('manifests/openbsd/in-place.yaml')],
		parse: (bytes) => void parseManifest(bytes.toString('utf8'), 'fuzzed.yaml'),
	},
	list: {
		corpus: [list, file('test/fixtures/openbsd-7.6-amd64/SHA256.sig')],
		parse: (bytes) => void parseList(bytes.toString('utf8')),
	},
	signify: {
		corpus: [Buffer.from(`${signedList('78', list.toString('utf8'))}\0${publicKeyText('78')}`)],
		parse: (bytes) => {
			const zero = bytes.indexOf(0);
			const signed = zero < 0 ? bytes : bytes.subarray(0, zero);
			const key = zero < 0 ? Buffer.from(publicKeyText('78')) : bytes.subarray(zero + 1);
			keyNameOf(signed, inPlace.mirror.keyName);
			openSigned(signed, key);
		},
	},
	'ssh-config': {
		corpus: [Buffer.from(CONFIG)],
		parse: throughFile((path) => {
			if (!/\bexec\b/i.test(readFileSync(path, 'latin1'))) for (const host of ['db', 'bob@x.example.org:22']) resolveReach(host, path);
		}),
	},
	'known-hosts': {
		corpus: [Buffer.from(KNOWN)],
		parse: throughFile((path) => {
			for (const [host, port] of [
				['db1', 22],
				['db1', 2222],
				['x.example.org', 22],
			] as const) {
				knownTypes([path], host, port);
				judgeHostKey([path], host, port, HOST_KEY);
			}
		}),
	},
};

/** What an earlier search found, by the parser's name; each must be taken or refused in the right way for ever. */
export function found(parser: string): [name: string, bytes: Buffer][] {
	const dir = join(ROOT, 'test/fuzz/fixtures', parser);
	try {
		return readdirSync(dir).map((name) => [name, readFileSync(join(dir, name))]);
	} catch {
		return [];
	}
}

function rehashed(plan: object): string {
	const { hash: _, ...rest } = plan as Plan;
	return hashOf(rest);
}
