import { readFileSync } from 'node:fs';
import type { Plan, Step } from '../plan/plan.ts';
import { quote } from '../transport/quote.ts';

/**
 * The host's own program of a run, resume.sh: the plan's strings as data, then the runtime that carries them.
 * `plan --format sh` prints it; the runner puts the same bytes on the host and calls its verbs.
 */
export function renderScript(plan: Plan): string {
	return [
		'#!/bin/sh',
		`# ${plan.title.replace(/[^ -~]/g, '?')}`,
		`# plan ${plan.hash}`,
		'# Run it as root on the host, and again after each reboot; it goes on where it was. "status" shows where that is.',
		'',
		`run=${quote(plan.run)}`,
		`dir=${quote(plan.dir)}`,
		`steps=${quote(plan.steps.map((step) => step.id).join(' '))}`,
		`boot_time() { ${plan.bootTime}; }`,
		`outcome=${quote(plan.target === null ? 'nothing is left to do' : 'the host runs the new system')}`,
		'',
		'# info STEP: sets title, kind, attended',
		byStep('info', plan.steps, (step) => [`title=${quote(step.title)} kind=${step.kind} attended=${step.attended ? 'yes' : 'no'}`]),
		"# text_commands, text_done, text_proof, text_measure STEP: the plan's own lines",
		byStep('text_commands', plan.steps, (step) => heredoc(step.commands.join('\n'))),
		byStep('text_done', plan.steps, (step) => heredoc(step.done)),
		byStep('text_proof', plan.steps, (step) => heredoc(step.proof)),
		byStep('text_measure', plan.steps, (step) => heredoc(step.measure)),
		runtime(),
	].join('\n');
}

function byStep(name: string, steps: readonly Step[], body: (step: Step) => string[]): string {
	const cases = steps.flatMap((step) => [`${step.id})`, ...body(step), ';;']);
	return [`${name}() {`, 'case $1 in', ...cases, `*) printf 'bsdup: no step %s\\n' "$1" >&2; exit 1 ;;`, 'esac', '}', ''].join('\n');
}

function heredoc(text: string): string[] {
	if (text === '') return [':'];
	let mark = 'END';
	while (text.split('\n').includes(mark)) mark += '_';
	return [`cat <<'${mark}'`, text, mark];
}

function runtime(): string {
	return readFileSync(new URL('./runtime.sh', import.meta.url), 'utf8');
}
