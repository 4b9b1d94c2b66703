import { Args, Flags } from '@oclif/core';
import { typed } from '../src/cli/args.ts';
import { each } from '../src/cli/backup-flags.ts';
import { BaseCommand } from '../src/cli/base-command.ts';
import { hostFlags } from '../src/cli/open-host.ts';
import { runRestore } from '../src/cli/restore.ts';

/** `bsdup restore DIR`: exit 0 = restored or listed, 1 = broken or failed, 2 = usage, 130 = interrupted. */
export default class RestoreCommand extends BaseCommand {
	static override summary = 'Restore a backup, or list it; every volume is checked before a byte is written.';
	static override description = [
		'DIR holds the volumes, on this machine or with --host on that host; PATHs name what to restore, everything without them.',
		'--to takes a new or empty directory, or / for in place. Cut off by whatever, the same command goes on.',
		'Volumes made by hand (tar -cvMf) are found by their heads and put in order.',
	].join('\n');
	static override strict = false;
	static override usage = 'restore DIR [PATH...] --to DIR | --list';
	static override args = { dir: Args.string({ ...typed, required: true, description: 'the directory of the volumes' }) };
	static override flags = {
		...hostFlags,
		list: Flags.boolean({ default: false, description: 'list the members and stop', exclusive: ['to'] }),
		to: Flags.string({ description: 'where to restore: a new or empty directory, or /', helpValue: 'DIR' }),
		base: Flags.string({ description: 'which backup, where DIR holds several', helpValue: 'NAME' }),
		volume: Flags.string({
			...each,
			description: 'a volume made by hand (each, in any order)',
			helpValue: 'FILE',
		}),
		host: Flags.string({ description: 'the host that has the volumes and gets the files', helpValue: '[USER@]NAME' }),
		send: Flags.boolean({ default: false, description: 'the volumes are on this machine: send them to --host' }),
		'dry-run': Flags.boolean({ default: false, description: 'check the volumes, print the commands and stop' }),
		yes: Flags.boolean({ char: 'y', default: false, description: 'confirm --to / in advance' }),
	};
	static override examples = [
		'<%= config.bin %> <%= command.id %> /mnt --list',
		'<%= config.bin %> <%= command.id %> /mnt /home/ann/letters --to /tmp/back',
		'<%= config.bin %> <%= command.id %> /mnt --host root@db1 --to /',
		'<%= config.bin %> <%= command.id %> ~/backups/db1 --send --host root@db1 --to /mnt',
		'<%= config.bin %> <%= command.id %> /mnt --volume home-1.tar --volume home-2.tar --to /home/old',
	];

	async run(): Promise<unknown> {
		const { args, argv, flags } = await this.parse(RestoreCommand);
		return runRestore(args.dir, argv.slice(1).map(String), flags, this.jsonEnabled(), (line) => this.log(line));
	}
}
