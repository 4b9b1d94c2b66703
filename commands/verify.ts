import { stat } from 'node:fs/promises';
import { Args, Flags } from '@oclif/core';
import { typed } from '../src/cli/args.ts';
import { BaseCommand } from '../src/cli/base-command.ts';
import { setLayouts } from '../src/cli/set-layouts.ts';
import { verifiedLines } from '../src/cli/show-verified.ts';
import { BsdupError, EXIT } from '../src/errors.ts';
import { type VerifyReport, verifyDir } from '../src/fetch/verify-dir.ts';

/** `bsdup verify DIR`: exit 0 = list and files are right, 1 = not, 2 = usage. Only reads. */
export default class VerifyCommand extends BaseCommand {
	static override summary = 'Verify a folder of sets: the signature of the list, then every listed file that is there, and what is in it.';
	static override description = [
		'The list is SHA256.sig, SHA256 or MANIFEST. A signed one is proven with the key that its first line names, from /etc/signify.',
		'One without a signature is taken only beside a copy from elsewhere (--trusted-list), or as it is (--unsigned).',
		'Archives are read to their end, and no member may leave the tree it is unpacked in.',
	].join('\n');
	static override args = { dir: Args.string({ ...typed, required: true, description: 'the folder with the sets and their list' }) };
	static override flags = {
		key: Flags.string({ description: 'public key file; default: the one named in the list, from /etc/signify', helpValue: 'FILE' }),
		'trusted-list': Flags.string({
			description: 'a copy of the list from a source you trust, where the list is not signed',
			helpValue: 'FILE',
			exclusive: ['key', 'unsigned'],
		}),
		all: Flags.boolean({ default: false, description: 'fail if a listed file is absent' }),
		unsigned: Flags.boolean({ default: false, description: 'take a list without a signature (releases older than signatures)' }),
	};
	static override examples = [
		'<%= config.bin %> <%= command.id %> /usr/rel',
		'<%= config.bin %> <%= command.id %> /mnt/sets --key ~/base.pub --all',
		'<%= config.bin %> <%= command.id %> /var/tmp/dist --trusted-list ~/amd64-amd64-15.0-RELEASE',
		'<%= config.bin %> <%= command.id %> /usr/rel --json',
	];

	async run(): Promise<VerifyReport> {
		const { args, flags } = await this.parse(VerifyCommand);
		if ((await stat(args.dir).catch(() => undefined))?.isDirectory() !== true)
			throw new BsdupError({
				...{ code: 'E_USAGE', message: `${JSON.stringify(args.dir)} is no folder`, state: 'Nothing was changed.' },
				...{ next: ['bsdup verify DIR'], exit: EXIT.usage },
			});
		const report = await verifyDir({
			...{ dir: args.dir, key: flags.key, keyDir: '/etc/signify', trusted: flags['trusted-list'] },
			...{ all: flags.all, allowUnsigned: flags.unsigned, layouts: await setLayouts(this.config.root) },
		});
		for (const line of verifiedLines(report)) this.log(line);
		for (const fault of report.faults) this.logToStderr(`bsdup: ${fault}`);
		if (report.faults.length > 0) process.exitCode = EXIT.failed;
		return report;
	}
}
