import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EACH_PLACEHOLDERS, PLACEHOLDERS } from '../../src/manifest/placeholders.ts';
import { Manifest, TaskManifest } from '../../src/manifest/schema.ts';
import { ROOT } from '../lab/root.ts';

const page = readFileSync(join(ROOT, 'manifests/README.md'), 'utf8');
const step = Manifest.shape.steps.element.shape;
const check = Manifest.shape.checks.element.shape;
const words = [
	...Object.keys(check),
	...check.severity.unwrap().options,
	...Object.keys(Manifest.shape),
	...Object.keys(TaskManifest.shape),
	...Object.keys(step),
	...Object.keys(EACH_PLACEHOLDERS),
	...PLACEHOLDERS,
	...step.kind.unwrap().options,
	...step.danger.unwrap().options,
];

test.each([...new Set(words)])('the page on manifests explains %s', (word) => expect(page).toContain(`\`${word}\``));
test.each([...new Set(Object.values(EACH_PLACEHOLDERS).flat())])('the page on manifests explains {{%s}}', (word) =>
	expect(page).toContain(`\`{{${word}}}\``),
);
test('the page on manifests stays one page', () => expect(page.split('\n').length).toBeLessThanOrEqual(120));
