import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { hostConsole, wayTo } from '../../src/cli/inventory.ts';
import { hostTransport } from '../../src/cli/open-host.ts';

const TEXT = `
hosts:
  db1: { host: "root@192.0.2.7:2022", identity: ~/.ssh/id_db1, become: doas, console: "printf 'login:\\n'" }
  v6: { host: "root@[2001:db8::7]:2022" }
  plain: { console: "false" }
`;
const dir = mkdtempSync(join(tmpdir(), 'bsdup-inventory-'));
beforeAll(() => {
	vi.stubEnv('XDG_CONFIG_HOME', dir);
	mkdirSync(join(dir, 'bsdup'));
	writeFileSync(join(dir, 'bsdup/config.yaml'), TEXT, { mode: 0o600 });
});
afterAll(() => {
	vi.unstubAllEnvs();
	rmSync(dir, { recursive: true });
});

describe('a host of the inventory', () => {
	const db1 = { identity: join(homedir(), '.ssh/id_db1'), become: 'doas' };
	test.each([
		['is reached as the config file says', 'db1', {}, { spec: 'root@192.0.2.7:2022', flags: db1 }],
		['gives way to what was typed, user and port too', 'ann@db1:22', {}, { spec: 'ann@192.0.2.7:22', flags: db1 }],
		[
			'gives way to flags',
			'db1',
			{ become: 'sudo', identity: undefined },
			{ spec: 'root@192.0.2.7:2022', flags: { ...db1, become: 'sudo' } },
		],
		['may be written as ssh:// is', 'ssh://ann@db1:22/', {}, { spec: 'ann@192.0.2.7:22', flags: db1 }],
		['may be an address with colons', 'v6', {}, { spec: 'root@[2001:db8::7]:2022', flags: {} }],
		['without an address is its own name', 'ann@plain', {}, { spec: 'ann@plain', flags: {} }],
		['is not meant by another name', 'root@db2', { become: 'doas' }, { spec: 'root@db2', flags: { become: 'doas' } }],
		['is not meant by what every object has', 'constructor', {}, { spec: 'constructor', flags: {} }],
	])('%s', (_what, typed, flags, way) => expect(wayTo(typed, flags)).toEqual(way));

	test('is the host that every command reaches by its name', () => {
		expect(hostTransport('ann@v6', {}).name).toMatch(/^ann@.*2001:db8::7.*:2022$/);
	});

	test('has a console where it has a command for it', async () => {
		expect(await hostConsole('root@db1')?.()).toEqual(['login:']);
		expect([hostConsole('db2'), hostConsole('v6'), hostConsole(null)]).toEqual([null, null, null]);
	});
});
