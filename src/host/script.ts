import { readFileSync } from 'node:fs';
import type { Plan, Step } from '../plan/plan.ts';
import { undoSteps } from '../plan/undo.ts';
import { quote } from '../transport/quote.ts';

/**
 * The host's own program of a run, resume.sh: the plan's strings as data, then the runtime that carries them.
 * `plan --format sh` prints it; the runner puts the same bytes on the host and calls its verbs.
 */
export function renderScript(plan: Plan): string {
	const undos = undoSteps(plan);
	const all = [...plan.steps, ...undos];
	return [
		'#!/bin/sh',
		`# ${plan.title.replace(/[^ -~]/g, '?')}`,
		`# plan ${plan.hash}`,
		'# Run it as root on the host, and again after each reboot; it goes on where it was. "status" shows where that is, "rollback" takes it back.',
		'',
		`run=${quote(plan.run)}`,
		`dir=${quote(plan.dir)}`,
		`steps=${quote(plan.steps.map((step) => step.id).join(' '))}`,
		`undos=${quote(undos.map((step) => step.id).join(' '))}`,
		`boot_time() { ${plan.bootTime}; }`,
		`outcome=${quote(plan.target === null ? 'nothing is left to do' : 'the host runs the new system')}`,
		'',
		'# info STEP: sets title, kind, danger, attended, undo_reboots',
		byStep('info', all, ({ title, kind, danger, attended, undoReboots }) => [
			`title=${quote(title)} kind=${kind} danger=${danger} attended=${yesNo(attended)} undo_reboots=${yesNo(undoReboots)}`,
		]),
		"# text_commands, text_done, text_proof, text_returned, text_measure STEP: the plan's own lines",
		byStep('text_commands', all, (step) => heredoc(step.commands.join('\n'))),
		byStep('text_done', all, (step) => heredoc(step.done)),
		byStep('text_proof', all, (step) => heredoc(step.proof)),
		byStep('text_returned', all, (step) => heredoc(step.returned ?? '')),
		byStep('text_measure', all, (step) => heredoc(step.measure)),
		'# recovery: how to get back by hand',
		'recovery() {',
		...heredoc(plan.recovery.trimEnd()),
		'}',
		'',
		...[part('runtime.sh'), ownDir(), part('hold.sh'), part('back.sh'), part('walk.sh'), part('verbs.sh')],
	].join('\n');
}

function yesNo(is = false): 'yes' | 'no' {
	return is ? 'yes' : 'no';
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

/** sh that defines `own_dir DIR`, which fails where DIR is not a directory of the one who calls. */
export function ownDir(): string {
	return part('own-dir.sh');
}

function part(file: string): string {
	return readFileSync(new URL(file, import.meta.url), 'utf8');
}
