import { Args, Flags } from '@oclif/core';
import { typed } from '../src/cli/args.ts';
import { BaseCommand } from '../src/cli/base-command.ts';
import { hostFlags } from '../src/cli/open-host.ts';
import { rankRequest } from '../src/cli/rank-request.ts';
import { untilSignal } from '../src/cli/until-signal.ts';
import { EXIT } from '../src/errors.ts';
import { rankMirrors } from '../src/mirrors/rank.ts';
import { mirrorLines } from '../src/report/mirror-table.ts';

export default class MirrorsCommand extends BaseCommand {
	static override summary = 'Rank mirrors: how near, how fast, how new, and whether all of it is of one build.';
	static override description =
		'Without URLs those of the config file, of the host (this machine, where it runs such a system) and the default one are measured. Exit 1: none of them is good.';
	static override args = { url: Args.string({ ...typed, description: 'top of a mirror; several are taken' }) };
	static override strict = false;
	static override flags = {
		...hostFlags,
		host: Flags.string({ description: "take architecture, keys and mirrors of this host's", helpValue: '[user@]name[:port]' }),
		os: Flags.string({ description: 'the system the mirrors are for (uname -s), where no host tells', helpValue: 'NAME' }),
		to: Flags.string({ description: 'snapshot, or a release X.Y (X.Y-RELEASE)', default: 'snapshot', helpValue: 'TARGET' }),
		arch: Flags.string({ description: "architecture; default: the host's, else amd64", helpValue: 'ARCH' }),
		manifest: Flags.string({ description: 'a manifest of your own', helpValue: 'FILE' }),
		method: Flags.string({ description: "upgrade method; default: the system's own" }),
		time: Flags.integer({ description: 'seconds for all of it, about', default: 60, min: 1 }),
	};
	static override examples = [
		'<%= config.bin %> <%= command.id %> --os NAME https://mirror1.example.org/pub ftp://mirror2.example.org/pub',
		'<%= config.bin %> <%= command.id %> --host root@db1 --to 7.8',
		'<%= config.bin %> <%= command.id %> --os NAME --arch arm64 --json',
	];

	async run(): Promise<unknown> {
		const { argv, flags } = await this.parse(MirrorsCommand);
		const request = await rankRequest(argv as string[], flags, this.config.root);
		const mirrors = await untilSignal((signal) =>
			rankMirrors({ ...request, timeMs: flags.time * 1000, signal, onProgress: (text) => this.logToStderr(`${text} …`) }),
		);
		const columns = process.stdout.columns ?? Number.POSITIVE_INFINITY;
		for (const line of mirrorLines(mirrors, columns, Date.now() / 1000)) this.log(line);
		if (!mirrors.some(({ state }) => state === 'good')) process.exitCode = EXIT.failed;
		return { to: flags.to, arch: request.wanted.arch, mirrors };
	}
}
