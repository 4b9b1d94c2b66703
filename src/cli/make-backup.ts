import { join } from 'node:path';
import { gatherFacts } from '../facts/gather.ts';
import { loadProbes, systemOf } from '../facts/probes.ts';
import { loadTask } from '../manifest/load.ts';
import { buildTask, taskScope } from '../plan/build.ts';
import { checkLines } from '../plan/checks.ts';
import type { PlanOptions } from '../plan/options.ts';
import { taskRefusals } from '../plan/refusals.ts';
import type { Transport } from '../transport/transport.ts';
import { type BackupFlags, backupOptions } from './backup-flags.ts';
import { type MadePlan, readFacts } from './make-plan.ts';
import { runName } from './plan-flags.ts';

/** What a backup's plan is made from besides its options. */
export interface BackupRequest extends BackupFlags {
	manifest?: string | undefined;
	facts?: string | undefined;
}

/**
 * The plan of a backup by itself, and what speaks against it: the same steps that an upgrade has. `transport` is undefined when facts
 * come from a file. `root`: the package. Throws errors of usage, of the facts and of the manifest.
 */
export async function makeBackupPlan(request: BackupRequest, transport: Transport | undefined, root: string): Promise<MadePlan> {
	const backup = backupOptions(request);
	const manifests = join(root, 'manifests');
	const facts =
		transport === undefined
			? readFacts(request.facts ?? '')
			: await gatherFacts(transport, await loadProbes(manifests, await systemOf(transport)));
	const options: PlanOptions = {
		...{ packages: false, stopForwarding: false, sets: null, site: [], watchdogMinutes: 0, unattended: true, fetchOn: 'controller' },
		...{ run: runName(facts.host, new Date()), backup },
	};
	const name = `${facts.system.toLowerCase()}/backup`;
	const manifest = await loadTask(request.manifest ?? join(manifests, `${name}.yaml`));
	const what = `backup of ${backup.paths.join(' ')} to ${backup.here ?? backup.device ?? backup.dir}`;
	return {
		plan: buildTask(manifest, facts, options, request.manifest ?? name, what),
		findings: taskRefusals(facts, options, transport === undefined ? null : Date.now() / 1000),
		checks: checkLines(manifest, facts, taskScope(facts, options)),
		job: 'backup',
	};
}
