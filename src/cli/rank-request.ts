import { join } from 'node:path';
import { BsdupError, EXIT } from '../errors.ts';
import type { Facts } from '../facts/facts.ts';
import { gatherFacts } from '../facts/gather.ts';
import { loadProbes, systemOf } from '../facts/probes.ts';
import { mirrorTop } from '../fetch/mirror-url.ts';
import type { HostFlags } from '../journal/state.ts';
import { loadSetsManifest } from '../manifest/load.ts';
import { bringsSets, type SetsManifest } from '../manifest/schema.ts';
import { upgradesOf } from '../manifest/upgrades.ts';
import type { RankRequest } from '../mirrors/rank.ts';
import { readConfig } from './config.ts';
import { layoutFor } from './mirror-layout.ts';
import { openHost } from './open-host.ts';
import { targetNamed } from './target-flags.ts';

/** What `bsdup mirrors` is asked. */
export interface MirrorsFlags extends HostFlags {
	host?: string | undefined;
	os?: string | undefined;
	to: string;
	arch?: string | undefined;
	manifest?: string | undefined;
	method?: string | undefined;
}

type Known = Pick<Facts, 'system' | 'release' | 'arch' | 'packageArch' | 'keys' | 'mirrors'>;

/**
 * What is measured: the mirrors asked for, or those a plan would use and the manifest's own; for the host, for this machine where it
 * runs such a system, else for amd64. `root`: the package. Throws errors of usage, of the config, the host and the manifest.
 */
export async function rankRequest(
	asked: readonly string[],
	flags: MirrorsFlags,
	root: string,
): Promise<Pick<RankRequest, 'mirrors' | 'wanted'>> {
	const to = targetNamed(flags.to);
	if (to === undefined) {
		const next = ['--to snapshot', '--to 7.8'];
		throw new BsdupError({ code: 'E_USAGE', message: `${JSON.stringify(flags.to)} is no target`, next, exit: EXIT.usage });
	}
	const config = readConfig();
	const manifests = join(root, 'manifests');
	const known = await knownOf(flags, manifests);
	const manifest =
		flags.manifest === undefined ? await layoutOf(manifests, known.system, flags.method) : await loadSetsManifest(flags.manifest);
	const chosen = asked.length > 0 ? asked : [...config.mirrors, ...known.mirrors, manifest.mirror.default];
	const { packages, index, lists } = manifest.mirror;
	return {
		mirrors: [...new Set(chosen.map(mirrorTop))],
		wanted: {
			...{ to, arch: flags.arch ?? known.arch, packageArch: flags.arch ?? known.packageArch },
			...{ keys: known.keys, layout: layoutFor(manifest, known), packages, index },
			plainList: lists.find(({ signed }) => !signed)?.file ?? null,
		},
	};
}

/** The manifest of the method asked for, else any that brings sets: all of a system have the same mirrors. Throws E_METHOD. */
async function layoutOf(manifests: string, system: string, method: string | undefined): Promise<SetsManifest> {
	const upgrades = (await upgradesOf(manifests, system)).map(({ manifest }) => manifest).filter(bringsSets);
	const found = upgrades.find((manifest) => method === undefined || manifest.method === method);
	if (found !== undefined) return found;
	const message = `no method ${method === undefined ? '' : `${JSON.stringify(method)} `}of ${system} brings sets from a mirror`;
	throw new BsdupError({ code: 'E_METHOD', message, next: upgrades.map((one) => `--method ${one.method}`), exit: EXIT.usage });
}

async function knownOf(flags: MirrorsFlags, manifests: string): Promise<Known> {
	const transport = await openHost(flags.host, flags);
	try {
		return await gatherFacts(transport, await loadProbes(manifests, await systemOf(transport)));
	} catch (error) {
		if (flags.host !== undefined || !(error instanceof BsdupError) || error.code !== 'E_SYSTEM') throw error;
		const { system } = await loadProbes(manifests, flags.os, true);
		// Lists are chosen as for a host that is where it shall go.
		const release = flags.to === 'snapshot' ? '999.0' : (targetNamed(flags.to) ?? flags.to);
		return { system, release, arch: 'amd64', packageArch: 'amd64', keys: {}, mirrors: [] };
	} finally {
		await transport.close();
	}
}
