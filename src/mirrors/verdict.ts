import { BsdupError } from '../errors.ts';
import { bare } from '../fetch/mirror-errors.ts';
import type { Latency } from './latency.ts';
import type { Look } from './look.ts';
import type { Measured } from './measured.ts';

/** What was measured of a mirror. */
export interface Found {
	mirror: string;
	latency: Latency;
	look: Look | BsdupError | null;
	throughput: number | null;
	wrong: string | null;
}

/** A snapshot that is older than another mirror's by more is behind. Seconds. */
const BEHIND = 86_400;
/** Files of an upgrade and their bytes, about (F:A.2): the same for all, so that mirrors can be compared. */
const USUAL = { files: 12, bytes: 620 * 1024 * 1024 };

/** Errors of a mirror that answers, with files that do not fit each other. */
const MIXED = /^E_(HASH_MISMATCH|LIST_|SIGNATURE)/;

function measured({ mirror, latency, look, throughput, wrong }: Found, newest: number | null): Measured {
	const seen = look instanceof BsdupError ? null : look;
	const target = seen?.target ?? null;
	const says = [...(seen?.faults ?? []), ...(wrong === null ? [] : [`${wrong} is not the file of the list`])];
	let state: Measured['state'] = says.length > 0 ? 'mixed' : 'good';
	const behind = newest !== null && target?.kind === 'snapshot' && target.build !== null ? newest - target.build : 0;
	if (state === 'good' && behind > BEHIND) state = 'old';
	if (behind > BEHIND) says.unshift(`its build is ${Math.floor(behind / 86_400)} days behind the newest`);
	const error = look instanceof BsdupError ? look : look === null ? latency.error : null;
	if (error !== null) {
		state = MIXED.test(error.code) ? 'mixed' : 'down';
		says.unshift(error.message);
	}
	return {
		...{ mirror: bare(mirror), state, says, latency: latency.median, jitter: latency.jitter, loss: latency.loss, throughput },
		...{
			version: target?.version ?? null,
			build: target?.build ?? null,
			packages: seen?.packages ?? null,
			unproven: seen?.unproven ?? false,
		},
		estimate: throughput === null || latency.median === null ? null : USUAL.bytes / throughput + (USUAL.files * latency.median) / 1000,
	};
}

const STATES: Measured['state'][] = ['good', 'old', 'mixed', 'down'];

/** The verdicts, best first: by state, then by the time that an upgrade's sets would take. */
export function inOrder(found: readonly Found[]): Measured[] {
	const builds = found.flatMap(({ look }) => (look === null || look instanceof BsdupError ? [] : [look.target.build ?? 0]));
	const newest = builds.length === 0 ? null : Math.max(...builds);
	const rank = ({ state, estimate }: Measured): [number, number] => [STATES.indexOf(state), estimate ?? Number.POSITIVE_INFINITY];
	return found
		.map((one) => measured(one, newest))
		.sort((a, b) => {
			const [[state, time], [otherState, otherTime]] = [rank(a), rank(b)];
			return state - otherState || (time === otherTime ? 0 : time - otherTime);
		});
}
