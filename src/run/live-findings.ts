import { type Finding, refusing } from '../plan/finding.ts';
import type { Transport } from '../transport/transport.ts';

/** Reading what a backup would hold takes longest. Milliseconds. */
const LIMIT_MS = 30 * 60_000;

/** What was found without the host, then what the checks find on it now (they only look); an id told before is not told again. */
export async function allFindings(made: { findings: Finding[]; checks: string[] }, transport: Transport | undefined): Promise<Finding[]> {
	const live = transport === undefined ? [] : await liveFindings(made.checks, transport);
	return [...made.findings, ...live.filter(({ id }) => !made.findings.some((known) => known.id === id))];
}

/** Runs the checks (`checkLines`) on the host. Checks that broke off are a finding: their silence says nothing. */
export async function liveFindings(checks: readonly string[], transport: Transport): Promise<Finding[]> {
	const { code, stdout, stderr } = await transport.run(checks.join('\n'), { timeoutMs: LIMIT_MS });
	const told = stdout.matchAll(/^(finding|warning): ([a-z0-9-]+): (.*)\n {2}(.*)$/gm);
	const found = [...told].map(([, word, id = '', says = '', fix = '']): Finding => {
		return { id, severity: word === 'warning' ? 'warn' : 'refuse', says, fix };
	});
	if (code === 0 || (code === 1 && refusing(found).length > 0)) return found;
	const says = `the checks on the host broke off: ${stderr.trim().split('\n').at(-1) ?? ''}`;
	return [...found, { id: 'checks', severity: 'refuse', says, fix: 'run the lines of the step "check" on the host and look' }];
}
