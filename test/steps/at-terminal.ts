import { onTestFinished } from 'vitest';

/** As at a terminal, or without one, until the test ends. */
export function atTerminal(isTTY: boolean): void {
	const was = process.stdin.isTTY;
	Object.assign(process.stdin, { isTTY });
	onTestFinished(() => void Object.assign(process.stdin, { isTTY: was }));
}
