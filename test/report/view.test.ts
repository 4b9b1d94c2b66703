import { ListrTaskState } from 'listr2';
import { expect, test } from 'vitest';
import { makeRows, type Row, View } from '../../src/report/view.ts';
import { Screen } from './screen.ts';

/** How many listen to a row's state; the emitter is listr2's own. */
function listeners(row: Row): number {
	return (row as unknown as { emitter: { listenerCount(event: string): number } }).emitter.listenerCount('STATE');
}

test('rows gather no listeners, however often they are drawn, and have none when the view is over', async () => {
	const rows = makeRows(['Back up', 'Fetch']);
	const screen = new Screen(30, 80);
	const view = new View(rows, screen.stream(), false);
	for (const row of rows) row.state$ = ListrTaskState.STARTED;
	await expect.poll(() => screen.text(), { timeout: 5_000 }).toContain('Fetch');
	if (rows[0] !== undefined) rows[0].state$ = ListrTaskState.COMPLETED;
	await new Promise((resolve) => setTimeout(resolve, 1_000));
	expect(rows.map(listeners)).toEqual([1, 1]);
	view.end();
	expect(rows.map(listeners)).toEqual([0, 0]);
});

test('a view that ends before listr2 is loaded draws nothing and frees the streams', async () => {
	const screen = new Screen(30, 80);
	const stream = screen.stream();
	const { write } = stream;
	const view = new View(makeRows(['Back up']), stream, false);
	view.end();
	await new Promise((resolve) => setTimeout(resolve, 300));
	expect(screen.text().trim()).toBe('');
	expect(stream.write).toBe(write);
	expect(screen.cursor).toBe(true);
});
