import { describe, expect, test } from 'vitest';
import { order } from '../../src/manifest/graph.ts';

const node = (id: string, ...needs: string[]): { id: string; needs: string[] } => ({ id, needs });
const ids = (nodes: Parameters<typeof order>[0]): string[] | undefined => {
	const result = order(nodes);
	return 'sorted' in result ? result.sorted.map(({ id }) => id) : undefined;
};

describe('the order of steps', () => {
	test('puts every need first', () => expect(ids([node('c', 'b'), node('b', 'a'), node('a')])).toEqual(['a', 'b', 'c']));
	test('keeps the written order where the needs leave a choice', () =>
		expect(ids([node('x'), node('b', 'a'), node('a'), node('y')])).toEqual(['x', 'a', 'b', 'y']));
	test('names a circle, and only the circle', () =>
		expect(order([node('a'), node('b', 'c'), node('c', 'd'), node('d', 'c')])).toEqual({ cycle: ['c', 'd', 'c'] }));
	test('tells a step that needs itself', () => expect(order([node('a', 'a')])).toEqual({ cycle: ['a', 'a'] }));
});
