import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { upgradeArgs } from './proof.ts';

let world: World | undefined;
afterEach(() => world?.destroy());

describe('the owners of files', () => {
	test.skipIf(LAB !== 'root')(
		"are the sets' own after an upgrade, kept elsewhere, and in the backup (needs root: a user namespace has one uid)",
		async () => {
			world = await makeWorld('7.7', '7.8');
			const { host } = world;
			await host.inside('/lab/real/bin/chown -R 1000:1000 /home/admin; /lab/real/bin/chown 7:7 /usr/bin/awk');
			expect((await world.bsdup(upgradeArgs(world, '7.8'))).code).toBe(0);
			const backup = 'cd /backup && gtar -tvM --numeric-owner -F "sh $PWD/volume.sh" -f "$(echo "$PWD"/*.1)"';
			expect((await host.inside(backup)).output).toMatch(/ 1000\/1000 .+ home\/admin\/notes\n/);
			await host.powerOff();
			const owners = host.withDisk((root) =>
				['home/admin/notes', 'usr/bin/awk', 'bsd'].map((path) => {
					const { uid, gid } = statSync(join(root, path));
					return `${path} ${uid}:${gid}`;
				}),
			);
			expect(owners).toEqual(['home/admin/notes 1000:1000', 'usr/bin/awk 0:0', 'bsd 0:0']);
		},
	);
});
