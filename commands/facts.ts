import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Flags } from '@oclif/core';
import { hostArg } from '../src/cli/args.ts';
import { usage } from '../src/cli/backup-flags.ts';
import { BaseCommand } from '../src/cli/base-command.ts';
import { hostFlags, openHost } from '../src/cli/open-host.ts';
import { factsScript, gatherFacts, parseFacts, systemIn } from '../src/facts/gather.ts';
import { loadProbes, systemOf } from '../src/facts/probes.ts';
import { factsLines } from '../src/facts/text.ts';

export default class FactsCommand extends BaseCommand {
	static override summary = 'Tell what is true on a host; only reads.';
	static override args = { host: hostArg };
	static override flags = {
		...hostFlags,
		// Without a default, which would pass for given with --os.
		script: Flags.boolean({
			description: 'print the sh script that reads, for a host out of reach; touches no host',
			exclusive: ['from'],
		}),
		os: Flags.string({ description: 'with --script: the system it is for (uname -s)', helpValue: 'NAME', dependsOn: ['script'] }),
		from: Flags.string({ description: 'the facts from what the script printed', helpValue: 'FILE' }),
	};
	static override examples = [
		'<%= config.bin %> <%= command.id %> root@db1',
		'<%= config.bin %> <%= command.id %> root@db1 --json > db1.json',
		'<%= config.bin %> <%= command.id %> --os NAME --script > read.sh   # then, on the host: sh read.sh > out.txt',
		'<%= config.bin %> <%= command.id %> --from out.txt --json > db1.json',
	];

	async run(): Promise<unknown> {
		const { args, flags } = await this.parse(FactsCommand);
		const manifests = join(this.config.root, 'manifests');
		if (flags.script) {
			const script = factsScript(await loadProbes(manifests, flags.os, true));
			this.log(script.trimEnd());
			return { script };
		}
		const facts = flags.from === undefined ? await this.gather(args.host, flags, manifests) : await this.read(flags.from, manifests);
		for (const line of factsLines(facts, process.stdout.columns)) this.log(line);
		return facts;
	}

	private async gather(host: string | undefined, flags: Parameters<typeof openHost>[1], manifests: string) {
		const transport = await openHost(host, flags);
		try {
			return await gatherFacts(transport, await loadProbes(manifests, await systemOf(transport)));
		} finally {
			await transport.close();
		}
	}

	private async read(file: string, manifests: string) {
		const again = ['bsdup facts --os NAME --script > read.sh   (then, on the host: sh read.sh > out.txt)'];
		const output = await readFile(file, 'utf8').catch((cause: Error) => {
			throw usage(`cannot read ${file}: ${cause.message}`, again);
		});
		const system = systemIn(output);
		if (system === undefined) throw usage(`${file} is not what the script printed`, again);
		return parseFacts(await loadProbes(manifests, system), output);
	}
}
