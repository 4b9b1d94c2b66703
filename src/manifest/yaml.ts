import { Document, type LineCounter, parseDocument } from 'yaml';

/** YAML as it was read: its nodes with their places, its value, and what is wrong with it (`offset`: characters from the start). */
export interface ReadYaml {
	document: Document;
	/** undefined where there are faults. */
	value: unknown;
	faults: { offset: number; says: string }[];
}

/** Reads YAML; throws nothing. What is nested or referred to beyond all reason makes the library throw, which is one more fault here. */
export function readYaml(text: string, lines: LineCounter): ReadYaml {
	try {
		const document = parseDocument(text, { lineCounter: lines });
		const faults = document.errors.map((error) => ({ offset: error.pos[0], says: error.message.split('\n')[0] ?? '' }));
		return { document, value: faults.length === 0 ? document.toJS() : undefined, faults };
	} catch (error) {
		return { document: new Document(), value: undefined, faults: [{ offset: 0, says: `cannot be read: ${(error as Error).message}` }] };
	}
}
