/** Orders steps by their needs, keeping the written order where the needs leave a choice. */

interface Node {
	id: string;
	needs: readonly string[];
}

/**
 * The steps in an order in which every need comes first.
 * Returns the ids of a cycle instead, if there is one.
 */
export function order<T extends Node>(nodes: readonly T[]): { sorted: T[] } | { cycle: string[] } {
	const sorted: T[] = [];
	const placed = new Set<string>();
	let rest = [...nodes];
	while (rest.length > 0) {
		const next = rest.find((node) => node.needs.every((need) => placed.has(need)));
		if (next === undefined) return { cycle: findCycle(rest) };
		sorted.push(next);
		placed.add(next.id);
		rest = rest.filter((node) => node !== next);
	}
	return { sorted };
}

function findCycle(nodes: readonly Node[]): string[] {
	const byId = new Map(nodes.map((node) => [node.id, node]));
	const path: string[] = [];
	let at = nodes[0];
	while (at !== undefined && !path.includes(at.id)) {
		path.push(at.id);
		at = byId.get(at.needs.find((need) => byId.has(need)) ?? '');
	}
	return at === undefined ? path : [...path.slice(path.indexOf(at.id)), at.id];
}
