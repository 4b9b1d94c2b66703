import { Flags } from '@oclif/core';
import { hostArg } from '../src/cli/args.ts';
import { backupFlags } from '../src/cli/backup-flags.ts';
import { BaseCommand } from '../src/cli/base-command.ts';
import { carry } from '../src/cli/carry.ts';
import { makeBackupPlan } from '../src/cli/make-backup.ts';
import { hostFlags, keptHostFlags, openHost } from '../src/cli/open-host.ts';
import { planOrRefuse } from '../src/cli/plan-or-refuse.ts';
import { runFlags } from '../src/cli/run-flags.ts';
import { showFlags, showPlan } from '../src/cli/show-plan.ts';
import { runVerifyBackup } from '../src/cli/verify-backup.ts';
import { createRun, stateDir } from '../src/journal/state.ts';

export default class BackupCommand extends BaseCommand {
	static override summary = 'Back a host up: volumes with their hashes, compared with the disk, and how to restore them beside.';
	static override description =
		'The same steps are part of every upgrade. --backup-format gnu: GNU tar writes volumes that only GNU tar can restore; ' +
		'split: one plain archive cut in pieces, which base tar restores too, also from the install kernel.';
	static override args = { host: hostArg };
	static override flags = {
		...hostFlags,
		...backupFlags,
		patience: runFlags.patience,
		state: runFlags.state,
		manifest: Flags.string({ description: 'a manifest of your own, with target: none', helpValue: 'FILE' }),
		facts: Flags.string({ description: 'facts gathered earlier (bsdup facts --json); only shows the plan', helpValue: 'FILE' }),
		verify: Flags.string({ description: 'prove the backup in DIR, on this machine, still good, and stop', helpValue: 'DIR' }),
		base: Flags.string({ description: 'which backup, where the DIR of --verify holds several', helpValue: 'NAME', dependsOn: ['verify'] }),
		'dry-run': Flags.boolean({ default: false, description: 'print the plan and stop' }),
		...showFlags,
	};
	static override examples = [
		'<%= config.bin %> <%= command.id %> root@db1 --backup-to /backup --backup /etc --backup /home',
		"<%= config.bin %> <%= command.id %> root@db1 --backup-device sd1 --exclude '*.core' --exclude /var/cache",
		'<%= config.bin %> <%= command.id %> root@web1 --backup-device da0s1',
		'<%= config.bin %> <%= command.id %> root@db1 --backup-here ~/backups/db1',
		'<%= config.bin %> <%= command.id %> --facts db1.json --backup-to /mnt --format sh --out backup.sh',
		'<%= config.bin %> <%= command.id %> --verify /mnt',
	];

	async run(): Promise<unknown> {
		const { args, flags } = await this.parse(BackupCommand);
		if (flags.verify !== undefined) return runVerifyBackup(flags.verify, flags.base, this.jsonEnabled(), (line) => this.log(line));
		const transport = flags.facts === undefined ? await openHost(args.host, flags) : undefined;
		const made = makeBackupPlan(flags, transport, this.config.root);
		const plan = await made.then((one) => planOrRefuse(one, transport, (text) => this.logToStderr(text))).finally(() => transport?.close());
		const { facts, format, out } = flags;
		if (flags['dry-run'] || [facts, format, out].some((flag) => flag !== undefined)) return showPlan(plan, flags, this.jsonEnabled());
		const folder = createRun(stateDir(flags.state), plan, args.host ?? null, keptHostFlags(flags));
		process.exitCode = await carry(folder, { ...flags, yes: true, 'pause-at-reboot': false, 'take-over': false }, this.jsonEnabled());
		return undefined;
	}
}
