/** One form for what differs from run to run: ids, times, processes, ports, hashes, workplaces. */
export function keyOf(text: string): string {
	return text
		.replace(/run-\d{14}-\w+/g, 'RUN')
		.replace(/bsdup-\d{14}-\w+/g, 'BACKUP')
		.replace(/^\S*\/(state|cache|bsdup-state)\//, '')
		.replace(/\d+\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'OWNER')
		.replace(/\b[0-9a-f]{64}\b/g, 'HASH')
		.replace(/\b[0-9a-f]{12,63}\b/g, 'HEX')
		.replace(/\/tmp\/tmp\.\w+/g, '/tmp/tmp.HEX')
		.replace(/(\d-)20\d{6}\b/g, '$1DATE')
		.replace(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, 'TIME')
		.replace(/\.\d+\.tmp\b/g, '.PID.tmp')
		.replace(/(process|-p|kill) \d+/g, '$1 PID')
		.replace(/127\.0\.0\.1:\d+/g, 'MIRROR');
}

/** What begins the job of any step, before its own lines: asked for, its directory made, claimed. What reboots is begun in its own way. */
const BEGINS = /(resume\.sh (?:start|job|act)|mkdir -p \S+\/jobs\/|mkdir \S+\/jobs\/)(\s?)(?!zone|\S*reboot)[a-z][a-z0-9-]*/;

/**
 * One form for what is handled alike, one after another: before the zone it is no matter which of the sets it is, and before its own
 * lines which of the steps.
 */
export function roleOf(key: string): string {
	if (/\btar -C \/ /.test(key)) return key;
	return key
		.replace(BEGINS, '$1$2STEP')
		.replace(/\bsha256\/[0-9a-f]{2}\//, 'sha256/XX/')
		.replace(/\b(bsd(\.mp|\.rd)?|BUILDINFO|INSTALL\.\w+|SHA256(\.sig)?|[a-z]+\d\d\.tgz|\w[\w-]*\.txz)(?=(\.part)?( |$))/g, 'FILE');
}
