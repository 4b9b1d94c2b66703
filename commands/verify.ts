import { stat } from 'node:fs/promises';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../src/cli/base-command.ts';
import { BsdupError, EXIT } from '../src/errors.ts';
import { type VerifyReport, verifyDir } from '../src/fetch/verify-dir.ts';

/** `bsdup verify DIR`: exit 0 = signature and files are right, 1 = not, 2 = usage. Only reads. */
export default class VerifyCommand extends BaseCommand {
	static override summary = 'Verify a folder of sets: the signature of the list, then every listed file that is there.';
	static override args = { dir: Args.string({ required: true, description: 'the folder with the sets and SHA256.sig' }) };
	static override flags = {
		key: Flags.string({ description: 'public key file; default: the one named in the list, from /etc/signify', helpValue: 'FILE' }),
		all: Flags.boolean({ default: false, description: 'fail if a listed file is absent' }),
		unsigned: Flags.boolean({ default: false, description: 'take a list without a signature (releases older than signatures)' }),
	};
	static override examples = [
		'<%= config.bin %> <%= command.id %> /usr/rel',
		'<%= config.bin %> <%= command.id %> /mnt/sets --key ~/base.pub --all',
		'<%= config.bin %> <%= command.id %> /usr/rel --json',
	];

	async run(): Promise<VerifyReport> {
		const { args, flags } = await this.parse(VerifyCommand);
		if ((await stat(args.dir).catch(() => undefined))?.isDirectory() !== true)
			throw new BsdupError({
				code: 'E_USAGE',
				message: `${JSON.stringify(args.dir)} is no folder`,
				state: 'Nothing was changed.',
				next: ['bsdup verify DIR'],
				exit: EXIT.usage,
			});
		const report = await verifyDir({
			dir: args.dir,
			key: flags.key,
			keyDir: '/etc/signify',
			all: flags.all,
			allowUnsigned: flags.unsigned,
		});
		this.log(report.list.key === null ? `${report.list.file}: not signed` : `${report.list.file}: signed with ${report.list.key}`);
		for (const { name, state, detail } of report.files) this.log(`${name}: ${state}${detail === '' ? '' : `: ${detail}`}`);
		for (const fault of report.faults) this.logToStderr(`bsdup: ${fault}`);
		if (report.faults.length > 0) process.exitCode = EXIT.failed;
		return report;
	}
}
