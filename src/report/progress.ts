import type { Progress } from './events.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `12.3 MiB`; takes bytes. */
export function formatBytes(bytes: number): string {
	let value = bytes;
	let unit = 0;
	while (value >= 1024 && unit < UNITS.length - 1) {
		value /= 1024;
		unit++;
	}
	return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `5.0 MiB/s`; takes bytes a second. */
export function formatRate(rate: number): string {
	return `${formatBytes(rate)}/s`;
}

/** `45s`, `3m05s`, `2h07m`; takes seconds, rounds up. */
export function formatTime(seconds: number): string {
	const whole = Math.ceil(seconds);
	const two = (n: number): string => String(n).padStart(2, '0');
	if (whole < 60) return `${whole}s`;
	if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
	return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
}

/** `3m05s`: the time for `left` bytes at `rate` bytes a second. Empty when nobody can tell. */
export function formatLeft(left: number, rate: number): string {
	return rate > 0 && Number.isFinite(rate) && left >= 0 ? formatTime(left / rate) : '';
}

/** Files under way that are named; with more the line would only grow. */
const NAMED = 4;

/**
 * `12.3 MiB of 40.0 MiB, 5.0 MiB/s, 6s left; base78.tgz 41%, comp78.tgz 7% from mirror.example.org`; what is not known is left out.
 */
export function formatProgress(progress: Progress): string {
	const { done, total, rate, files = [], way } = progress;
	const left = total === null ? '' : formatLeft(total - done, rate);
	const sum = [
		`${formatBytes(done)}${total === null ? '' : ` of ${formatBytes(total)}`}`,
		...(Number.isFinite(rate) ? [formatRate(rate)] : []),
		...(left === '' ? [] : [`${left} left`]),
	].join(', ');
	const named = files.slice(0, NAMED).map(formatFile);
	if (named.length === 0) return sum;
	return `${way === 'push' ? 'to the host: ' : ''}${sum}; ${named.join(', ')}${files.length > NAMED ? ', …' : ''}`;
}

function formatFile({ name, done, total, mirror }: NonNullable<Progress['files']>[number]): string {
	const part = total === null || total === 0 ? '' : ` ${Math.floor((100 * done) / total)}%`;
	return `${name}${part}${mirror === undefined ? '' : ` from ${mirror}`}`;
}
