import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { expand } from '../../src/plan/expand.ts';

describe('expanding a value into sh text', () => {
	test.each(["it's", 'a b', '$(touch /tmp/never)', '`id`', 'a\nb', '"', '\\', '*', '', '~', 'a;b', '!'])(
		'gives %j back as one word',
		(value) => {
			const out = execFileSync('sh', ['-c', expand('printf "%s" {{file}}', { file: value })], { encoding: 'utf8' });
			expect(out).toBe(value);
		},
	);

	test('quotes each word of several', () => {
		expect(expand('ls {{fileNames}}', { fileNames: ['a b', 'c'] })).toBe("ls 'a b' c");
	});

	test('refuses a value with syntax inside quotes, and a name without a value', () => {
		expect(() => expand('echo "{{dir}}"', { dir: '$(id)' })).toThrow('cannot be used');
		expect(expand('echo "{{dir}}/x"', { dir: '/var' })).toBe('echo "/var/x"');
		expect(() => expand('{{dir}}', {})).toThrow('has no value');
	});
});
